/** A failure that a person can act on: a stable code, one sentence, and what to do next. */
export class SetupError extends Error {
  /**
   * @param {string} code kebab-case and stable
   * @param {string} message one sentence: what, where, what was expected
   * @param {string} hint what to do next
   */
  constructor(code, message, hint) {
    super(message);
    this.name = "SetupError";
    this.code = code;
    this.hint = hint;
  }
}

/**
 * @param {unknown} error
 * @returns {string} what a person sees: the sentence and the hint, or the stack of a bug
 */
export function describeError(error) {
  if (error instanceof SetupError)
    return `error: ${error.message} [${error.code}]\n  ${error.hint.replaceAll("\n", "\n  ")}`;
  return error instanceof Error ? `error: ${error.stack}` : `error: ${String(error)}`;
}
