import { pixelsBehind } from "../data/preprocessing.ts";
import { ThawError } from "../error.ts";
import type { DeviceTensor, Kernels } from "../kernels/kernels.ts";
import { type Preprocessing, sizeOf } from "../model/layer.ts";
import { type HostTensor, writeSafetensors } from "../model/safetensors.ts";
import {
  STEP_FILE,
  type TraceDigests,
  type TracedStep,
  type TraceSink,
  tracePositions,
  weightsFile,
} from "../runner/trace.ts";
import { sha256 } from "../spec/hash.ts";
import type { Batch } from "./step.ts";
import type { Variables } from "./variables.ts";

/** Root mean square, mean, largest magnitude and number of non-finite values. */
function summarise(values: Float32Array): Float64Array {
  let [squares, sum, largest, nonFinite] = [0, 0, 0, 0];
  for (const value of values) {
    squares += value * value;
    sum += value;
    largest = Math.max(largest, Math.abs(value));
    if (!Number.isFinite(value)) nonFinite += 1;
  }
  return Float64Array.of(Math.sqrt(squares / values.length), sum / values.length, largest, nonFinite);
}

function picked(values: Float32Array): HostTensor {
  const data = Float32Array.from(tracePositions(values.length), (position) => values[position] ?? Number.NaN);
  return { dtype: "float32", shape: [data.length], data };
}

/** Watches a run and leaves its trace; it alone knows which steps are wanted. */
export class Tracer<T extends DeviceTensor> {
  readonly #kernels: Kernels<T>;
  readonly #sink: TraceSink;
  readonly #preprocessing: Preprocessing;
  readonly #last: number;
  readonly #steps: TracedStep[] = [];
  readonly #first = new Map<string, HostTensor>();
  #trained: readonly string[] = [];
  #done = false;

  /** @throws ThawError `trace-invalid` where the run ends before the last step that is wanted */
  constructor(kernels: Kernels<T>, sink: TraceSink, totalSteps: number, preprocessing: Preprocessing) {
    this.#kernels = kernels;
    this.#preprocessing = preprocessing;
    this.#sink = sink;
    this.#last = Math.max(0, ...sink.weightsAt);
    if (this.#last > totalSteps) {
      throw new ThawError("trace-invalid", `Step ${this.#last} is to be traced, and the run has ${totalSteps}.`, {
        hint: "Trace an earlier step, or train for more epochs.",
      });
    }
  }

  /** Whether the last step that is wanted has been. */
  get done(): boolean {
    return this.#done;
  }

  /** What to tell of a step's inside; undefined where nobody asked. */
  wantsInside(step: number): boolean {
    return step === 1;
  }

  async batch(step: number, { images, labels }: Batch): Promise<void> {
    const pixels = pixelsBehind(this.#preprocessing, images);
    const classes = new Uint8Array(Int32Array.from(labels).buffer);
    this.#steps.push({ step, images: await sha256(pixels), labels: await sha256(classes) });
  }

  /** Takes what it keeps of a layer's output. */
  async output(layer: string, tensor: T): Promise<void> {
    const values = await this.#kernels.download(tensor);
    this.#first.set(`activations/${layer}`, picked(values));
    this.#first.set(`summary/${layer}`, { dtype: "float64", shape: [4], data: summarise(values) });
  }

  async gradients(loss: number, gradients: ReadonlyMap<string, T>): Promise<void> {
    this.#first.set("loss", { dtype: "float64", shape: [1], data: Float64Array.of(loss) });
    this.#trained = [...gradients.keys()].sort();
    for (const name of this.#trained) {
      const tensor = gradients.get(name);
      if (tensor === undefined) continue;
      const data = await this.#kernels.download(tensor);
      if (data.length !== sizeOf(tensor.shape)) throw new ThawError("internal", `Gradient "${name}" is cut off.`);
      this.#first.set(`gradients/${name}`, { dtype: "float32", shape: tensor.shape, data });
    }
  }

  /**
   * Is called once before the first step (0) and after every step.
   * @returns the files that it wrote
   */
  async after(step: number, variables: Variables<T>): Promise<readonly string[]> {
    const files: string[] = [];
    if (this.wantsInside(step)) {
      files.push(await this.#sink.write(STEP_FILE, writeSafetensors(this.#first)));
      this.#first.clear();
    }
    if (this.#sink.weightsAt.includes(step)) {
      files.push(await this.#sink.write(weightsFile(step), writeSafetensors(await variables.download())));
    }
    this.#done = step >= this.#last;
    return files;
  }

  digests(): TraceDigests {
    return { steps: this.#steps, trained: this.#trained };
  }
}
