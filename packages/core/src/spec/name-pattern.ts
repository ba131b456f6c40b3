import { RE2JS } from "re2js";

/** A regular expression over names. */
export interface NamePattern {
  /** Whether it matches somewhere in a name. */
  test(name: string): boolean;
}

/**
 * Compiles a regular expression of a spec. Matching takes time in proportion to the name, whatever the pattern: the
 * language's own engine tries nested repetitions (`(a+)+`) in all their ways, which has no end.
 * @throws Error that says what is wrong with it; lookarounds and back references are not known
 * @see https://github.com/google/re2/wiki/Syntax
 */
export function namePattern(pattern: string): NamePattern {
  const compiled = RE2JS.compile(pattern);
  return { test: (name) => compiled.matcher(name).find() };
}
