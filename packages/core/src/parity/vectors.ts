/** Euclidean norm. */
export function norm(values: ArrayLike<number>): number {
  let squares = 0;
  for (let index = 0; index < values.length; index += 1) squares += (values[index] ?? Number.NaN) ** 2;
  return Math.sqrt(squares);
}

/** Norm of a difference; NaN for vectors of two lengths. */
export function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.NaN;
  let squares = 0;
  for (let index = 0; index < a.length; index += 1) squares += ((a[index] ?? Number.NaN) - (b[index] ?? 0)) ** 2;
  return Math.sqrt(squares);
}

/** Root mean square of a difference; NaN for vectors of two lengths. */
export function rmse(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return distance(a, b) / Math.sqrt(a.length);
}

/** Largest absolute difference; NaN where one is. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.NaN;
  let largest = 0;
  for (let index = 0; index < a.length; index += 1) {
    const difference = Math.abs((a[index] ?? Number.NaN) - (b[index] ?? 0));
    if (!(difference <= largest)) largest = difference;
    if (Number.isNaN(largest)) return largest;
  }
  return largest;
}

/** Cosine of the angle between two vectors. */
export function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let product = 0;
  for (let index = 0; index < a.length; index += 1) product += (a[index] ?? Number.NaN) * (b[index] ?? 0);
  return product / (norm(a) * norm(b));
}
