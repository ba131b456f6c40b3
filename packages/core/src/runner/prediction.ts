import type { KerasConfig } from "../model/network.ts";
import type { Spec } from "../spec/schema.ts";
import type { EngineSettings, Environment } from "./environment.ts";

/** A trained network as a runner needs it to predict: plain data. */
export interface PredictRequest {
  readonly model: Spec["model"];
  readonly classCount: number;
  /** Of architecture `keras`. */
  readonly config?: KerasConfig;
  /** Every weight of base and head with Keras's names, as the bytes of a safetensors file. */
  readonly weights: Uint8Array;
  /** A batch that takes longer is given up. */
  readonly stepLimitSeconds: number;
}

/** Decoded images, one behind the other. */
export interface PixelBatch {
  readonly count: number;
  /** uint8 [count, height, width, 3], 0…255 */
  readonly pixels: Uint8Array;
}

/** How to predict, beside what the request says. */
export interface PredictOptions {
  /** Engine settings asked for; what a runner does not know is an error. */
  readonly settings: EngineSettings;
  /** Stops at the next batch; the iterator then throws ThawError `cancelled`. */
  readonly signal?: AbortSignal;
}

/** What a runner says while it predicts: one `start`, then the answer to each batch, in order. */
export type PredictEvent =
  | { readonly type: "start"; readonly environment: Environment }
  | {
      readonly type: "batch";
      readonly count: number;
      /** float32 [count, classes], rows add up to 1 */
      readonly probabilities: Float32Array;
    };
