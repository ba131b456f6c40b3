#include "operations.h"

#include <algorithm>

#include "adam.h"
#include "addon.h"
#include "parallel.h"

namespace thaw {
namespace {

/** Elements of a part of a tensor that one call works at. */
constexpr int64_t kPart = 32 * 1024;

Work makeAdd(const Attributes&) {
  return [](Call& call) {
    call.expect(call.shape(0) == call.shape(1), "the two differ in shape");
    const int64_t size = call.size(0);
    const float* const a = call.data(0);
    const float* const b = call.data(1);
    float* const sum = call.output(0, call.shape(0));
    parallelParts(size, kPart, [=](int64_t first, int64_t end) {
      for (int64_t i = first; i < end; i += 1) sum[i] = a[i] + b[i];
    });
  };
}

Work makeCopy(const Attributes&) {
  return [](Call& call) {
    const int64_t size = call.size(0);
    const float* const from = call.data(0);
    float* const to = call.output(0, call.shape(0));
    parallelParts(size, kPart, [=](int64_t first, int64_t end) { std::copy(from + first, from + end, to + first); });
  };
}

/** Pixels as bytes, four in an int32, to x / 127.5 - 1, rounded to float after each operation. */
Work makeScalePixels(const Attributes& attributes) {
  const Shape shape = attributes.integers("shape");
  return [=](Call& call) {
    const int64_t size = sizeOf(shape);
    call.expect(call.size(0) == (size + 3) / 4, "there are more or fewer pixels than the shape says");
    const auto* const pixels = reinterpret_cast<const uint8_t*>(call.data(0));
    float* const to = call.output(0, shape);
    parallelParts(size, kPart, [=](int64_t first, int64_t end) {
      for (int64_t i = first; i < end; i += 1) to[i] = pixels[i] / 127.5f - 1.0f;
    });
  };
}

/** Inputs: numbers [stepSize, 1 - beta1, 1 - beta2, epsilon], m, v, the weights, the gradients. */
Work makeAdam(const Attributes&) {
  return [](Call& call) {
    call.expect(call.size(0) == 4, "four numbers are wanted");
    const int count = (call.inputs() - 3) / 2;
    const float* const numbers = call.data(0);
    std::vector<AdamWeight> weights;
    int64_t offset = 0;
    for (int i = 0; i < count; i += 1) {
      const int64_t size = call.size(3 + i);
      call.expect(call.size(3 + count + i) == size, "a weight and its gradient differ in size");
      weights.push_back({call.data(3 + i), call.data(3 + count + i), call.output(2 + i, call.shape(3 + i)), size, offset});
      offset += size;
    }
    call.expect(call.size(1) == offset && call.size(2) == offset, "the slots have another size than the weights");
    adam(weights, {numbers[0], numbers[1], numbers[2], numbers[3]}, call.data(1), call.data(2),
         call.output(0, {offset}), call.output(1, {offset}));
  };
}

std::vector<Operation> otherOperations() {
  return {
      {"ThawAdd", {"a: float", "b: float"}, {"sum: float"}, {}, makeAdd},
      {"ThawCopy", {"x: float"}, {"copy: float"}, {}, makeCopy},
      {"ThawScalePixels", {"pixels: int32"}, {"inputs: float"}, {"shape: list(int)"}, makeScalePixels},
      {"ThawAdam",
       {"numbers: float", "m: float", "v: float", "weights: N * float", "gradients: N * float"},
       {"next_m: float", "next_v: float", "next_weights: N * float"},
       {"N: int >= 1"},
       makeAdam},
  };
}

}  // namespace

void registerKernels() {
  std::vector<Operation> all;
  for (const auto& some : {convOperations(), normOperations(), headOperations(), otherOperations()}) {
    all.insert(all.end(), some.begin(), some.end());
  }
  registerOperations(all);
}

}  // namespace thaw
