import { caseOf } from "./case-data.ts";
import type { TfjsCase } from "./judgement.ts";
import type { CaseInput, Parameter, Parameters } from "./op-row.ts";
import { InvalidCase, sizeOf } from "./tensor64.ts";

/** How much a shrinking may cost. */
export interface ShrinkBudget {
  /** Cases to try. */
  readonly tries: number;
  readonly ms: number;
}

const BUDGET: ShrinkBudget = { tries: 150, ms: 15_000 };

/** Smaller numbers, the smallest first. */
function smallerNumbers(value: number): number[] {
  const candidates = Number.isInteger(value)
    ? [0, 1, Math.trunc(value / 2), value - Math.sign(value)]
    : [0, 1, Math.trunc(value), Number(value.toPrecision(1)), Number(value.toPrecision(2))];
  return [...new Set(candidates)].filter(
    (candidate) =>
      candidate !== value && textSize(candidate) <= textSize(value) && Math.abs(candidate) <= Math.abs(value),
  );
}

function textSize(value: number): number {
  return String(value).length;
}

/** Simpler values in the place of one parameter: shorter lists, smaller numbers. */
export function simpler(value: Parameter): Parameter[] {
  if (typeof value === "boolean") return value ? [false] : [];
  if (typeof value === "number") return smallerNumbers(value);
  if (typeof value !== "object" || value === null) return [];
  const list: readonly Parameter[] = value;
  const halves = list.length > 3 ? [list.slice(0, list.length / 2), list.slice(list.length / 2)] : [];
  const shorter = list.map((_, index) => list.toSpliced(index, 1));
  const same = list.flatMap((entry, index) => simpler(entry).map((candidate) => list.with(index, candidate)));
  return [...halves, ...(list.length > 1 ? shorter : []), ...same];
}

function* simplerParameters(parameters: Parameters): Generator<Parameters> {
  for (const [name, value] of Object.entries(parameters)) {
    for (const candidate of simpler(value)) yield { ...parameters, [name]: candidate };
  }
}

/** Simpler values of the float32 inputs: a whole input at once, then one element; each step leaves fewer digits. */
function* simplerInputs(inputs: readonly CaseInput[]): Generator<readonly CaseInput[]> {
  const short = (value: number): number => (Number.isFinite(value) ? Math.fround(Number(value.toPrecision(1))) : value);
  const isPlain = (value: number): boolean => value === 0 || value === 1;
  for (const [place, input] of inputs.entries()) {
    if (input.dtype !== "float32") continue;
    const { values } = input;
    const put = (simple: readonly number[]): readonly CaseInput[] => inputs.with(place, { ...input, values: simple });
    const all = (simple: number): number[] => values.map((value) => (Number.isFinite(value) ? simple : value));
    if (values.some((value) => Number.isFinite(value) && value !== 0)) yield put(all(0));
    if (values.some((value) => Number.isFinite(value) && !isPlain(value))) yield put(all(1));
    if (values.some((value) => !Object.is(short(value), value))) yield put(values.map(short));
    for (const [index, value] of values.entries()) {
      if (!Number.isFinite(value) || value === 0) continue;
      yield put(values.with(index, 0));
      if (isPlain(value)) continue;
      yield put(values.with(index, 1));
      if (short(value) !== value) yield put(values.with(index, short(value)));
    }
  }
}

function isEmpty({ inputs }: TfjsCase): boolean {
  return inputs.some(({ shape }) => sizeOf(shape) === 0);
}

/**
 * Finds a smaller case that fails in the same way: parameters first, then the values of inputs; greedily.
 * @param stillFails runs a candidate on the engine; what throws InvalidCase is no candidate
 * @param now ms
 */
export async function shrink(
  failing: TfjsCase,
  stillFails: (candidate: TfjsCase) => Promise<boolean>,
  { tries, ms }: ShrinkBudget = BUDGET,
  now: () => number = () => performance.now(),
): Promise<TfjsCase> {
  const endMs = now() + ms;
  let left = tries;
  const fails = async (make: () => TfjsCase): Promise<TfjsCase | undefined> => {
    if (left <= 0 || now() > endMs) return undefined;
    try {
      const candidate = make();
      if (isEmpty(candidate) && !isEmpty(failing)) return undefined;
      left -= 1;
      return (await stillFails(candidate)) ? candidate : undefined;
    } catch (error) {
      if (error instanceof InvalidCase || error instanceof RangeError || error instanceof TypeError) return undefined;
      throw error;
    }
  };

  /** Takes the first candidate that fails, again and again. */
  async function descend<C>(
    from: TfjsCase,
    candidates: (current: TfjsCase) => Iterable<C>,
    make: (current: TfjsCase, candidate: C) => TfjsCase,
  ): Promise<TfjsCase> {
    for (let current = from; ; ) {
      let found: TfjsCase | undefined;
      for (const candidate of candidates(current)) {
        const base = current;
        found = await fails(() => make(base, candidate));
        if (found !== undefined) break;
      }
      if (found === undefined) return current;
      current = found;
    }
  }

  const small = await descend(
    failing,
    ({ parameters }) => simplerParameters(parameters),
    ({ row }, parameters) => caseOf(row, parameters),
  );
  return await descend(
    small,
    ({ inputs }) => simplerInputs(inputs),
    (current, inputs) => ({ ...current, inputs }),
  );
}
