import { reads, type Shader, unroll, writes } from "./shader.ts";

// The first convolution: few input channels (colours), which come in no fours, so images are read value by value.

/** What a stem shader is written for. */
export interface StemShape {
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  /** Channels of the image. */
  readonly inputs: number;
  readonly strides: number;
}

/** Outputs of a thread: each kernel value that is read serves so many. */
export const STEM_STRIP = 4;

const IMAGE: Shader["params"] = [
  ["columns4", "u32"],
  ["strips", "u32"],
  ["outHeight", "i32"],
  ["outWidth", "i32"],
  ["inHeight", "i32"],
  ["inWidth", "i32"],
  ["padTop", "i32"],
  ["padLeft", "i32"],
  ["images", "u32"],
];

const nameOf = ({ kernelHeight, kernelWidth, inputs, strides }: StemShape): string =>
  `${kernelHeight}x${kernelWidth}x${inputs}-${strides}`;

/** y = x ∗ k: a thread owns four output channels of a strip of columns. */
export function stemForward(shape: StemShape): Shader {
  const { kernelHeight, kernelWidth, inputs, strides } = shape;
  const columns = (STEM_STRIP - 1) * strides + kernelWidth;
  const readColumn = (j: number): string => `
      let i${j} = left + ${j};
      let at${j} = base + u32(clamp(i${j}, 0, p.inWidth - 1)) * ${inputs}u;
      let in${j} = i${j} >= 0 && i${j} < p.inWidth;
${unroll(inputs, (channel) => `      let v${j}_${channel} = select(0.0, x[at${j} + ${channel}u], in${j});`)}`;
  const products = (q: number, channel: number): string => `
        { let k = kernel[(r * ${kernelWidth}u + ${q}u) * ${inputs}u * p.columns4 + ${channel}u * p.columns4 + column];
${unroll(STEM_STRIP, (t) => `          sum${t} += v${t * strides + q}_${channel} * k;`)} }`;
  return {
    key: `stem-${nameOf(shape)}`,
    bindings: [reads("x", "f32"), reads("kernel"), writes("y")],
    params: IMAGE,
    workgroupSize: 64,
    body: `
  let column = id % p.columns4;
  var rest = id / p.columns4;
  let first = i32(rest % p.strips) * ${STEM_STRIP};
  rest /= p.strips;
  let row = i32(rest % u32(p.outHeight));
  let image = rest / u32(p.outHeight);
  if (image >= p.images) { return; }
  let left = first * ${strides} - p.padLeft;
${unroll(STEM_STRIP, (t) => `  var sum${t} = vec4f(0);`)}
  for (var r = 0u; r < ${kernelHeight}u; r++) {
    let line = row * ${strides} + i32(r) - p.padTop;
    if (line >= 0 && line < p.inHeight) {
      let base = (image * u32(p.inHeight) + u32(line)) * u32(p.inWidth) * ${inputs}u;
${unroll(columns, readColumn)}
${unroll(kernelWidth, (q) => unroll(inputs, (channel) => products(q, channel)))}
    }
  }
  let out = ((image * u32(p.outHeight) + u32(row)) * u32(p.outWidth) + u32(first)) * p.columns4 + column;
${unroll(STEM_STRIP, (t) => `  if (first + ${t} < p.outWidth) { y[out + ${t}u * p.columns4] = sum${t}; }`)}`,
  };
}

/** Kernel gradient over a part of dy's rows: a thread owns four output channels of one row of the kernel. */
export function stemKernelGradient(shape: StemShape): Shader {
  const { kernelHeight, kernelWidth, inputs, strides } = shape;
  const taps = kernelWidth * inputs;
  const tapOf = (q: number): string => `
        { let i = left + ${q};
          let at = base + u32(clamp(i, 0, p.inWidth - 1)) * ${inputs}u;
          let inside = i >= 0 && i < p.inWidth;
${unroll(inputs, (channel) => `          sum${q * inputs + channel} += select(0.0, x[at + ${channel}u], inside) * g;`)} }`;
  return {
    key: `stem-kernel-gradient-${nameOf(shape)}`,
    bindings: [reads("x", "f32"), reads("dy"), writes("parts")],
    params: [...IMAGE, ["partRows", "u32"], ["parts", "u32"]],
    workgroupSize: 64,
    body: `
  let column = id % p.columns4;
  var rest = id / p.columns4;
  let r = rest % ${kernelHeight}u;
  let part = rest / ${kernelHeight}u;
  if (part >= p.parts) { return; }
  let end = min((part + 1u) * p.partRows, p.images * u32(p.outHeight));
${unroll(taps, (tap) => `  var sum${tap} = vec4f(0);`)}
  for (var line = part * p.partRows; line < end; line++) {
    let image = line / u32(p.outHeight);
    let y = i32(line % u32(p.outHeight)) * ${strides} + i32(r) - p.padTop;
    if (y >= 0 && y < p.inHeight) {
      let base = (image * u32(p.inHeight) + u32(y)) * u32(p.inWidth) * ${inputs}u;
      var dy_at = line * u32(p.outWidth) * p.columns4 + column;
      for (var out = 0; out < p.outWidth; out++) {
        let g = dy[dy_at];
        let left = out * ${strides} - p.padLeft;
${unroll(kernelWidth, tapOf)}
        dy_at += p.columns4;
      }
    }
  }
${unroll(taps, (tap) => `  parts[(part * ${kernelHeight}u + r) * ${taps}u * p.columns4 + ${tap}u * p.columns4 + column] = sum${tap};`)}`,
  };
}
