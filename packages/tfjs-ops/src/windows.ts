import { InvalidCase } from "./tensor64.ts";

/** Padding as tfjs takes it: a word, one number for all sides, or pairs for height and width. */
export type Pad = "same" | "valid" | number | readonly (readonly [number, number])[];

/** A window that moves along one axis. */
export interface AxisWindow {
  /** Zeros before the first element. */
  readonly before: number;
  /** Number of places. */
  readonly places: number;
}

/**
 * Where a window goes along one axis.
 * @param axis 0 for the first spatial axis
 * @throws InvalidCase where the window has no place
 * @see TensorFlow, tf.nn.convolution: "same" puts the odd zero behind
 */
export function axisWindow(
  size: number,
  kernel: number,
  stride: number,
  dilation: number,
  pad: Pad,
  axis: number,
): AxisWindow {
  const extent = (kernel - 1) * dilation + 1;
  if (!(kernel >= 1 && stride >= 1 && dilation >= 1 && size >= 1)) throw new InvalidCase("an empty window");
  if (pad === "same") {
    const places = Math.ceil(size / stride);
    return { before: Math.floor(Math.max((places - 1) * stride + extent - size, 0) / 2), places };
  }
  const [before, after] = pad === "valid" ? [0, 0] : typeof pad === "number" ? [pad, pad] : (pad[axis] ?? [0, 0]);
  if (before < 0 || after < 0) throw new InvalidCase("negative padding");
  const places = Math.floor((size + before + after - extent) / stride) + 1;
  if (places < 1) throw new InvalidCase(`a window of ${extent} on ${size}`);
  return { before, places };
}

/** Padding as the argument of tfjs's functions on images. */
export function padArgument(pad: Pad): "same" | "valid" | number | readonly (readonly [number, number])[] {
  return typeof pad === "object" ? [[0, 0], ...pad, [0, 0]] : pad;
}
