import { ThawError } from "@thaw/core";
import { type ChildHost, serveRunner } from "../../src/index.ts";
import { toyEnvironment } from "../toy-environment.ts";

// A child whose device takes no more work: with the setting `lost` it says so, without it hangs.
serveRunner({
  environment: toyEnvironment,
  createHost: ({ settings }): ChildHost => {
    const failure = new Promise<never>((_, reject) => {
      if (settings.lost === true) setTimeout(() => reject(new ThawError("gpu-lost", "The device was lost.")), 50);
    });
    return {
      kernels: {} as ChildHost["kernels"], // the run waits for its blobs and never comes so far
      environment: toyEnvironment(),
      now: () => performance.now(),
      synchronize: () => Promise.resolve(),
      peakRssBytes: () => null,
      readBlob: () => new Promise(() => undefined),
      failure,
    };
  },
});
