import { type Float64Tensor, FUSED_KERNELS, float64Kernels, type Kernels } from "@thaw/core";

function isTensor(value: unknown): value is Float64Tensor {
  return typeof value === "object" && value !== null && "data" in value && value.data instanceof Float64Array;
}

/** Rounds every tensor in a kernel's result to float32, in place. */
function round(result: unknown): void {
  if (isTensor(result)) {
    for (const [index, value] of result.data.entries()) result.data[index] = Math.fround(value);
  } else if (typeof result === "object" && result !== null) {
    for (const part of Object.values(result)) round(part);
  }
}

/** The float64 kernels one by one: a judge has to show the output of every layer, so nothing is fused. */
export function exactKernels(): Kernels<Float64Tensor> {
  const fused: readonly string[] = FUSED_KERNELS;
  const single = Object.entries(float64Kernels()).filter(([name]) => !fused.includes(name));
  return Object.fromEntries(single) as unknown as Kernels<Float64Tensor>;
}

/** The same, with every result stored in float32. */
export function roundedKernels(): Kernels<Float64Tensor> {
  const exact = exactKernels();
  const rounded = Object.entries(exact).map(([name, kernel]) => [
    name,
    (...args: never[]) => {
      const result = (kernel as (...given: never[]) => unknown)(...args);
      if (!(result instanceof Promise)) round(result);
      return result;
    },
  ]);
  return Object.fromEntries(rounded) as Kernels<Float64Tensor>;
}
