import type fc from "fast-check";

/** Something that Thaw reads, and how it is tried. */
export interface Target<Input = unknown> {
  readonly name: string;
  /** Part of all cases, relative to the others. */
  readonly share: number;
  /** Codes that a refusal may have. */
  readonly codes: readonly string[];
  /** Bytes that a case may take beyond what there was. */
  readonly growthBytes: number;
  readonly inputs: fc.Arbitrary<Input>;
  /**
   * Reads an input with Thaw's own code and compares what it gives with another reading.
   * @returns what was read
   * @throws ThawError where the input is refused; {@link WrongResult}
   */
  read(input: Input): Promise<unknown>;
  /** The input as files, by name. */
  files(input: Input): ReadonlyMap<string, Uint8Array>;
}

/** A module that has targets. */
export interface TargetsModule {
  loadTargets(): Promise<readonly Target[]>;
}

/** An input was taken, and what it gave is not what it says. */
export class WrongResult extends Error {}

/** Says so where what was read differs from what another reading gives. */
export function expectSame(what: string, found: unknown, expected: unknown, same: boolean): void {
  if (same) return;
  const shown = (value: unknown): string => String(JSON.stringify(value) ?? value).slice(0, 300);
  throw new WrongResult(`${what}: found ${shown(found)}, expected ${shown(expected)}`);
}

/** A target among others of any input. */
export function target<Input>(given: Target<Input>): Target {
  return given as unknown as Target;
}

/** Files of one text. */
export function oneFile(name: string, content: string | Uint8Array): ReadonlyMap<string, Uint8Array> {
  return new Map([[name, typeof content === "string" ? new TextEncoder().encode(content) : content]]);
}

export const MEGABYTE: number = 2 ** 20;
