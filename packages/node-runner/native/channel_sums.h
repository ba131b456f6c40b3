// Sums over the rows of [rows, channels] that are as good as double, taken while the rows pass by.
#pragma once

#include <cstdint>
#include <vector>

#include "norm.h"

namespace thaw {

/**
 * Mean and biased variance of each channel. Rows come in pieces: those of one piece in order and from one thread at a
 * time. Pieces are joined in their own order, so the result does not depend on who was first.
 */
class ChannelStatistics {
 public:
  ChannelStatistics(int64_t pieces, int64_t channels)
      : channels_(channels), rows_(pieces), means_(pieces * channels), squares_(pieces * channels) {}
  void add(int64_t piece, int64_t rows, const float* x);
  void finish(float* mean, float* variance) const;

 private:
  int64_t channels_;
  std::vector<int64_t> rows_;
  std::vector<double> means_, squares_;
};

/** Sums of dy behind a ReLU, and of its products with x - mean: the gradients of a normalization's weights. */
class GradientSums {
 public:
  /** @param norm of it, what the ReLU's result is made of */
  GradientSums(int64_t pieces, int64_t channels, const NormGradient& norm)
      : channels_(channels), norm_(norm), sums_(pieces * channels), products_(pieces * channels) {}
  void add(int64_t piece, int64_t rows, const float* dy, const float* x);
  /** Sums of dy, one a channel, over all pieces. */
  std::vector<double> sums() const { return total(sums_); }
  /** Sums of dy · (x - mean). */
  std::vector<double> products() const { return total(products_); }
  void finish(const float* variance, float epsilon, float* dGamma, float* dBeta) const;

 private:
  std::vector<double> total(const std::vector<double>& values) const;
  int64_t channels_;
  NormGradient norm_;
  std::vector<double> sums_, products_;
};

}  // namespace thaw
