import { ThawError } from "../error.ts";

/** Notices when a run has stood still for longer than its plan allows. */
export interface Watchdog {
  /** Something moved. */
  feed(): void;
  stop(): void;
}

/**
 * Starts a watchdog for a run or a prediction.
 * @param stepLimitSeconds how long nothing may move
 * @param timers the machine's clock: `setTimeout` and `clearTimeout`
 * @param onHang is called once, with the error `step-hung`, when nothing fed it for `stepLimitSeconds`
 */
export function watchRun<H>(
  stepLimitSeconds: number,
  timers: { readonly set: (callback: () => void, ms: number) => H; readonly clear: (handle: H) => void },
  onHang: (error: ThawError) => void,
): Watchdog {
  let handle: H | undefined;
  const stop = (): void => {
    if (handle !== undefined) timers.clear(handle);
    handle = undefined;
  };
  const feed = (): void => {
    stop();
    handle = timers.set(() => {
      const message = `Nothing moved for ${stepLimitSeconds} s: a step, its shaders or the device hangs.`;
      const hint =
        "Use a smaller batchSize or imageSize, or raise stepLimitSeconds in the spec if steps are that slow.";
      onHang(new ThawError("step-hung", message, { hint }));
    }, stepLimitSeconds * 1000);
  };
  feed();
  return { feed, stop };
}
