import { accumulate, at, type Float64Tensor, float64Zeros } from "./float64-tensor.ts";
import type { ConvolutionKernel, Kernels, Window } from "./kernels.ts";

function dimensions(shape: readonly number[]): [number, number, number, number] {
  const [first = 0, second = 0, third = 0, fourth = 0] = shape;
  return [first, second, third, fourth];
}

/** `[batch, height, width]` of a convolution's output. */
function outputPixels(
  inputShape: readonly number[],
  kernelShape: readonly number[],
  window: Window,
): [number, number, number] {
  const [batch, height, width] = dimensions(inputShape);
  const [kernelHeight, kernelWidth] = dimensions(kernelShape);
  const [[top, bottom], [left, right]] = window.padding;
  return [
    batch,
    Math.floor((height + top + bottom - kernelHeight) / window.strides) + 1,
    Math.floor((width + left + right - kernelWidth) / window.strides) + 1,
  ];
}

/** Calls back with every pair of an output pixel and an input pixel that a kernel tap joins; all are flat indices. */
function eachTap(
  inputShape: readonly number[],
  kernelShape: readonly number[],
  window: Window,
  visit: (outputPixel: number, inputPixel: number, tap: number) => void,
): void {
  const [, height, width] = dimensions(inputShape);
  const [kernelHeight, kernelWidth] = dimensions(kernelShape);
  const [batch, outHeight, outWidth] = outputPixels(inputShape, kernelShape, window);
  const [[top], [left]] = window.padding;
  for (let image = 0; image < batch; image++)
    for (let outY = 0; outY < outHeight; outY++)
      for (let outX = 0; outX < outWidth; outX++)
        for (let tapY = 0; tapY < kernelHeight; tapY++)
          for (let tapX = 0; tapX < kernelWidth; tapX++) {
            const y = outY * window.strides + tapY - top;
            const x = outX * window.strides + tapX - left;
            if (y < 0 || y >= height || x < 0 || x >= width) continue;
            const outputPixel = (image * outHeight + outY) * outWidth + outX;
            visit(outputPixel, (image * height + y) * width + x, tapY * kernelWidth + tapX);
          }
}

/** Calls back with every product in a convolution as flat indices of output, input and kernel element. */
function eachProduct(
  depthwise: boolean,
  inputShape: readonly number[],
  kernelShape: readonly number[],
  window: Window,
  visit: (output: number, input: number, weight: number) => void,
): void {
  const [, , inChannels, outChannels] = dimensions(kernelShape);
  eachTap(inputShape, kernelShape, window, (outputPixel, inputPixel, tap) => {
    for (let channel = 0; channel < inChannels; channel++) {
      const input = inputPixel * inChannels + channel;
      const weight = tap * inChannels + channel;
      if (depthwise) visit(outputPixel * inChannels + channel, input, weight);
      else
        for (let out = 0; out < outChannels; out++) {
          visit(outputPixel * outChannels + out, input, weight * outChannels + out);
        }
    }
  });
}

/** Convolutions and their gradients as plain loops over every product. */
export function float64Convolutions(): Pick<Kernels<Float64Tensor>, ConvolutionKernel> {
  const forward =
    (depthwise: boolean): Kernels<Float64Tensor>["conv2d"] =>
    (x, kernel, window) => {
      const [kernelHeight, kernelWidth, inChannels, outChannels] = dimensions(kernel.shape);
      const channels = depthwise ? inChannels : outChannels;
      const terms = kernelHeight * kernelWidth * (depthwise ? 1 : inChannels);
      const y = float64Zeros([...outputPixels(x.shape, kernel.shape, window), channels], terms);
      eachProduct(depthwise, x.shape, kernel.shape, window, (output, input, weight) =>
        accumulate(y, output, at(x.data, input) * at(kernel.data, weight)),
      );
      return y;
    };

  const inputGradient =
    (depthwise: boolean): Kernels<Float64Tensor>["conv2dInputGradient"] =>
    (dy, kernel, inputShape, window) => {
      const [kernelHeight, kernelWidth, , outChannels] = dimensions(kernel.shape);
      const dx = float64Zeros(inputShape, kernelHeight * kernelWidth * (depthwise ? 1 : outChannels));
      eachProduct(depthwise, inputShape, kernel.shape, window, (output, input, weight) =>
        accumulate(dx, input, at(dy.data, output) * at(kernel.data, weight)),
      );
      return dx;
    };

  const kernelGradient =
    (depthwise: boolean): Kernels<Float64Tensor>["conv2dKernelGradient"] =>
    (x, dy, kernelShape, window) => {
      const [batch, height, width] = dimensions(dy.shape);
      const dKernel = float64Zeros(kernelShape, batch * height * width);
      eachProduct(depthwise, x.shape, kernelShape, window, (output, input, weight) =>
        accumulate(dKernel, weight, at(x.data, input) * at(dy.data, output)),
      );
      return dKernel;
    };

  return {
    conv2d: forward(false),
    conv2dInputGradient: inputGradient(false),
    conv2dKernelGradient: kernelGradient(false),
    depthwiseConv2d: forward(true),
    depthwiseConv2dInputGradient: inputGradient(true),
    depthwiseConv2dKernelGradient: kernelGradient(true),
  };
}
