// One update of many weights, each with its part of two flat slots.
#pragma once

#include <cstdint>
#include <vector>

namespace thaw {

/** A weight before and after, and its gradient. */
struct AdamWeight {
  const float* weight;
  const float* gradient;
  float* next;
  int64_t size;
  /** Where its slots begin. */
  int64_t offset;
};

struct AdamNumbers {
  /** Rate with the bias corrections in it. */
  float stepSize;
  /** 1 - beta1 and 1 - beta2. */
  float rate1, rate2;
  float epsilon;
};

void adam(const std::vector<AdamWeight>& weights, const AdamNumbers& numbers, const float* m, const float* v,
          float* nextM, float* nextV);

}  // namespace thaw
