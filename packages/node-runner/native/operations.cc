// The kernels as TensorFlow operations. packages/node-runner/src/fused-kernels.ts calls them.
#include <algorithm>
#include <cmath>
#include <optional>

#include "adam.h"
#include "addon.h"
#include "batch_norm.h"
#include "channel_sums.h"
#include "depthwise.h"
#include "gemm.h"
#include "operation.h"
#include "parallel.h"
#include "scratch.h"

namespace thaw {
namespace {

constexpr const char* kReluAttributes[] = {"relu: bool", "max_value: float"};

Relu reluOf(const Attributes& attributes) { return {attributes.flag("relu"), attributes.number("max_value")}; }

/** A batch normalization by known statistics; without one, its inputs are empty. */
class Normalised {
 public:
  /** @param first of the inputs gamma, beta, mean, variance */
  Normalised(const Call& call, int first, const Relu& relu, float epsilon, int64_t channels) {
    norm.clamps = relu.present;
    norm.high = relu.most;
    if (call.size(first) == 0) return;
    for (int i = first; i < first + 4; i += 1) call.expect(call.size(i) == channels, "a value is wanted for each channel");
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
  NormalisedGradient(const Call& call, int first, const Relu& relu, float epsilon, int64_t rows, int64_t channels) {
    for (int i = first; i < first + 6; i += 1) call.expect(call.size(i) == channels, "a value is wanted for each channel");
    scales_ = scalesOf(channels, call.data(first), call.data(first + 3), epsilon);
    for (int64_t c = 0; c < channels; c += 1) {
      const double spread = static_cast<double>(call.data(first + 3)[c]) + static_cast<double>(epsilon);
      offsets_.push_back(call.data(first + 5)[c] / static_cast<double>(rows));
      slopes_.push_back(call.data(first + 4)[c] / (rows * std::sqrt(spread)));
    }
    norm = {call.data(first + 2), scales_.data(), call.data(first + 1), offsets_.data(), slopes_.data(),
            relu.present, relu.most};
  }
  NormalisedGradient(const NormalisedGradient&) = delete;
  NormalisedGradient& operator=(const NormalisedGradient&) = delete;

  NormGradient norm;

 private:
  std::vector<float> scales_, offsets_, slopes_;
};

/** `window` is [stride, pad top, bottom, left, right]. */
struct Window {
  int64_t stride, top, bottom, left, right;
};

Window windowOf(const Attributes& attributes) {
  const auto values = attributes.integers("window");
  if (values.size() != 5 || values[0] < 1) throw std::invalid_argument("window must be [stride, top, bottom, left, right]");
  return {values[0], values[1], values[2], values[3], values[4]};
}

Geometry geometryOf(const Shape& image, const Shape& kernel, const Window& window) {
  if (image.size() != 4 || kernel.size() != 4) throw std::invalid_argument("image and kernel must have four axes");
  Geometry g;
  g.batch = image[0], g.height = image[1], g.width = image[2], g.channels = image[3];
  g.kernelHeight = kernel[0], g.kernelWidth = kernel[1];
  g.stride = window.stride, g.padTop = window.top, g.padLeft = window.left;
  const int64_t spareHeight = g.height + window.top + window.bottom - g.kernelHeight;
  const int64_t spareWidth = g.width + window.left + window.right - g.kernelWidth;
  if (spareHeight < 0 || spareWidth < 0) throw std::invalid_argument("the kernel is larger than the padded image");
  g.outHeight = spareHeight / g.stride + 1;
  g.outWidth = spareWidth / g.stride + 1;
  if (kernel[2] != g.channels) throw std::invalid_argument("kernel and image differ in their channels");
  return g;
}

bool isPointwise(const Geometry& g) {
  return g.kernelHeight == 1 && g.kernelWidth == 1 && g.stride == 1 && g.outHeight == g.height && g.outWidth == g.width;
}

/**
 * Windows of a normalised image as rows of a matrix [batch · outHeight · outWidth, kernelHeight · kernelWidth · channels].
 * The padding's zeros are not normalised.
 */
Rows windowsOf(const Geometry& g, const float* x, const Norm& norm) {
  if (isPointwise(g)) return rowsOf(x, g.channels, norm);
  return [=](const Range& range, float* space) {
    const int64_t width = g.kernelHeight * g.kernelWidth * g.channels;
    float* to = space;
    for (int64_t index = range.row; index < range.row + range.rows; index += 1) {
      const int64_t j = index % g.outWidth, i = index / g.outWidth % g.outHeight, b = index / g.outWidth / g.outHeight;
      for (int64_t u = 0; u < g.kernelHeight; u += 1) {
        const int64_t row = i * g.stride + u - g.padTop;
        for (int64_t v = 0; v < g.kernelWidth; v += 1, to += g.channels) {
          const int64_t column = j * g.stride + v - g.padLeft;
          const bool inside = row >= 0 && row < g.height && column >= 0 && column < g.width;
          const float* const from = x + ((b * g.height + row) * g.width + column) * g.channels;
          if (!inside) {
            for (int64_t c = 0; c < g.channels; c += 1) to[c] = 0.0f;
          } else if (norm.present()) {
            normaliseRow(norm, from, 0, g.channels, to);
          } else {
            for (int64_t c = 0; c < g.channels; c += 1) to[c] = from[c];
          }
        }
      }
    }
    return Block{space + range.column, width};
  };
}

Work makeConv2d(const Attributes& attributes) {
  const Window window = windowOf(attributes);
  const Relu relu = reluOf(attributes);
  const float epsilon = attributes.number("epsilon");
  return [=](Call& call) {
    const Shape kernel = call.shape(1);
    const Geometry g = geometryOf(call.shape(0), kernel, window);
    const int64_t filters = kernel[3], depth = g.kernelHeight * g.kernelWidth * g.channels;
    float* const y = call.output(0, {g.batch, g.outHeight, g.outWidth, filters});
    const Normalised normalised(call, 2, relu, epsilon, filters);
    multiply(g.batch * g.outHeight * g.outWidth, depth, filters, windowsOf(g, call.data(0), Norm{}), call.data(1), false,
             normalised.norm, y);
  };
}

/** Of 1×1 kernels with stride 1 only: a product with the kernel's transpose. */
Work makePointwiseInputGradient(const Attributes&) {
  return [](Call& call) {
    const Shape dy = call.shape(0), kernel = call.shape(1);
    call.expect(dy.size() == 4 && kernel.size() == 4 && kernel[0] == 1 && kernel[1] == 1, "the kernel must be 1×1");
    call.expect(kernel[3] == dy[3], "kernel and gradient differ in their filters");
    float* const dx = call.output(0, {dy[0], dy[1], dy[2], kernel[2]});
    multiply(dy[0] * dy[1] * dy[2], dy[3], kernel[2], rowsOf(call.data(0), dy[3]), call.data(1), true, Norm{}, dx);
  };
}

Work makeConv2dKernelGradient(const Attributes& attributes) {
  const Window window = windowOf(attributes);
  const Shape kernel = attributes.integers("kernel_shape");
  return [=](Call& call) {
    const Geometry g = geometryOf(call.shape(0), kernel, window);
    const Shape dy = call.shape(1);
    call.expect(dy == Shape({g.batch, g.outHeight, g.outWidth, kernel[3]}), "the gradient has another shape");
    float* const dKernel = call.output(0, kernel);
    multiplyTransposed(g.batch * g.outHeight * g.outWidth, g.kernelHeight * g.kernelWidth * g.channels, kernel[3],
                       windowsOf(g, call.data(0), Norm{}), rowsOf(call.data(1), kernel[3]), dKernel);
  };
}

Work makeDepthwise(const Attributes& attributes) {
  const Window window = windowOf(attributes);
  const Relu relu = reluOf(attributes);
  const float epsilon = attributes.number("epsilon");
  return [=](Call& call) {
    const Geometry g = geometryOf(call.shape(0), call.shape(1), window);
    call.expect(call.shape(1)[3] == 1, "the depth multiplier must be 1");
    float* const y = call.output(0, {g.batch, g.outHeight, g.outWidth, g.channels});
    const Normalised normalised(call, 2, relu, epsilon, g.channels);
    depthwise(g, call.data(0), Norm{}, call.data(1), normalised.norm, y);
  };
}

Work makeDepthwiseInputGradient(const Attributes& attributes) {
  const Window window = windowOf(attributes);
  const Shape input = attributes.integers("input_shape");
  return [=](Call& call) {
    const Geometry g = geometryOf(input, call.shape(1), window);
    call.expect(call.shape(0) == Shape({g.batch, g.outHeight, g.outWidth, g.channels}), "the gradient has another shape");
    depthwiseGradients(g, call.data(0), nullptr, nullptr, nullptr, Norm{}, call.data(1), call.output(0, input), nullptr,
                       nullptr);
  };
}

Work makeDepthwiseKernelGradient(const Attributes& attributes) {
  const Window window = windowOf(attributes);
  const Shape kernel = attributes.integers("kernel_shape");
  return [=](Call& call) {
    const Geometry g = geometryOf(call.shape(0), kernel, window);
    call.expect(call.shape(1) == Shape({g.batch, g.outHeight, g.outWidth, g.channels}), "the gradient has another shape");
    depthwiseGradients(g, call.data(1), nullptr, nullptr, call.data(0), Norm{}, nullptr, nullptr,
                       call.output(0, kernel), nullptr);
  };
}

/** Weights up to which a kernel gradient is summed in every slice of the rows by itself: a slice's sums stay in a cache. */
constexpr int64_t kBothFloats = 64 * 1024;

/** Inputs: x, the four of the normalization that it is read through, the kernel. */
Work makeConv2dStatistics(const Attributes& attributes) {
  const Window window = windowOf(attributes);
  const Relu relu = reluOf(attributes);
  const float epsilon = attributes.number("epsilon");
  const bool depthwiseKernel = attributes.flag("depthwise");
  return [=](Call& call) {
    const Shape kernel = call.shape(5);
    const Geometry g = geometryOf(call.shape(0), kernel, window);
    const int64_t filters = depthwiseKernel ? g.channels : kernel[3];
    float* const y = call.output(0, {g.batch, g.outHeight, g.outWidth, filters});
    float* const mean = call.output(1, {filters});
    float* const variance = call.output(2, {filters});
    const Normalised before(call, 1, relu, epsilon, g.channels);
    if (depthwiseKernel) {
      call.expect(kernel[3] == 1, "the depth multiplier must be 1");
      ChannelStatistics statistics(depthwisePieces(g), filters);
      depthwise(g, call.data(0), before.norm, call.data(5), Norm{}, y, &statistics);
      statistics.finish(mean, variance);
      return;
    }
    const int64_t rows = g.batch * g.outHeight * g.outWidth, depth = g.kernelHeight * g.kernelWidth * g.channels;
    const int64_t chunk = chunkRows(depth, filters);
    ChannelStatistics statistics((rows + chunk - 1) / chunk, filters);
    multiply(rows, depth, filters, windowsOf(g, call.data(0), before.norm), call.data(5), false, Norm{}, y,
             [&](int64_t index, int64_t row, int64_t count) { statistics.add(index, count, y + row * filters); });
    statistics.finish(mean, variance);
  };
}

/**
 * Inputs: dy; y and gamma, beta, mean, variance, dGamma, dBeta of the normalization that dy comes back through, all empty
 * without one; x, which may be empty, and gamma, beta, mean, variance of the one that it is read through; the kernel.
 */
Work makeConv2dGradients(const Attributes& attributes) {
  const Window window = windowOf(attributes);
  const Relu relu = reluOf(attributes);
  const Relu reluBehind = {attributes.flag("relu_behind"), attributes.number("max_value_behind")};
  const float epsilon = attributes.number("epsilon"), epsilonBehind = attributes.number("epsilon_behind");
  const Shape input = attributes.integers("input_shape");
  const bool needsInput = attributes.flag("needs_input"), needsWeights = attributes.flag("needs_weights");
  const bool depthwiseKernel = attributes.flag("depthwise");
  return [=](Call& call) {
    const int kDy = 0, kY = 1, kBehind = 2, kX = 8, kBefore = 9, kKernel = 13;
    const Shape kernel = call.shape(kKernel);
    const Geometry g = geometryOf(input, kernel, window);
    const int64_t filters = depthwiseKernel ? g.channels : kernel[3], rows = g.batch * g.outHeight * g.outWidth;
    call.expect(call.shape(kDy) == Shape({g.batch, g.outHeight, g.outWidth, filters}), "the gradient has another shape");
    const Normalised before(call, kBefore, relu, epsilon, g.channels);
    const bool sumsBefore = needsInput && call.size(kBefore) > 0;
    if (needsWeights || sumsBefore) call.expect(call.shape(kX) == input, "the input is wanted");
    std::optional<NormalisedGradient> behind;
    if (call.size(kY) > 0) {
      call.expect(call.size(kY) == call.size(kDy), "the result has another shape");
      behind.emplace(call, kBehind, reluBehind, epsilonBehind, rows, filters);
    }
    float* const dx = call.output(0, needsInput ? input : Shape{0});
    float* const dKernel = call.output(1, needsWeights ? kernel : Shape{0});
    float* const dGamma = call.output(2, {sumsBefore ? g.channels : 0});
    float* const dBeta = call.output(3, {sumsBefore ? g.channels : 0});
    const NormGradient sumsOver = {before.norm.mean, before.norm.scale, before.norm.shift, nullptr,
                                   nullptr,          relu.present,      relu.most};
    const float* const dy = call.data(kDy);
    const float* const x = call.data(kX);
    const auto finish = [&](const GradientSums& sums) { sums.finish(call.data(kBefore + 3), epsilon, dGamma, dBeta); };
    if (depthwiseKernel) {
      call.expect(kernel[3] == 1, "the depth multiplier must be 1");
      GradientSums sums(sumsBefore ? depthwisePieces(g) : 0, g.channels, sumsOver);
      depthwiseGradients(g, dy, call.data(kY), behind ? &behind->norm : nullptr, x, before.norm, call.data(kKernel),
                         needsInput ? dx : nullptr, needsWeights ? dKernel : nullptr, sumsBefore ? &sums : nullptr);
      if (sumsBefore) finish(sums);
      return;
    }
    const int64_t depth = g.kernelHeight * g.kernelWidth * g.channels;
    if (needsInput) call.expect(isPointwise(g), "the input gradient is there for kernels of 1×1 alone");
    const bool both = needsInput && needsWeights && bothSlices(rows) > 1 && depth * filters <= kBothFloats;
    Scratch stored(behind && !both ? rows * filters : 0);
    if (behind && !both) backThrough(rows, filters, dy, call.data(kY), behind->norm, stored.data());
    const Rows gradients = !behind ? rowsOf(dy, filters)
                           : both  ? gradientRowsOf(dy, call.data(kY), filters, behind->norm)
                                   : rowsOf(stored.data(), filters);
    const Rows inputs = windowsOf(g, x, before.norm);
    if (needsWeights && !both) multiplyTransposed(rows, depth, filters, inputs, gradients, dKernel);
    if (!needsInput) return;
    const int64_t chunk = chunkRows(filters, depth);
    GradientSums sums(!sumsBefore ? 0 : both ? bothSlices(rows) : (rows + chunk - 1) / chunk, depth, sumsOver);
    RowsDone done;
    if (sumsBefore) {
      done = [&](int64_t piece, int64_t row, int64_t count) {
        sums.add(piece, count, dx + row * depth, x + row * depth);
      };
    }
    if (both) multiplyBoth(rows, depth, filters, inputs, gradients, call.data(kKernel), dKernel, dx, done);
    else multiply(rows, filters, depth, gradients, call.data(kKernel), true, Norm{}, dx, done);
    if (sumsBefore) finish(sums);
  };
}

int64_t channelsOf(const Call& call, int input) {
  const Shape shape = call.shape(input);
  call.expect(!shape.empty() && sizeOf(shape) > 0, "the input is empty");
  return shape.back();
}

void expectChannels(const Call& call, int first, int last, int64_t channels) {
  for (int i = first; i <= last; i += 1) call.expect(call.size(i) == channels, "a value is wanted for each channel");
}

Work makeBatchNormTrain(const Attributes& attributes) {
  const float epsilon = attributes.number("epsilon");
  const Relu relu = reluOf(attributes);
  return [=](Call& call) {
    const int64_t channels = channelsOf(call, 0), rows = call.size(0) / channels;
    expectChannels(call, 1, 2, channels);
    float* const y = call.output(0, call.shape(0));
    float* const mean = call.output(1, {channels});
    float* const variance = call.output(2, {channels});
    statistics(rows, channels, call.data(0), mean, variance);
    normalise(rows, channels, call.data(0), call.data(1), call.data(2), mean, variance, epsilon, relu, y);
  };
}

Work makeBatchNormTrainGradient(const Attributes& attributes) {
  const float epsilon = attributes.number("epsilon");
  const Relu relu = reluOf(attributes);
  const bool needsInput = attributes.flag("needs_input");
  return [=](Call& call) {
    const int64_t channels = channelsOf(call, 1), rows = call.size(1) / channels;
    call.expect(call.size(0) == call.size(1), "the gradient has another shape");
    expectChannels(call, 2, 5, channels);
    float* const dx = call.output(0, needsInput ? call.shape(1) : Shape{0});
    trainGradient(rows, channels, call.data(0), call.data(1), call.data(2), call.data(3), call.data(4), call.data(5),
                  epsilon, relu, needsInput ? dx : nullptr, call.output(1, {channels}), call.output(2, {channels}));
  };
}

Work makeBatchNormInference(const Attributes& attributes) {
  const float epsilon = attributes.number("epsilon");
  const Relu relu = reluOf(attributes);
  return [=](Call& call) {
    const int64_t channels = channelsOf(call, 0);
    expectChannels(call, 1, 4, channels);
    normalise(call.size(0) / channels, channels, call.data(0), call.data(1), call.data(2), call.data(3), call.data(4),
              epsilon, relu, call.output(0, call.shape(0)));
  };
}

/** Inputs that are not needed come empty. */
Work makeBatchNormInferenceGradient(const Attributes& attributes) {
  const float epsilon = attributes.number("epsilon");
  const Relu relu = reluOf(attributes);
  const bool needsInput = attributes.flag("needs_input"), needsWeights = attributes.flag("needs_weights");
  return [=](Call& call) {
    const int64_t channels = channelsOf(call, 0), rows = call.size(0) / channels;
    if (relu.present) call.expect(call.size(1) == call.size(0), "the ReLU's result is wanted");
    if (needsWeights) call.expect(call.size(2) == call.size(0), "the layer's input is wanted");
    expectChannels(call, 3, 5, channels);
    float* const dx = call.output(0, needsInput ? call.shape(0) : Shape{0});
    float* const dGamma = call.output(1, {needsWeights ? channels : 0});
    float* const dBeta = call.output(2, {needsWeights ? channels : 0});
    inferenceGradient(rows, channels, call.data(0), call.data(1), call.data(2), call.data(3), call.data(4),
                      call.data(5), epsilon, relu, needsInput ? dx : nullptr, needsWeights ? dGamma : nullptr,
                      needsWeights ? dBeta : nullptr);
  };
}

/** Elements of a part of a tensor that one call works at. */
constexpr int64_t kPart = 32 * 1024;

Work makeAdd(const Attributes&) {
  return [](Call& call) {
    call.expect(call.shape(0) == call.shape(1), "the two differ in shape");
    const int64_t size = call.size(0);
    const float* const a = call.data(0);
    const float* const b = call.data(1);
    float* const sum = call.output(0, call.shape(0));
    parallelFor((size + kPart - 1) / kPart, [=](int64_t part) {
      const int64_t end = std::min(size, (part + 1) * kPart);
      for (int64_t i = part * kPart; i < end; i += 1) sum[i] = a[i] + b[i];
    });
  };
}

/** Pixels of an image whose values are summed in float before they are added to the rest. */
constexpr int64_t kPooledPixels = 64;

Work makeCopy(const Attributes&) {
  return [](Call& call) {
    const int64_t size = call.size(0);
    const float* const from = call.data(0);
    float* const to = call.output(0, call.shape(0));
    parallelFor((size + kPart - 1) / kPart, [=](int64_t part) {
      const int64_t end = std::min(size, (part + 1) * kPart);
      std::copy(from + part * kPart, from + end, to + part * kPart);
    });
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
    parallelFor((size + kPart - 1) / kPart, [=](int64_t part) {
      const int64_t end = std::min(size, (part + 1) * kPart);
      for (int64_t i = part * kPart; i < end; i += 1) to[i] = pixels[i] / 127.5f - 1.0f;
    });
  };
}

/** Inputs: moving statistics, then as many of the batch. */
Work makeMovingStatistics(const Attributes& attributes) {
  const float momentum = attributes.number("momentum");
  const float rest = attributes.number("rest"); // 1 - momentum, from double: of float32's 0.999 it is 1.3e-5 off
  return [=](Call& call) {
    const int count = call.inputs() / 2;
    for (int i = 0; i < count; i += 1) {
      const int64_t channels = call.size(i);
      call.expect(call.size(i + count) == channels, "moving and batch statistics differ in size");
      const float* const moving = call.data(i);
      const float* const batch = call.data(i + count);
      float* const next = call.output(i, {channels});
      for (int64_t c = 0; c < channels; c += 1) next[c] = moving[c] * momentum + batch[c] * rest;
    }
  };
}

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

}  // namespace

void registerKernels() {
  const char* const relu = kReluAttributes[0];
  const char* const most = kReluAttributes[1];
  const char* const window = "window: list(int)";
  const char* const epsilon = "epsilon: float";
  const std::vector<const char*> convolutionInputs = {"x: float",    "kernel: float", "gamma: float",
                                                      "beta: float", "mean: float",   "variance: float"};
  registerOperations({
      {"ThawConv2D", convolutionInputs, {"y: float"}, {window, epsilon, relu, most}, makeConv2d},
      {"ThawConv2DStatistics",
       {"x: float", "gamma: float", "beta: float", "mean: float", "variance: float", "kernel: float"},
       {"y: float", "batch_mean: float", "batch_variance: float"},
       {window, epsilon, relu, most, "depthwise: bool"},
       makeConv2dStatistics},
      {"ThawConv2DGradients",
       {"dy: float", "y: float", "gamma_behind: float", "beta_behind: float", "mean_behind: float",
        "variance_behind: float", "d_gamma_behind: float", "d_beta_behind: float", "x: float", "gamma: float",
        "beta: float", "mean: float", "variance: float", "kernel: float"},
       {"dx: float", "d_kernel: float", "d_gamma: float", "d_beta: float"},
       {window, epsilon, relu, most, "epsilon_behind: float", "relu_behind: bool", "max_value_behind: float",
        "input_shape: list(int)", "needs_input: bool", "needs_weights: bool", "depthwise: bool"},
       makeConv2dGradients},
      {"ThawPointwiseInputGradient", {"dy: float", "kernel: float"}, {"dx: float"}, {}, makePointwiseInputGradient},
      {"ThawConv2DKernelGradient",
       {"x: float", "dy: float"},
       {"d_kernel: float"},
       {window, "kernel_shape: list(int)"},
       makeConv2dKernelGradient},
      {"ThawDepthwiseConv2D",
       convolutionInputs,
       {"y: float"},
       {window, epsilon, relu, most},
       makeDepthwise},
      {"ThawDepthwiseConv2DInputGradient",
       {"dy: float", "kernel: float"},
       {"dx: float"},
       {window, "input_shape: list(int)"},
       makeDepthwiseInputGradient},
      {"ThawDepthwiseConv2DKernelGradient",
       {"x: float", "dy: float"},
       {"d_kernel: float"},
       {window, "kernel_shape: list(int)"},
       makeDepthwiseKernelGradient},
      {"ThawBatchNormTrain",
       {"x: float", "gamma: float", "beta: float"},
       {"y: float", "mean: float", "variance: float"},
       {epsilon, relu, most},
       makeBatchNormTrain},
      {"ThawBatchNormTrainGradient",
       {"dy: float", "x: float", "gamma: float", "beta: float", "mean: float", "variance: float"},
       {"dx: float", "d_gamma: float", "d_beta: float"},
       {epsilon, relu, most, "needs_input: bool"},
       makeBatchNormTrainGradient},
      {"ThawBatchNormInference",
       {"x: float", "gamma: float", "beta: float", "mean: float", "variance: float"},
       {"y: float"},
       {epsilon, relu, most},
       makeBatchNormInference},
      {"ThawBatchNormInferenceGradient",
       {"dy: float", "y: float", "x: float", "gamma: float", "mean: float", "variance: float"},
       {"dx: float", "d_gamma: float", "d_beta: float"},
       {epsilon, relu, most, "needs_input: bool", "needs_weights: bool"},
       makeBatchNormInferenceGradient},
      {"ThawAdd", {"a: float", "b: float"}, {"sum: float"}, {}, makeAdd},
      {"ThawCopy", {"x: float"}, {"copy: float"}, {}, makeCopy},
      {"ThawScalePixels", {"pixels: int32"}, {"inputs: float"}, {"shape: list(int)"}, makeScalePixels},
      {"ThawGlobalAveragePool", {"x: float"}, {"y: float"}, {}, makeGlobalAveragePool},
      {"ThawGlobalAveragePoolGradient",
       {"dy: float"},
       {"dx: float"},
       {"input_shape: list(int)"},
       makeGlobalAveragePoolGradient},
      {"ThawMovingStatistics",
       {"moving: N * float", "batch: N * float"},
       {"next: N * float"},
       {"N: int >= 1", "momentum: float", "rest: float"},
       makeMovingStatistics},
      {"ThawAdam",
       {"numbers: float", "m: float", "v: float", "weights: N * float", "gradients: N * float"},
       {"next_m: float", "next_v: float", "next_weights: N * float"},
       {"N: int >= 1"},
       makeAdam},
  });
}

}  // namespace thaw
