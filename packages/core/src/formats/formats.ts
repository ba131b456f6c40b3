import type { Format, UpgradeStep } from "./format.ts";
import { parityReportOfTwo, resultOfTwo } from "./steps.ts";

function format<Version extends number>(
  name: string,
  version: Version,
  ...steps: readonly UpgradeStep[]
): Format<Version> {
  return { name, version, steps };
}

/** Every file of Thaw's that is kept and read again, with the version that this Thaw writes and the way from older ones. */
export const FORMATS = {
  spec: format("spec", 1),
  sweep: format("sweep", 1),
  result: format("result", 2, resultOfTwo),
  savedModel: format("saved model", 1),
  parityReport: format("parity report", 2, parityReportOfTwo),
  benchReport: format("benchmark", 1),
  rangeTest: format("range test", 1),
  gridTable: format("table of a grid", 1),
  shardManifest: format("manifest of a shard", 1),
} as const;
