import { ThawError } from "@thaw/core";
import fc from "fast-check";
import { expectSame, MEGABYTE, oneFile, type Target, target } from "../src/target.ts";

/** A target that has a fault where its input, a number, is above 900. */
function faulty(name: string, fault: () => unknown): Target {
  return target<number>({
    name,
    share: 1,
    codes: ["too-small"],
    growthBytes: 96 * MEGABYTE,
    inputs: fc.integer({ min: 0, max: 1000 }),
    async read(input) {
      Reflect.deleteProperty(Object.prototype, "isAdmin"); // of the case before
      if (input > 900) return await fault();
      if (input > 500) return input;
      throw new ThawError("too-small", `${input} is too small.`, { hint: "Take another." });
    },
    files: (input) => oneFile("number.txt", `${input}`),
  });
}

const kept: Uint8Array[] = [];

/** Every kind of fault that the judge is to find. */
export async function loadTargets(): Promise<readonly Target[]> {
  return [
    faulty("hang", () => {
      for (;;) kept.length = 0;
    }),
    faulty("silence", () => new Promise(() => setInterval(() => undefined, 1000))),
    faulty("crash", () => process.abort()),
    faulty("allocation", () => {
      kept.push(new Uint8Array(256 * MEGABYTE).fill(1));
      return kept.length;
    }),
    faulty("no-code", () => {
      throw new TypeError("x is not a function");
    }),
    faulty("internal", () => {
      throw new ThawError("internal", "It should not be.", { hint: "None." });
    }),
    faulty("no-hint", () => {
      throw new ThawError("too-small", "What now?");
    }),
    faulty("long-message", () => {
      throw new ThawError("too-small", "x".repeat(100_000), { hint: "Read on." });
    }),
    faulty("wrong-result", () => expectSame("the number", 1, 2, false)),
    faulty("pollution", () => {
      const value = JSON.parse('{"__proto__": {"isAdmin": true}}');
      return { inner: { [Object.keys(value)[0] ?? ""]: 1, ...value } };
    }),
    faulty("prototype", () => Object.assign({}, { inner: Object.create({ isAdmin: true }) })),
    faulty("global", () => {
      Object.defineProperty(Object.prototype, "isAdmin", { value: true, configurable: true });
      return 1;
    }),
    faulty("none", () => 1),
  ];
}
