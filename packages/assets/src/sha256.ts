import { createHash } from "node:crypto";

/** SHA-256 of one or more byte runs, taken as if they were one, in lower-case hex. */
export function sha256(...parts: readonly Uint8Array[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}
