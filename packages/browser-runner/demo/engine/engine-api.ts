import type { Environment, Plan, RunEvent } from "@thaw/core";
import type { EngineName, PageAnswer } from "../../src/messages.ts";

/** A run that the engine's worker is asked for. */
export interface TrainRequest {
  readonly plan: Plan;
  /** The plan's blobs by their SHA-256. */
  readonly blobs: ReadonlyMap<string, Uint8Array>;
}

/** What the engine's worker does; errors come back as data. */
export interface EngineApi {
  /** Opens an engine. Once a worker: an engine reads its settings when it starts. */
  open(engine: EngineName): Promise<PageAnswer<Environment>>;
  /**
   * Trains by core's own loop.
   * @param onEvents is given the run's events in order, in bunches
   * @returns the final weights as safetensors
   */
  train(request: TrainRequest, onEvents: (events: readonly RunEvent[]) => void): Promise<PageAnswer<Uint8Array>>;
  /** Stops the run at its next step; nothing where none is going on. */
  cancel(): void;
  /**
   * Runs one image through the network that was trained last.
   * @param pixels uint8 [imageSize, imageSize, 3]
   * @returns a probability for each class
   */
  classify(pixels: Uint8Array): Promise<PageAnswer<Float32Array>>;
}
