// Batch normalization over the last axis of [rows, channels], with the ReLU behind it where there is one.
#pragma once

#include <cstdint>
#include <vector>

#include "norm.h"

namespace thaw {

/** The ReLU behind a normalization. */
struct Relu {
  bool present = false;
  /** Upper limit; infinity is none. */
  float most = 0;
};

/** What a normalization multiplies by: gamma / √(variance + epsilon). */
std::vector<float> scalesOf(int64_t channels, const float* gamma, const float* variance, float epsilon);

/** Mean and biased variance of each channel. */
void statistics(int64_t rows, int64_t channels, const float* x, float* mean, float* variance);

/** y = relu((x - mean) · gamma / √(variance + epsilon) + beta) */
void normalise(int64_t rows, int64_t channels, const float* x, const float* gamma, const float* beta,
               const float* mean, const float* variance, float epsilon, Relu relu, float* y);

/** Gradients of {@link normalise} by the batch's own statistics; `dx` may be null. */
void trainGradient(int64_t rows, int64_t channels, const float* dy, const float* x, const float* gamma,
                   const float* beta, const float* mean, const float* variance, float epsilon, Relu relu, float* dx,
                   float* dGamma, float* dBeta);

/** The way back through a normalization whose weights' gradients are known. */
void backThrough(int64_t rows, int64_t channels, const float* dy, const float* x, const NormGradient& norm, float* dx);

/**
 * Gradients of {@link normalise} by given statistics.
 * @param y its result; read where there is a ReLU
 * @param x read for the weights' gradients only
 * @param dx null where it is not wanted; so are `dGamma` and `dBeta`
 */
void inferenceGradient(int64_t rows, int64_t channels, const float* dy, const float* y, const float* x,
                       const float* gamma, const float* mean, const float* variance, float epsilon, Relu relu,
                       float* dx, float* dGamma, float* dBeta);

}  // namespace thaw
