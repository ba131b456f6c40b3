import { clipped, ThawError } from "@thaw/core";

/** A problem that names a foreign text, and what was found. */
const MOST_CHARACTERS = 1000;

/** The error for a weight file that cannot be read as what it claims to be. */
export function weightsInvalid(
  where: string,
  problem: string,
  options: { hint?: string; cause?: unknown } = {},
): ThawError {
  return new ThawError("weights-invalid", `${where}: ${clipped(problem, MOST_CHARACTERS)}.`, {
    hint: options.hint ?? "The file is cut off, damaged or of another kind: fetch or save it again.",
    details: { file: where },
    ...(options.cause === undefined ? {} : { cause: options.cause }),
  });
}

/** The error for a file whose declared sizes are beyond what is read. */
export function weightsTooLarge(where: string, what: string, bytes: number, limit: number): ThawError {
  return new ThawError(
    "weights-too-large",
    `${where}: ${clipped(what)} claims ${bytes} bytes, at most ${limit} are read.`,
    {
      hint: "Check that this is the right file; a ResNet50 has 95 MB, three times that with an optimizer's state.",
      details: { file: where, bytes, limit },
    },
  );
}

/** The error for a tensor that is no plain float32. */
export function weightsDtype(where: string, tensor: string, dtype: string): ThawError {
  return new ThawError(
    "weights-dtype",
    `${where}: tensor "${clipped(tensor)}" has dtype ${clipped(dtype)}, expected float32.`,
    {
      hint: "Save the weights as float32, neither quantised nor cast.",
      details: { file: where, tensor, dtype },
    },
  );
}
