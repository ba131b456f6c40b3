import { ThawError } from "../src/error.ts";

/** The ThawError that an action throws or rejects with; anything else, success too, is an error of the test. */
export async function failureOf(action: () => unknown): Promise<ThawError> {
  try {
    await action();
  } catch (error) {
    if (error instanceof ThawError) return error;
    throw error;
  }
  throw new Error("Expected a ThawError, but nothing was thrown.");
}
