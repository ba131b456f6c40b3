// Batch normalizations as operations get them: four inputs, a few attributes.
#pragma once

#include <cmath>
#include <vector>

#include "batch_norm.h"
#include "norm.h"
#include "operation.h"

namespace thaw {

inline constexpr const char* kRelu = "relu: bool";
inline constexpr const char* kMost = "max_value: float";
inline constexpr const char* kEpsilon = "epsilon: float";

inline Relu reluOf(const Attributes& attributes) { return {attributes.flag("relu"), attributes.number("max_value")}; }

/** Expects a value a channel in inputs `first` to `last`. */
inline void expectChannels(const Call& call, int first, int last, int64_t channels) {
  for (int i = first; i <= last; i += 1) call.expect(call.size(i) == channels, "a value is wanted for each channel");
}

/** A batch normalization by known statistics; without one, its inputs are empty. */
class Normalised {
 public:
  /** @param first of the inputs gamma, beta, mean, variance */
  Normalised(const Call& call, int first, const Relu& relu, float epsilon, int64_t channels) {
    norm.clamps = relu.present;
    norm.high = relu.most;
    if (call.size(first) == 0) return;
    expectChannels(call, first, first + 3, channels);
    scales_ = scalesOf(channels, call.data(first), call.data(first + 3), epsilon);
    norm.mean = call.data(first + 2);
    norm.scale = scales_.data();
    norm.shift = call.data(first + 1);
  }
  Normalised(const Normalised&) = delete;
  Normalised& operator=(const Normalised&) = delete;

  Norm norm;

 private:
  std::vector<float> scales_;
};

/** The way back through a batch normalization by the batch's statistics, whose weights' gradients are known. */
class NormalisedGradient {
 public:
  /** @param first of the inputs gamma, beta, mean, variance, dGamma, dBeta */
  NormalisedGradient(const Call& call, int first, const Relu& relu, float epsilon, int64_t rows, int64_t channels)
      : normalised_(call, first, relu, epsilon, channels) {
    expectChannels(call, first, first + 5, channels);
    for (int64_t c = 0; c < channels; c += 1) {
      const double spread = static_cast<double>(call.data(first + 3)[c]) + static_cast<double>(epsilon);
      offsets_.push_back(call.data(first + 5)[c] / static_cast<double>(rows));
      slopes_.push_back(call.data(first + 4)[c] / (rows * std::sqrt(spread)));
    }
    norm = {normalised_.norm, offsets_.data(), slopes_.data()};
  }
  NormalisedGradient(const NormalisedGradient&) = delete;
  NormalisedGradient& operator=(const NormalisedGradient&) = delete;

  NormGradient norm;

 private:
  Normalised normalised_;
  std::vector<float> offsets_, slopes_;
};

}  // namespace thaw
