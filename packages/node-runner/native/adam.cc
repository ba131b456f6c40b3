#include "adam.h"

#include <algorithm>
#include <cmath>

#include "parallel.h"

namespace thaw {
namespace {

constexpr int64_t kPart = 32 * 1024;

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
    for (int64_t i = part.begin; i < part.end; i += 1) {
      const float g = gradient[i];
      const float first = oldM[i] + (g - oldM[i]) * rate1;
      const float second = oldV[i] + (g * g - oldV[i]) * rate2;
      newM[i] = first;
      newV[i] = second;
      next[i] = weight[i] - stepSize * first / (std::sqrt(second) + epsilon);
    }
  });
}

}  // namespace thaw
