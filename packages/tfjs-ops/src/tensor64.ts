/** A tensor in float64, of the reference; int32 and bool (0, 1) too. Row-major. */
export interface Tensor64 {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

/** What a case asks for makes no sense, such as an axis that is not there: not a case at all. */
export class InvalidCase extends Error {}

/** Number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Row-major strides. */
function stridesOf(shape: readonly number[]): number[] {
  const strides = shape.map(() => 1);
  for (let axis = shape.length - 2; axis >= 0; axis -= 1)
    strides[axis] = (strides[axis + 1] ?? 1) * (shape[axis + 1] ?? 1);
  return strides;
}

/** Calls back for every position in row-major order; the array is the same each time. */
export function eachPosition(
  shape: readonly number[],
  visit: (position: readonly number[], flat: number) => void,
): void {
  const position = shape.map(() => 0);
  const count = sizeOf(shape);
  for (let flat = 0; flat < count; flat += 1) {
    visit(position, flat);
    for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
      const next = (position[axis] ?? 0) + 1;
      if (next < (shape[axis] ?? 1)) {
        position[axis] = next;
        break;
      }
      position[axis] = 0;
    }
  }
}

/** Makes a tensor element by element. */
export function build(shape: readonly number[], element: (position: readonly number[]) => number): Tensor64 {
  if (shape.some((size) => !(size >= 0) || !Number.isInteger(size))) throw new InvalidCase(`shape [${shape}]`);
  const data = new Float64Array(sizeOf(shape));
  eachPosition(shape, (position, flat) => {
    data[flat] = element(position);
  });
  return { shape: [...shape], data };
}

/**
 * Reads one element.
 * @throws InvalidCase for a position outside of the tensor
 */
export function at({ shape, data }: Tensor64, position: readonly number[]): number {
  if (position.length !== shape.length) throw new InvalidCase(`rank ${shape.length}, position [${position}]`);
  let flat = 0;
  for (const [axis, size] of shape.entries()) {
    const index = position[axis] ?? -1;
    if (!(index >= 0 && index < size)) throw new InvalidCase(`[${position}] of [${shape}]`);
    flat = flat * size + index;
  }
  return data[flat] ?? Number.NaN;
}

/** Reads one element, or gives what stands outside of the tensor. */
export function atOr(x: Tensor64, position: readonly number[], outside: number): number {
  const inside = x.shape.every((size, axis) => (position[axis] ?? -1) >= 0 && (position[axis] ?? -1) < size);
  return inside ? at(x, position) : outside;
}

/** Applies a function to each element. */
export function mapTensor({ shape, data }: Tensor64, compute: (value: number) => number): Tensor64 {
  return { shape, data: Float64Array.from(data, compute) };
}

/** The shape that two shapes broadcast to. */
export function broadcastShape(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const [left, right] = [a[axis - rank + a.length] ?? 1, b[axis - rank + b.length] ?? 1];
    if (left !== right && left !== 1 && right !== 1) throw new InvalidCase(`[${a}] and [${b}] do not broadcast`);
    return left === 1 ? right : left;
  });
}

/** Reads a tensor as if it were broadcast. */
export function broadcastAt(x: Tensor64, position: readonly number[]): number {
  const skip = position.length - x.shape.length;
  return at(
    x,
    x.shape.map((size, axis) => (size === 1 ? 0 : (position[axis + skip] ?? 0))),
  );
}

/** Applies a function to each pair of elements. */
export function zipTensors(a: Tensor64, b: Tensor64, compute: (a: number, b: number) => number): Tensor64 {
  return build(broadcastShape(a.shape, b.shape), (position) =>
    compute(broadcastAt(a, position), broadcastAt(b, position)),
  );
}

/** Axes counted from the front, in order; null is all of them. */
export function axesOf(rank: number, axes: readonly number[] | number | null): number[] {
  const list = axes === null ? Array.from({ length: rank }, (_, axis) => axis) : [axes].flat();
  const positive = list.map((axis) => (axis < 0 ? axis + rank : axis));
  if (positive.some((axis) => !(axis >= 0 && axis < rank)) || new Set(positive).size < positive.length) {
    throw new InvalidCase(`axes [${list}] of rank ${rank}`);
  }
  return positive.sort((a, b) => a - b);
}

/** Reduces over axes: the function is given the values of one group, in order. */
export function reduceTensor(
  x: Tensor64,
  axes: readonly number[] | number | null,
  keepDims: boolean,
  compute: (values: readonly number[]) => number,
): Tensor64 {
  const reduced = axesOf(x.shape.length, axes);
  const kept = x.shape.map((size, axis) => (reduced.includes(axis) ? 1 : size));
  const strides = stridesOf(kept);
  const groups = Array.from({ length: sizeOf(kept) }, (): number[] => []);
  eachPosition(x.shape, (position, flat) => {
    const group = strides.reduce(
      (sum, stride, axis) => sum + (reduced.includes(axis) ? 0 : stride * (position[axis] ?? 0)),
      0,
    );
    groups[group]?.push(x.data[flat] ?? Number.NaN);
  });
  const shape = keepDims ? kept : x.shape.filter((_, axis) => !reduced.includes(axis));
  return { shape, data: Float64Array.from(groups, compute) };
}

/** The same elements in another shape. */
export function reshaped({ data, shape: before }: Tensor64, shape: readonly number[]): Tensor64 {
  if (sizeOf(before) !== sizeOf(shape)) throw new InvalidCase(`[${before}] as [${shape}]`);
  return { shape: [...shape], data };
}

/** Axes in another order. */
export function transposed(x: Tensor64, order: readonly number[]): Tensor64 {
  const axes = order.map((axis) => (axis < 0 ? axis + x.shape.length : axis));
  const inverse = axes.map((_, axis) => axes.indexOf(axis));
  return build(
    axes.map((axis) => x.shape[axis] ?? -1),
    (position) =>
      at(
        x,
        inverse.map((axis) => position[axis] ?? -1),
      ),
  );
}
