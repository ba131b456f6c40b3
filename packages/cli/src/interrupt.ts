/**
 * Turns the first Ctrl-C (or SIGTERM) into an abort signal; the second ends the process at once.
 * @returns the signal, and a function that takes the handlers off again
 */
export function onInterrupt(output: NodeJS.WritableStream): { signal: AbortSignal; dispose: () => void } {
  const controller = new AbortController();
  const handle = (): void => {
    if (controller.signal.aborted) process.exit(130);
    output.write("\nStopping after this step; press Ctrl-C again to stop at once.\n");
    controller.abort();
  };
  process.on("SIGINT", handle);
  process.on("SIGTERM", handle);
  return {
    signal: controller.signal,
    dispose: () => {
      process.off("SIGINT", handle);
      process.off("SIGTERM", handle);
    },
  };
}
