import { SetupError } from "../../../scripts/setup/setup-error.mjs";

/** Waits for work that must fail with a {@link SetupError}, and gives the error. */
export async function failure(work: Promise<unknown>): Promise<SetupError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof SetupError) return error;
    throw error;
  }
  throw new Error("it did not fail");
}
