#include <algorithm>
#include <cmath>

#include "gemm.h"
#include "operations.h"
#include "parallel.h"

namespace thaw {
namespace {

/** Pixels of an image whose values are summed in float before they are added to the rest. */
constexpr int64_t kPooledPixels = 64;

Work makeGlobalAveragePool(const Attributes&) {
  return [](Call& call) {
    const Shape shape = call.shape(0);
    call.expect(shape.size() == 4 && sizeOf(shape) > 0, "images are wanted");
    const int64_t pixels = shape[1] * shape[2], channels = shape[3];
    const float* const x = call.data(0);
    float* const y = call.output(0, {shape[0], channels});
    parallelFor(shape[0], [=](int64_t image) {
      std::vector<double> sums(channels, 0.0);
      std::vector<float> block(channels);
      for (int64_t first = 0; first < pixels; first += kPooledPixels) {
        std::fill(block.begin(), block.end(), 0.0f);
        for (int64_t pixel = first; pixel < std::min(pixels, first + kPooledPixels); pixel += 1) {
          const float* const from = x + (image * pixels + pixel) * channels;
          for (int64_t c = 0; c < channels; c += 1) block[c] += from[c];
        }
        for (int64_t c = 0; c < channels; c += 1) sums[c] += block[c];
      }
      for (int64_t c = 0; c < channels; c += 1) y[image * channels + c] = sums[c] / pixels;
    });
  };
}

Work makeGlobalAveragePoolGradient(const Attributes& attributes) {
  const Shape shape = attributes.integers("input_shape");
  return [=](Call& call) {
    call.expect(shape.size() == 4 && call.shape(0) == Shape({shape[0], shape[3]}), "the gradient has another shape");
    const int64_t pixels = shape[1] * shape[2], channels = shape[3];
    const float* const dy = call.data(0);
    float* const dx = call.output(0, shape);
    parallelFor(shape[0], [=](int64_t image) {
      float* const first = dx + image * pixels * channels;
      for (int64_t c = 0; c < channels; c += 1) first[c] = dy[image * channels + c] / pixels;
      for (int64_t pixel = 1; pixel < pixels; pixel += 1) std::copy(first, first + channels, first + pixel * channels);
    });
  };
}

/** Inputs: x [rows, inputs], kernel [inputs, units], bias. */
Work makeDense(const Attributes&) {
  return [](Call& call) {
    const Shape x = call.shape(0), kernel = call.shape(1);
    call.expect(x.size() == 2 && kernel.size() == 2 && x[1] == kernel[0], "x and kernel do not fit");
    call.expect(call.size(2) == kernel[1], "a bias is wanted for each unit");
    float* const y = call.output(0, {x[0], kernel[1]});
    multiply(x[0], x[1], kernel[1], rowsOf(call.data(0), x[1]), call.data(1), false, Norm{}, y);
    for (int64_t i = 0; i < x[0] * kernel[1]; i += 1) y[i] += call.data(2)[i % kernel[1]];
  };
}

Work makeDenseInputGradient(const Attributes&) {
  return [](Call& call) {
    const Shape dy = call.shape(0), kernel = call.shape(1);
    call.expect(dy.size() == 2 && kernel.size() == 2 && dy[1] == kernel[1], "gradient and kernel do not fit");
    float* const dx = call.output(0, {dy[0], kernel[0]});
    multiply(dy[0], dy[1], kernel[0], rowsOf(call.data(0), dy[1]), call.data(1), true, Norm{}, dx);
  };
}

Work makeDenseKernelGradient(const Attributes&) {
  return [](Call& call) {
    const Shape x = call.shape(0), dy = call.shape(1);
    call.expect(x.size() == 2 && dy.size() == 2 && x[0] == dy[0], "x and gradient do not fit");
    float* const dKernel = call.output(0, {x[1], dy[1]});
    multiplyTransposed(x[0], x[1], dy[1], rowsOf(call.data(0), x[1]), rowsOf(call.data(1), dy[1]), dKernel);
  };
}

/** Sums over all axes but the last. */
Work makeBiasGradient(const Attributes&) {
  return [](Call& call) {
    const Shape shape = call.shape(0);
    call.expect(!shape.empty() && sizeOf(shape) > 0, "the gradient is empty");
    const int64_t channels = shape.back(), rows = sizeOf(shape) / channels;
    const float* const dy = call.data(0);
    float* const sums = call.output(0, {channels});
    std::vector<double> totals(channels, 0.0);
    for (int64_t row = 0; row < rows; row += 1) {
      for (int64_t c = 0; c < channels; c += 1) totals[c] += dy[row * channels + c];
    }
    for (int64_t c = 0; c < channels; c += 1) sums[c] = totals[c];
  };
}

/** The classes of the rows [rows, classes], input 1. */
const int32_t* labelsOf(const Call& call, const Shape& rows) {
  call.expect(rows.size() == 2 && call.size(1) == rows[0], "a class is wanted for each row");
  return reinterpret_cast<const int32_t*>(call.data(1));
}

/** Inputs: logits [rows, classes] and the rows' classes. In double: there are few. */
Work makeSoftmaxCrossEntropy(const Attributes&) {
  return [](Call& call) {
    const Shape shape = call.shape(0);
    const int32_t* const labels = labelsOf(call, shape);
    float* const probabilities = call.output(0, shape);
    float* const losses = call.output(1, {shape[0]});
    for (int64_t row = 0; row < shape[0]; row += 1) {
      const float* const logits = call.data(0) + row * shape[1];
      float* const to = probabilities + row * shape[1];
      call.expect(labels[row] >= 0 && labels[row] < shape[1], "there is no such class");
      // A NaN anywhere makes the sum one, and with it every result of the row.
      double most = logits[0], sum = 0;
      for (int64_t c = 1; c < shape[1]; c += 1) most = std::max<double>(most, logits[c]);
      for (int64_t c = 0; c < shape[1]; c += 1) sum += std::exp(logits[c] - most);
      for (int64_t c = 0; c < shape[1]; c += 1) to[c] = std::exp(logits[c] - most) / sum;
      losses[row] = std::log(sum) - (logits[labels[row]] - most);
    }
  };
}

Work makeSoftmaxCrossEntropyGradient(const Attributes&) {
  return [](Call& call) {
    const Shape shape = call.shape(0);
    const int32_t* const labels = labelsOf(call, shape);
    float* const gradient = call.output(0, shape);
    for (int64_t i = 0; i < sizeOf(shape); i += 1) {
      gradient[i] = (call.data(0)[i] - (labels[i / shape[1]] == i % shape[1] ? 1.0f : 0.0f)) / shape[0];
    }
  };
}

}  // namespace

std::vector<Operation> headOperations() {
  return {
      {"ThawGlobalAveragePool", {"x: float"}, {"y: float"}, {}, makeGlobalAveragePool},
      {"ThawGlobalAveragePoolGradient",
       {"dy: float"},
       {"dx: float"},
       {"input_shape: list(int)"},
       makeGlobalAveragePoolGradient},
      {"ThawDense", {"x: float", "kernel: float", "bias: float"}, {"y: float"}, {}, makeDense},
      {"ThawDenseInputGradient", {"dy: float", "kernel: float"}, {"dx: float"}, {}, makeDenseInputGradient},
      {"ThawDenseKernelGradient", {"x: float", "dy: float"}, {"d_kernel: float"}, {}, makeDenseKernelGradient},
      {"ThawBiasGradient", {"dy: float"}, {"d_bias: float"}, {}, makeBiasGradient},
      {"ThawSoftmaxCrossEntropy",
       {"logits: float", "labels: int32"},
       {"probabilities: float", "losses: float"},
       {},
       makeSoftmaxCrossEntropy},
      {"ThawSoftmaxCrossEntropyGradient",
       {"probabilities: float", "labels: int32"},
       {"d_logits: float"},
       {},
       makeSoftmaxCrossEntropyGradient},
  };
}

}  // namespace thaw
