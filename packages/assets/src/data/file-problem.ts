import { MAX_FILE_BYTES } from "./decoder.ts";

/** Why a file of this size is refused unread; undefined where it is not. */
export function sizeProblem(bytes: number): string | undefined {
  return bytes > MAX_FILE_BYTES ? `${bytes} bytes, at most ${MAX_FILE_BYTES} are read` : undefined;
}

/** Why a file could not be read, from what the system threw. */
export function openProblem(error: unknown): string {
  const reason = error instanceof Error && "code" in error ? String(error.code) : String(error);
  return `the file cannot be opened (${reason})`;
}
