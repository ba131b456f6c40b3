import { reads, type Shader, unroll, writes } from "./shader.ts";

// A thread owns four channels of a few neighbouring outputs in a row: values that their windows share are read once.
// Sizes, strides and the kernel's extent are constants of the shader; image sizes and padding come as parameters.

/** What a depthwise shader is written for. */
export interface DepthwiseShape {
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  readonly strides: number;
}

/** Outputs of a thread in the forward pass and in the input gradient. */
export const STRIP = 4;

const IMAGE: Shader["params"] = [
  ["channels4", "u32"],
  ["strips", "u32"],
  ["outHeight", "i32"],
  ["outWidth", "i32"],
  ["inHeight", "i32"],
  ["inWidth", "i32"],
  ["padTop", "i32"],
  ["padLeft", "i32"],
  ["images", "u32"],
];

const nameOf = ({ kernelHeight, kernelWidth, strides }: DepthwiseShape): string =>
  `${kernelHeight}x${kernelWidth}-${strides}`;

/** Which outputs the thread owns: four channels `c` of columns from `column` in `row` of `image`. */
const OWN_STRIP = `
  let c = id % p.channels4;
  var rest = id / p.channels4;
  let column = i32(rest % p.strips) * ${STRIP};
  rest /= p.strips;
  let row = i32(rest % u32(p.outHeight));
  let image = rest / u32(p.outHeight);
  if (image >= p.images) { return; }`;

/** Reads the columns that a strip needs of one row, zeros outside of the image. */
function readColumns(count: number, source: string): string {
  return unroll(
    count,
    (j) => `      let i${j} = left + ${j};
      let v${j} = select(vec4f(0), ${source}[base + u32(clamp(i${j}, 0, p.inWidth - 1)) * p.channels4], i${j} >= 0 && i${j} < p.inWidth);`,
  );
}

const writeStrip = (target: string): string =>
  unroll(STRIP, (t) => `  if (column + ${t} < p.outWidth) { ${target}[out + ${t}u * p.channels4] = sum${t}; }`);

/**
 * y = x ∗ k. With `turned`, the kernel is read from its end: the input gradient of a convolution with stride 1 is a
 * convolution with the turned kernel.
 */
export function depthwiseForward(shape: DepthwiseShape, turned: boolean): Shader {
  const { kernelHeight, kernelWidth, strides } = shape;
  const columns = (STRIP - 1) * strides + kernelWidth;
  const tap = (r: number, q: number): number =>
    turned ? kernelHeight * kernelWidth - 1 - (r * kernelWidth + q) : r * kernelWidth + q;
  const rowOf = (r: number): string => `
  {
    let y = row * ${strides} + ${r} - p.padTop;
    if (y >= 0 && y < p.inHeight) {
      let base = (image * u32(p.inHeight) + u32(y)) * u32(p.inWidth) * p.channels4 + c;
${unroll(kernelWidth, (q) => `      let k${q} = kernel[${tap(r, q)}u * p.channels4 + c];`)}
${readColumns(columns, "x")}
${unroll(STRIP, (t) => unroll(kernelWidth, (q) => `      sum${t} += v${t * strides + q} * k${q};`))}
    }
  }`;
  return {
    key: `depthwise-${nameOf(shape)}${turned ? "-turned" : ""}`,
    bindings: [reads("x"), reads("kernel"), writes("y_out")],
    params: IMAGE,
    workgroupSize: 64,
    body: `${OWN_STRIP}
  let left = column * ${strides} - p.padLeft;
${unroll(STRIP, (t) => `  var sum${t} = vec4f(0);`)}
${unroll(kernelHeight, rowOf)}
  let out = ((image * u32(p.outHeight) + u32(row)) * u32(p.outWidth) + u32(column)) * p.channels4 + c;
${writeStrip("y_out")}`,
  };
}

/**
 * Input gradient for strides above 1: "out" is the input's image, "in" is dy's. Which taps meet a column depends on
 * the column modulo the stride, which is known for the whole strip (STRIP is a multiple of the stride).
 * @param phase padLeft modulo the stride
 */
