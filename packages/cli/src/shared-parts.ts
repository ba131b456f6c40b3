import type { Result } from "@thaw/core";

/**
 * Keeps one copy of what many results say alike: the layers of a depth, the images that were held out, the machine.
 * Thousands of results of a sweep fit into memory that way.
 * @returns takes a result and gives its equal
 */
export function partSharer(): (result: Result) => Result {
  const known = new Map<string, unknown>();
  const shared = <T>(part: T): T => {
    const text = JSON.stringify(part) ?? "";
    if (known.has(text)) return known.get(text) as T;
    known.set(text, part);
    return part;
  };
  return (result) => {
    const { heldOut, ...data } = result.data;
    return {
      ...result,
      phases: result.phases.map((phase) => ({ ...phase, layers: shared(phase.layers) })),
      data: { ...shared(data), ...(heldOut === undefined ? {} : { heldOut: shared(heldOut) }) },
      environment: shared(result.environment),
      ...(result.config === undefined ? {} : { config: shared(result.config) }),
    };
  };
}
