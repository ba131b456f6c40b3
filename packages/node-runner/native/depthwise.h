// Depthwise convolutions: every channel has a kernel of its own. Images [batch, height, width, channels].
#pragma once

#include <cstdint>

#include "gemm.h"

namespace thaw {

/** Sizes of a convolution: input, kernel, result, and how they lie over each other. */
struct Geometry {
  int64_t batch, height, width, channels;
  int64_t kernelHeight, kernelWidth;
  int64_t outHeight, outWidth;
  int64_t stride, padTop, padLeft;
};

/** result[b, i, j, c] = Σ x[b, i · stride + u - padTop, j · stride + v - padLeft, c] · kernel[u, v, c] */
void depthwise(const Geometry& geometry, const float* x, const float* kernel, const Epilogue& epilogue, float* result);

void depthwiseInputGradient(const Geometry& geometry, const float* dy, const float* kernel, float* dx);

void depthwiseKernelGradient(const Geometry& geometry, const float* x, const float* dy, float* dKernel);

}  // namespace thaw