export function depthwiseInputGradient(shape: DepthwiseShape, phase: number): Shader {
  const { kernelHeight, kernelWidth, strides } = shape;
  // Column t of the strip meets tap q where (t + padLeft - q) is a multiple of the stride; dy's column is their ratio.
  const meetings = Array.from({ length: STRIP }, (_, t) =>
    Array.from({ length: kernelWidth }, (_, q) => ({ t, q, distance: t + phase - q })),
  )
    .flat()
    .filter(({ distance }) => ((distance % strides) + strides) % strides === 0)
    .map(({ t, q, distance }) => ({ t, q, offset: distance / strides }));
  const lowest = Math.min(...meetings.map(({ offset }) => offset));
  const columns = Math.max(...meetings.map(({ offset }) => offset)) - lowest + 1;
  const rowOf = (r: number): string => `
  {
    let up = row + p.padTop - ${r};
    let y = up / ${strides};
    if (up >= 0 && up % ${strides} == 0 && y < p.inHeight) {
      let base = (image * u32(p.inHeight) + u32(y)) * u32(p.inWidth) * p.channels4 + c;
${unroll(kernelWidth, (q) => `      let k${q} = kernel[${r * kernelWidth + q}u * p.channels4 + c];`)}
${readColumns(columns, "dy")}
${meetings.map(({ t, q, offset }) => `      sum${t} += v${offset - lowest} * k${q};`).join("\n")}
    }
  }`;
  return {
    key: `depthwise-input-gradient-${nameOf(shape)}-${phase}`,
    bindings: [reads("dy"), reads("kernel"), writes("dx")],
    params: IMAGE,
    workgroupSize: 64,
    body: `${OWN_STRIP}
  let left = (column + p.padLeft - ${phase}) / ${strides} + ${lowest};
${unroll(STRIP, (t) => `  var sum${t} = vec4f(0);`)}
${unroll(kernelHeight, rowOf)}
  let out = ((image * u32(p.outHeight) + u32(row)) * u32(p.outWidth) + u32(column)) * p.channels4 + c;
${writeStrip("dx")}`,
  };
}

/** Kernel gradient over a part of dy's rows (of all images): a thread owns four channels of every tap. */
export function depthwiseKernelGradient(shape: DepthwiseShape): Shader {
  const { kernelHeight, kernelWidth, strides } = shape;
  const taps = kernelHeight * kernelWidth;
  const readX = (r: number, q: number): string => `
        {
          let i = left + ${q};
          let v = select(vec4f(0), x[base${r} + u32(clamp(i, 0, p.inWidth - 1)) * p.channels4], i >= 0 && i < p.inWidth && inside${r});
          sum${r * kernelWidth + q} += v * g;
        }`;
  return {
    key: `depthwise-kernel-gradient-${nameOf(shape)}`,
    bindings: [reads("x"), reads("dy"), writes("parts")],
    params: [...IMAGE, ["partRows", "u32"], ["parts", "u32"]],
    workgroupSize: 64,
    body: `
  let c = id % p.channels4;
  let part = id / p.channels4;
  if (part >= p.parts) { return; }
  let rows = p.images * u32(p.outHeight);
  let end = min((part + 1u) * p.partRows, rows);
${unroll(taps, (tap) => `  var sum${tap} = vec4f(0);`)}
  for (var line = part * p.partRows; line < end; line++) {
    let image = line / u32(p.outHeight);
    let row = i32(line % u32(p.outHeight));
${unroll(
  kernelHeight,
  (r) => `    let y${r} = row * ${strides} + ${r} - p.padTop;
    let inside${r} = y${r} >= 0 && y${r} < p.inHeight;
    let base${r} = (image * u32(p.inHeight) + u32(clamp(y${r}, 0, p.inHeight - 1))) * u32(p.inWidth) * p.channels4 + c;`,
)}
    var at = line * u32(p.outWidth) * p.channels4 + c;
    for (var column = 0; column < p.outWidth; column++) {
      let g = dy[at];
      let left = column * ${strides} - p.padLeft;
${unroll(kernelHeight, (r) => unroll(kernelWidth, (q) => readX(r, q)))}
      at += p.channels4;
    }
  }
${unroll(taps, (tap) => `  parts[(part * ${taps}u + ${tap}u) * p.channels4 + c] = sum${tap};`)}`,
  };
}
