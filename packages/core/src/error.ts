/** What a {@link ThawError} carries beside its message. */
export interface ThawErrorOptions {
  /** What to do next, one sentence. */
  readonly hint?: string;
  /** Further plain data (lists of names, expected and found values), serialisable. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** A {@link ThawError} as plain data, for crossing a process or a page. */
export interface SerializedError {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** The one error class: a stable code, one plain sentence, and a hint that says what to do next. */
export class ThawError extends Error {
  readonly code: string;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(code: string, message: string, options: ThawErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "ThawError";
    this.code = code;
    this.hint = options.hint;
    this.details = options.details;
  }
}

/** Turns anything thrown into plain data; what is no ThawError gets the code `internal`. */
export function serializeError(error: unknown): SerializedError {
  if (error instanceof ThawError) {
    return {
      code: error.code,
      message: error.message,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      ...(error.details === undefined ? {} : { details: error.details }),
    };
  }
  if (error instanceof Error) {
    return { code: "internal", message: error.message, details: { stack: error.stack ?? "" } };
  }
  return { code: "internal", message: String(error) };
}

/** The inverse of {@link serializeError}. */
export function deserializeError(error: SerializedError): ThawError {
  return new ThawError(error.code, error.message, {
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...(error.details === undefined ? {} : { details: error.details }),
  });
}
