import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
// tfjs-core alone knows no gradients and no chained operations; the umbrella package registers them so.
import "@tensorflow/tfjs-core/dist/register_all_gradients.js";
import "@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops.js";
import { UNIT_ROUNDOFF } from "@thaw/core";
import type { OpEngine } from "../src/judgement.ts";

/** tfjs's own plain JavaScript backend, in this process. */
export async function cpuEngine(): Promise<OpEngine> {
  await tf.setBackend("cpu");
  return { tf, unitRoundoff: UNIT_ROUNDOFF.float32 };
}
