import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  blobPath,
  type Environment,
  float64Kernels,
  type NamedTensors,
  type Outcome,
  type Plan,
  parseSafetensors,
  train,
} from "@thaw/core";

const ENVIRONMENT: Environment = {
  runner: "core",
  engine: "plain float64",
  device: { kind: "cpu", name: "JavaScript", software: false },
  settings: {},
  versions: {},
  platform: { os: "any", arch: "any", cores: 1, memoryBytes: 0 },
};

/** What a run gave, with its final weights. */
export interface FinishedRun {
  readonly outcome: Outcome;
  readonly weights: NamedTensors;
}

/** Runs a plan by core's own loop on its float64 kernels in plain TypeScript: slow, and independent of any engine. */
export async function coreRun(plan: Plan, storeDir: string): Promise<FinishedRun> {
  let weights: NamedTensors = new Map();
  const host = {
    kernels: float64Kernels(),
    environment: ENVIRONMENT,
    now: () => performance.now(),
    synchronize: async () => undefined,
    peakRssBytes: () => null,
    readBlob: ({ sha256 }: { readonly sha256: string }) => readFile(join(storeDir, blobPath(sha256))),
    writeWeights: async (bytes: Uint8Array) => {
      weights = parseSafetensors(bytes, "core");
      return "weights";
    },
  };
  for await (const event of train(plan, host)) if (event.type === "end") return { outcome: event.outcome, weights };
  throw new Error("core's run did not end");
}
