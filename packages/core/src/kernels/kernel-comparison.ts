import { type ComputingKernel, equalTermsBound, opBound, sumBound, UNIT_ROUNDOFF } from "../parity/tolerances.ts";
import { float64Kernels } from "./float64-reference.ts";
import { at, type Float64Tensor } from "./float64-tensor.ts";
import type { CaseInput, KernelCase } from "./kernel-cases.ts";
import type { DeviceTensor, Kernels } from "./kernels.ts";

/** How one result of a kernel compares with float64. */
export interface OpComparison {
  /** Error over its bound in the worst element: 1 and below is fine. */
  readonly worst: number;
  /** Error over the condition sum in the worst element, in unit roundoffs. */
  readonly roundoffs: number;
  /** One sentence for each thing that is wrong; empty where all is fine. */
  readonly problems: readonly string[];
}

function position(flat: number, shape: readonly number[]): string {
  const indices: number[] = [];
  let rest = flat;
  for (const size of shape.toReversed()) {
    indices.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return `[${indices.join(", ")}]`;
}

/** Compares one result with its reference, element by element. */
export function compareOp(
  kernel: ComputingKernel,
  result: string,
  expected: Float64Tensor,
  found: { readonly shape: readonly number[]; readonly data: Float32Array },
  unitRoundoff: number = UNIT_ROUNDOFF.float32,
  boundOf: (terms: number) => number = sumBound,
): OpComparison {
  if (found.shape.join() !== expected.shape.join() || found.data.length !== expected.data.length) {
    const problem = `${result} has shape [${found.shape.join(", ")}], expected [${expected.shape.join(", ")}]`;
    return { worst: Number.POSITIVE_INFINITY, roundoffs: Number.POSITIVE_INFINITY, problems: [problem] };
  }
  let worst = 0;
  let worstAt = 0;
  let roundoffs = 0;
  for (const [index, value] of found.data.entries()) {
    const scale = at(expected.scale, index);
    const bound = opBound(kernel, scale, expected.terms, unitRoundoff, boundOf);
    const error = Math.abs(value - at(expected.data, index));
    // Written so that a NaN counts as the worst there is.
    const ratio = error <= bound * Number.MAX_SAFE_INTEGER ? error / bound : Number.POSITIVE_INFINITY;
    if (scale > 0) roundoffs = Math.max(roundoffs, (error - expected.terms * 2 ** -126) / (scale * unitRoundoff));
    if (ratio > worst) {
      worst = ratio;
      worstAt = index;
    }
  }
  if (worst <= 1) return { worst, roundoffs, problems: [] };
  const where = `${result}${position(worstAt, found.shape)}`;
  const values = `${at(found.data, worstAt)} instead of ${at(expected.data, worstAt)}`;
  return { worst, roundoffs, problems: [`${where} is ${values}: ${worst.toPrecision(3)} times its bound`] };
}

function upload<T extends DeviceTensor>(kernels: Kernels<T>, given: readonly CaseInput[]): T[] {
  return given.map((entry) =>
    "labels" in entry ? kernels.uploadLabels(entry.labels) : kernels.upload(entry.values, entry.shape),
  );
}

/**
 * Runs a case on a kernel set and on the float64 reference, and looks whether the results agree, the inputs are
 * untouched and no tensor is left.
 */
export async function checkKernelCase<T extends DeviceTensor>(
  kernels: Kernels<T>,
  testCase: KernelCase,
  unitRoundoff: number = UNIT_ROUNDOFF.float32,
): Promise<OpComparison> {
  const reference = float64Kernels();
  const given = testCase.inputs; // read once: they are drawn when they are read
  const expected = testCase.run(reference, upload(reference, given));
  const before = kernels.memory().tensors;
  const inputs = upload(kernels, given);
  const found = testCase.run(kernels, inputs);

  const problems: string[] = [];
  const names = Object.keys(found);
  if (names.join() !== Object.keys(expected).join()) {
    problems.push(`results are [${names.join(", ")}], expected [${Object.keys(expected).join(", ")}]`);
  }
  const alive = before + names.length + (testCase.consumes === true ? 0 : inputs.length);
  const extra = kernels.memory().tensors - alive;
  if (extra !== 0) problems.push(`${extra} tensors more than its results are alive after the call`);

  const boundOf = testCase.equalTerms === true ? equalTermsBound : sumBound;
  let [worst, roundoffs] = [0, 0];
  for (const [name, tensor] of Object.entries(found)) {
    const reference = expected[name];
    if (reference === undefined) continue;
    const data = await kernels.download(tensor);
    const comparison = compareOp(
      testCase.kernel,
      name,
      reference,
      { shape: tensor.shape, data },
      unitRoundoff,
      boundOf,
    );
    worst = Math.max(worst, comparison.worst);
    roundoffs = Math.max(roundoffs, comparison.roundoffs);
    problems.push(...comparison.problems);
    kernels.dispose(tensor);
  }
  if (testCase.consumes !== true) {
    problems.push(...(await changedInputs(kernels, given, inputs)));
    for (const tensor of inputs) kernels.dispose(tensor);
  }
  const left = kernels.memory().tensors - before;
  if (left !== 0) problems.push(`${left} tensors are left when all is disposed`);
  return { worst, roundoffs, problems };
}

async function changedInputs<T extends DeviceTensor>(
  kernels: Kernels<T>,
  given: readonly CaseInput[],
  inputs: readonly T[],
): Promise<string[]> {
  const problems: string[] = [];
  for (const [index, entry] of given.entries()) {
    const tensor = inputs[index];
    if ("labels" in entry || tensor === undefined) continue;
    const data = await kernels.download(tensor);
    const { values } = entry;
    if (data.some((value, at) => value !== values[at])) problems.push(`input ${index} was changed by the kernel`);
  }
  return problems;
}
