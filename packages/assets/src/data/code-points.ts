/** Moves a UTF-16 unit so that surrogates (code points above 0xffff) sort after everything else. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

/** Orders strings by code point, as Python's `sorted` and so Keras does; JavaScript's own order differs above U+FFFF. */
export function compareCodePoints(first: string, second: string): number {
  const length = Math.min(first.length, second.length);
  for (let index = 0; index < length; index += 1) {
    const difference = rank(first.charCodeAt(index)) - rank(second.charCodeAt(index));
    if (difference !== 0) return difference;
  }
  return first.length - second.length;
}
