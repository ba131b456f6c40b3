import type { DeviceTensor, KernelName, Kernels } from "../kernels/kernels.ts";
import type {
  ProfiledCall,
  ProfiledLayer,
  ProfiledStep,
  ProfilePass,
  ProfileRequest,
  ProfileSpan,
  RunProfile,
} from "../runner/profile.ts";
import type { DeviceTimer, Host } from "../runner/runner.ts";
import type { StepPart } from "./step.ts";
import { timedKernels } from "./timed-kernels.ts";

/** What comes after each part of a step. */
const NEXT_PASS: Readonly<Record<StepPart, ProfilePass>> = {
  forward: "backward",
  backward: "optimizer",
  optimizer: "wait",
};

/** A call whose device time is not known yet: that of its dispatches `[from, to)`. */
interface NotedCall {
  readonly call: ProfiledCall;
  readonly from: number;
  readonly to: number;
}

/** A step while it runs. */
interface OpenStep {
  readonly epoch: number;
  readonly step: number;
  readonly startMs: number;
  readonly passes: ProfileSpan[];
  readonly layers: ProfiledLayer[];
  readonly calls: NotedCall[];
  pass: ProfilePass;
  passStartMs: number;
  layer: string | null;
  layerStartMs: number;
}

/** Watches the steps that a profile wants: its kernel set notes each call, the executor says whose it is. */
export class Profiler<T extends DeviceTensor> {
  /** The host's kernels, timed. */
  readonly kernels: Kernels<T>;
  readonly request: ProfileRequest;
  /** For {@link PassContext.enterLayer}. */
  readonly enterLayer: (layer: string | null) => void;
  readonly #host: Host<T>;
  readonly #timer: DeviceTimer | undefined;
  readonly #steps: ProfiledStep[] = [];
  #open: OpenStep | undefined;
  #originMs: number | undefined;

  constructor(host: Host<T>, request: ProfileRequest) {
    this.#host = host;
    this.#timer = host.deviceTimer;
    this.request = request;
    this.kernels = timedKernels(host.kernels, (kernel, work) => this.#call(kernel, work));
    this.enterLayer = (layer) => {
      if (this.#open !== undefined) this.#leaveLayer(this.#open, layer);
    };
  }

  /** Whether every step was seen that is wanted. */
  get done(): boolean {
    return this.#steps.length >= this.request.steps;
  }

  /** Starts a step, if it is one of those. */
  begin(epoch: number, step: number): void {
    if (step > this.request.warmupSteps && !this.done) this.#start(epoch, step, "input");
  }

  /** Ends the current part of the step and starts another. */
  enter(pass: ProfilePass): void {
    const open = this.#open;
    if (open === undefined || open.pass === pass) return;
    const now = this.#now();
    this.#leaveLayer(open, null, now);
    open.passes.push({ pass: open.pass, startMs: open.passStartMs, ms: now - open.passStartMs });
    open.pass = pass;
    open.passStartMs = now;
  }

  /** Goes on to what follows a part that has ended. */
  after(part: StepPart): void {
    this.enter(NEXT_PASS[part]);
  }

  /** Counts what a function takes as input, in whatever part it is called. */
  input<A extends unknown[], R>(work: (...args: A) => R): (...args: A) => R {
    return (...args) => {
      const before = this.#open?.pass;
      this.enter("input");
      const result = work(...args);
      if (before !== undefined) this.enter(before);
      return result;
    };
  }

  /** Ends a step; the device must be done. */
  async end(images: number): Promise<void> {
    const step = await this.#finish(images);
    if (step !== undefined) this.#steps.push(step);
  }

  /**
   * Gives what was seen.
   * @param evaluate evaluates so many images; is called once to warm up and once to be watched
   */
  async profile(images: number, evaluate: () => Promise<unknown>): Promise<RunProfile> {
    const { phase, warmupSteps } = this.request;
    const profile = { phase, warmupSteps, steps: this.#steps };
    if (images === 0) return { ...profile, evaluation: null };
    await evaluate();
    await this.#host.synchronize();
    this.#start(0, 0, "evaluate");
    await evaluate();
    await this.#host.synchronize();
    return { ...profile, evaluation: (await this.#finish(images)) ?? null };
  }

  #now(): number {
    return this.#host.now() - (this.#originMs ?? 0);
  }

  #start(epoch: number, step: number, pass: ProfilePass): void {
    this.#originMs ??= this.#host.now();
    this.#timer?.start();
    const startMs = this.#now();
    this.#open = {
      epoch,
      step,
      startMs,
      passes: [],
      layers: [],
      calls: [],
      pass,
      passStartMs: startMs,
      layer: null,
      layerStartMs: startMs,
    };
  }

  #leaveLayer(open: OpenStep, next: string | null, now = this.#now()): void {
    const { layer, pass, layerStartMs } = open;
    if (layer !== null) open.layers.push({ layer, pass, startMs: layerStartMs, ms: now - layerStartMs });
    open.layer = next;
    open.layerStartMs = now;
  }

  async #finish(images: number): Promise<ProfiledStep | undefined> {
    const open = this.#open;
    if (open === undefined) return undefined;
    this.#open = undefined;
    const now = this.#now();
    this.#leaveLayer(open, null, now);
    const { epoch, step, startMs, passes, layers, calls, pass, passStartMs } = open;
    passes.push({ pass, startMs: passStartMs, ms: now - passStartMs });
    const dispatchMs = await this.#timer?.stop();
    const timed = calls.map(({ call, from, to }): ProfiledCall => {
      if (dispatchMs === undefined) return call;
      return { ...call, deviceMs: dispatchMs.slice(from, to).reduce((sum, ms) => sum + ms, 0) };
    });
    return { epoch, step, images, startMs, ms: now - startMs, passes, layers, calls: timed };
  }

  #call<R>(kernel: KernelName, work: () => R): R {
    const open = this.#open;
    if (open === undefined) return work();
    const { pass, layer } = open;
    const from = this.#timer?.count() ?? 0;
    const startMs = this.#now();
    const note = (): void => {
      const ms = this.#now() - startMs;
      const { tensors, bytes } = this.#host.kernels.memory();
      const call = { kernel, layer, pass, startMs, ms, tensors, bytes };
      open.calls.push({ call, from, to: this.#timer?.count() ?? 0 });
    };
    const result = work();
    if (result instanceof Promise) {
      return result.then((value: unknown) => {
        note();
        return value;
      }) as R;
    }
    note();
    return result;
  }
}
