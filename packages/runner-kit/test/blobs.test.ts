import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { blobPath } from "@thaw/core";
import { expect, it } from "vitest";
import { fileHost } from "../src/index.ts";

it("reads parts of a blob, and says where one ends too early", async () => {
  const storeDir = mkdtempSync(join(tmpdir(), "thaw-"));
  const ref = { sha256: "ab".repeat(32), bytes: 10 };
  const path = join(storeDir, blobPath(ref.sha256));
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(
    path,
    Uint8Array.from({ length: 10 }, (_, index) => index),
  );
  const reader = await fileHost({ storeDir, settings: {} }).openBlob?.(ref);
  const into = new Uint8Array(3);
  reader?.readInto(4, into);
  expect([...into]).toEqual([4, 5, 6]);
  expect(() => reader?.readInto(8, into)).toThrow(`${path} ends after 10 bytes.`);
  reader?.close();
  expect(() => reader?.readInto(0, into)).toThrow(/EBADF/);
});
