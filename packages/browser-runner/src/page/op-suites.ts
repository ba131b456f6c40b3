import * as tf from "@tensorflow/tfjs-core";
import { judgeKernels, type OpStart, type OpSuite, type OpVerdict } from "@thaw/core";
import type { PageEngine } from "./page-engine.ts";

/** Judges the operations of the open engine by one of the suites; the stock one is loaded only then. */
export async function verdictsOf(
  { kernels, unitRoundoff, synchronize }: PageEngine,
  suite: OpSuite,
  start: OpStart,
): Promise<AsyncIterable<OpVerdict>> {
  if (suite === "kernels") return judgeKernels(kernels, { unitRoundoff, start });
  // tfjs-core alone knows no gradients and no chained operations, which some gradients call; the umbrella package
  // registers them so.
  await import("@tensorflow/tfjs-core/dist/register_all_gradients.js");
  await import("@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops.js");
  const { judgeTfjs } = await import("@thaw/tfjs-ops");
  return judgeTfjs({ tf, unitRoundoff, settle: synchronize, start });
}
