import type { DeviceTensor, Kernels } from "../kernels/kernels.ts";
import type { Activation } from "../model/layer.ts";

/** Upper limit of the activations that are a ReLU. */
const LIMITS: Readonly<Partial<Record<Activation, number | null>>> = { relu: null, relu6: 6 };

/** Applies an activation; `linear` passes the values on. */
export function applyActivation<T extends DeviceTensor>(kernels: Kernels<T>, x: T, activation: Activation): T {
  if (activation === "linear") return kernels.reshape(x, x.shape);
  if (activation === "relu" || activation === "relu6") return kernels.relu(x, LIMITS[activation] ?? null);
  return kernels.activate(x, activation);
}

/**
 * Gradient of an activation.
 * @param x what went in; nobody reads it for `linear`
 */
export function activationGradient<T extends DeviceTensor>(
  kernels: Kernels<T>,
  dy: T,
  x: T,
  activation: Exclude<Activation, "linear">,
): T {
  // A ReLU's input lies between its limits where its output does.
  if (activation === "relu" || activation === "relu6") return kernels.reluGradient(dy, x, LIMITS[activation] ?? null);
  return kernels.activateGradient(dy, x, activation);
}
