/**
 * Nesting beyond this is refused: what walks a document calls itself for each level, and the stack has an end. Keras
 * nests deepest: sixteen models in each other, four levels each, and what a layer holds.
 */
export const MAX_JSON_DEPTH = 100;

/**
 * How deep the brackets of a JSON text nest. Of a text that is no JSON at least as deep as any parser may go that takes a
 * line's end for the end of a string.
 */
function depthOf(text: string): number {
  let [depth, deepest, isInString] = [0, 0, false];
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (isInString) {
      if (character === "\\") at += 1;
      else if (character === '"' || character === "\n") isInString = false;
    } else if (character === '"') isInString = true;
    else if (character === "[" || character === "{") {
      depth += 1;
      deepest = Math.max(deepest, depth);
    } else if (character === "]" || character === "}") depth -= 1;
  }
  return deepest;
}

/** Whether an object anywhere in parsed JSON has a key that would be taken for its prototype where it is copied key by key. */
function namesPrototype(value: unknown): boolean {
  const waiting: unknown[] = [value];
  while (waiting.length > 0) {
    const item = waiting.pop();
    if (typeof item !== "object" || item === null) continue;
    if (Object.hasOwn(item, "__proto__")) return true;
    for (const inner of Object.values(item)) waiting.push(inner);
  }
  return false;
}

/**
 * Parses JSON that somebody else may have written.
 * @throws SyntaxError for what is no JSON, nests deeper than {@link MAX_JSON_DEPTH}, or has a key `__proto__`
 */
export function parseJson(text: string): unknown {
  const depth = depthOf(text);
  if (depth > MAX_JSON_DEPTH)
    throw new SyntaxError(`it nests ${depth} levels deep, at most ${MAX_JSON_DEPTH} are read`);
  const value: unknown = JSON.parse(text);
  const mayName = text.includes("__proto__") || text.includes("\\u"); // escapes can spell it, too
  if (mayName && namesPrototype(value)) throw new SyntaxError('it has a key "__proto__"');
  return value;
}
