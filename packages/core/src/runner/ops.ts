import type { EngineSettings } from "./environment.ts";

/** `kernels`: the runner's own kernel set; `tfjs`: the stock operations of the tfjs backend below it. */
export type OpSuite = "kernels" | "tfjs";

/** How to judge a runner's operations. */
export interface OpOptions {
  readonly settings: EngineSettings;
  readonly signal?: AbortSignal;
}

/** One operation on given inputs, judged by rung L1. */
export interface OpVerdict {
  /** Kernel or operation: `conv2dInputGradient`, `tf.maxPool`. */
  readonly op: string;
  /** Which case of it, unique among those of the operation. */
  readonly name: string;
  /** Error over its bound in the worst element; 1 and below is fine. */
  readonly worst: number;
  /** One sentence for each thing that is wrong; empty where all is fine. */
  readonly problems: readonly string[];
}
