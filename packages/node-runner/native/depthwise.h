// Depthwise convolutions: every channel has a kernel of its own. Images [batch, height, width, channels].
#pragma once

#include <cstdint>

#include "channel_sums.h"
#include "norm.h"

namespace thaw {

/** Sizes of a convolution: input, kernel, result, and how they lie over each other. */
struct Geometry {
  int64_t batch, height, width, channels;
  int64_t kernelHeight, kernelWidth;
  int64_t outHeight, outWidth;
  int64_t stride, padTop, padLeft;

  /** As a product of matrices: pixels of the result, and what one of them is summed from. */
  int64_t rows() const { return batch * outHeight * outWidth; }
  int64_t depth() const { return kernelHeight * kernelWidth * channels; }
};

/** Pieces that the sums below are taken in. */
int64_t depthwisePieces(const Geometry& geometry);

/**
 * result[b, i, j, c] = behind(Σ before(x[b, i · stride + u - padTop, j · stride + v - padLeft, c]) · kernel[u, v, c])
 * @param statistics of the result, or null
 */
void depthwise(const Geometry& geometry, const float* x, const Norm& before, const float* kernel, const Norm& behind,
               float* result, ChannelStatistics* statistics = nullptr);

/**
 * Gradients of {@link depthwise}.
 * @param dy gradient of the result or, with `behind`, of what a normalization makes of the result `y`
 * @param x read for `dKernel` and for `sums`
 * @param dx gradient of what `before` makes of x; null where it is not wanted, as `dKernel`
 * @param sums are taken of dx and x, or null
 */
void depthwiseGradients(const Geometry& geometry, const float* dy, const float* y, const NormGradient* behind,
                        const float* x, const Norm& before, const float* kernel, float* dx, float* dKernel,
                        GradientSums* sums);

}  // namespace thaw
