#include <algorithm>
#include <optional>

#include "channel_sums.h"
#include "depthwise.h"
#include "gemm.h"
#include "normalisations.h"
#include "operations.h"
#include "scratch.h"

namespace thaw {
namespace {

constexpr const char* kWindow = "window: list(int)";

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
    const int64_t width = g.depth();
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
    const int64_t filters = kernel[3];
    float* const y = call.output(0, {g.batch, g.outHeight, g.outWidth, filters});
    const Normalised normalised(call, 2, relu, epsilon, filters);
    multiply(g.rows(), g.depth(), filters, windowsOf(g, call.data(0), Norm{}), call.data(1), false,
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
    multiplyTransposed(g.rows(), g.depth(), kernel[3],
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
    ChannelStatistics statistics(multiplyChunks(g.rows(), g.depth(), filters), filters);
    multiply(g.rows(), g.depth(), filters, windowsOf(g, call.data(0), before.norm), call.data(5), false, Norm{}, y,
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
    const int64_t filters = depthwiseKernel ? g.channels : kernel[3], rows = g.rows();
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
    const NormGradient sumsOver = {before.norm, nullptr, nullptr};
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
    const int64_t depth = g.depth();
    if (needsInput) call.expect(isPointwise(g), "the input gradient is there for kernels of 1×1 alone");
    const bool both = needsInput && needsWeights && bothSlices(rows) > 1 && depth * filters <= kBothFloats;
    // Two products one after the other would go back through the normalization twice.
    const bool stores = behind && needsInput && needsWeights && !both;
    Scratch stored(stores ? rows * filters : 0);
    if (stores) backThrough(rows, filters, dy, call.data(kY), behind->norm, stored.data());
    const Rows gradients = !behind  ? rowsOf(dy, filters)
                           : stores ? rowsOf(stored.data(), filters)
                                    : gradientRowsOf(dy, call.data(kY), filters, behind->norm);
    const Rows inputs = windowsOf(g, x, before.norm);
    if (needsWeights && !both) multiplyTransposed(rows, depth, filters, inputs, gradients, dKernel);
    if (!needsInput) return;
    const int64_t pieces = both ? bothSlices(rows) : multiplyChunks(rows, filters, depth);
    GradientSums sums(sumsBefore ? pieces : 0, depth, sumsOver);
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

}  // namespace

std::vector<Operation> convOperations() {
  const std::vector<const char*> convolutionInputs = {"x: float",    "kernel: float", "gamma: float",
                                                      "beta: float", "mean: float",   "variance: float"};
  return {
      {"ThawConv2D", convolutionInputs, {"y: float"}, {kWindow, kEpsilon, kRelu, kMost}, makeConv2d},
      {"ThawConv2DStatistics",
       {"x: float", "gamma: float", "beta: float", "mean: float", "variance: float", "kernel: float"},
       {"y: float", "batch_mean: float", "batch_variance: float"},
       {kWindow, kEpsilon, kRelu, kMost, "depthwise: bool"},
       makeConv2dStatistics},
      {"ThawConv2DGradients",
       {"dy: float", "y: float", "gamma_behind: float", "beta_behind: float", "mean_behind: float",
        "variance_behind: float", "d_gamma_behind: float", "d_beta_behind: float", "x: float", "gamma: float",
        "beta: float", "mean: float", "variance: float", "kernel: float"},
       {"dx: float", "d_kernel: float", "d_gamma: float", "d_beta: float"},
       {kWindow, kEpsilon, kRelu, kMost, "epsilon_behind: float", "relu_behind: bool", "max_value_behind: float",
        "input_shape: list(int)", "needs_input: bool", "needs_weights: bool", "depthwise: bool"},
       makeConv2dGradients},
      {"ThawPointwiseInputGradient", {"dy: float", "kernel: float"}, {"dx: float"}, {}, makePointwiseInputGradient},
      {"ThawConv2DKernelGradient",
       {"x: float", "dy: float"},
       {"d_kernel: float"},
       {kWindow, "kernel_shape: list(int)"},
       makeConv2dKernelGradient},
      {"ThawDepthwiseConv2D",
       convolutionInputs,
       {"y: float"},
       {kWindow, kEpsilon, kRelu, kMost},
       makeDepthwise},
      {"ThawDepthwiseConv2DInputGradient",
       {"dy: float", "kernel: float"},
       {"dx: float"},
       {kWindow, "input_shape: list(int)"},
       makeDepthwiseInputGradient},
      {"ThawDepthwiseConv2DKernelGradient",
       {"x: float", "dy: float"},
       {"d_kernel: float"},
       {kWindow, "kernel_shape: list(int)"},
       makeDepthwiseKernelGradient},
  };
}

}  // namespace thaw
