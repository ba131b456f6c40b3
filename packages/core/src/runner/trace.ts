/** What a traced run leaves behind, for rungs L0 and L2 to L4. The run ends after the last step named, unevaluated. */
export interface TraceRequest {
  /** Existing folder for the files. */
  readonly folder: string;
  /** Steps after which the weights are kept, ascending; 0 are those at the start. */
  readonly weightsAt: readonly number[];
}

/** Where a host puts a traced run's files. */
export interface TraceSink {
  readonly weightsAt: readonly number[];
  /** Stores one file whole; returns where. */
  write(name: string, bytes: Uint8Array): Promise<string>;
}

/**
 * Name of the file with the first step, a safetensors file: `loss` [1]; `activations/<layer>`, values of the layer's
 * output picked by {@link tracePositions}; `summary/<layer>`, four numbers of the whole output: root mean
 * square, mean, largest magnitude and number of non-finite values; `gradients/<layer>/<weight>`, whole. float32, or float64 where the engine
 * computes in it; summaries and the loss are float64. The head's output are its logits. A layer whose output an engine never stores (fused) is left out.
 */
export const STEP_FILE = "step-1.safetensors";

/** Name of the file with all weights after a step, Keras's names. */
export function weightsFile(step: number): string {
  return `weights-${step}.safetensors`;
}

/** Values of a layer's output that a trace keeps. */
export const TRACED_VALUES: number = 2 ** 16;

/** A prime above the size of any output: steps of it reach every position once. */
const STRIDE = 2_654_435_761;

/** Flat positions of the values that a trace keeps of a tensor: all of them, or some from everywhere in it. */
export function tracePositions(size: number): Uint32Array {
  if (size <= TRACED_VALUES) return Uint32Array.from({ length: size }, (_, index) => index);
  return Uint32Array.from({ length: TRACED_VALUES }, (_, index) => (index * STRIDE) % size);
}

/** What a traced run saw go into its steps. */
export interface TracedStep {
  readonly step: number;
  /** SHA-256 of the batch's pixels as fed to the network, back in uint8 [batch, height, width, 3]. */
  readonly images: string;
  /** SHA-256 of the batch's labels, int32 little-endian. */
  readonly labels: string;
}

/** The part of a traced run's outcome that proves what it ran on. */
export interface TraceDigests {
  readonly steps: readonly TracedStep[];
  /** Names of the weights that got gradients in the first step, sorted. */
  readonly trained: readonly string[];
}
