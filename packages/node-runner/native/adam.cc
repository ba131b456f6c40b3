#include "adam.h"

#include <algorithm>
#include <cmath>

#include "parallel.h"
#include "simd.h"

namespace thaw {
namespace {

constexpr int64_t kPart = 32 * 1024;
constexpr int64_t kBlock = 512;

}  // namespace

void adam(const std::vector<AdamWeight>& weights, const AdamNumbers& numbers, const float* m, const float* v,
          float* nextM, float* nextV) {
  struct Part {
    const AdamWeight* weight;
    int64_t begin, end;
  };
  std::vector<Part> parts;
  for (const auto& weight : weights) {
    for (int64_t begin = 0; begin < weight.size; begin += kPart) {
      parts.push_back({&weight, begin, std::min(begin + kPart, weight.size)});
    }
  }
  const auto [stepSize, rate1, rate2, epsilon] = numbers;
  parallelFor(static_cast<int64_t>(parts.size()), [&, stepSize = stepSize, rate1 = rate1, rate2 = rate2,
                                                   epsilon = epsilon](int64_t index) {
    const Part& part = parts[index];
    const float* const weight = part.weight->weight;
    const float* const gradient = part.weight->gradient;
    float* const next = part.weight->next;
    const float* const oldM = m + part.weight->offset;
    const float* const oldV = v + part.weight->offset;
    float* const newM = nextM + part.weight->offset;
    float* const newV = nextV + part.weight->offset;
    for (int64_t begin = part.begin; begin < part.end; begin += kBlock) {
      const int64_t count = std::min(kBlock, part.end - begin);
      alignas(64) float firsts[kBlock], seconds[kBlock], nexts[kBlock];
      for (int64_t k = 0; k < count; k += 1) {
        const int64_t i = begin + k;
        const float g = gradient[i];
        firsts[k] = oldM[i] + (g - oldM[i]) * rate1;
        seconds[k] = oldV[i] + (g * g - oldV[i]) * rate2;
        nexts[k] = weight[i] - stepSize * firsts[k] / (std::sqrt(seconds[k]) + epsilon);
      }
      // Nobody reads them before the next step.
      copyStream(newM + begin, firsts, count);
      copyStream(newV + begin, seconds, count);
      copyStream(next + begin, nexts, count);
    }
    finishStream();
  });
}

}  // namespace thaw
