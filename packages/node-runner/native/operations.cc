// The fused kernels as TensorFlow operations. packages/node-runner/src/native-kernels.ts calls them.
#include <limits>

#include "adam.h"
#include "addon.h"
#include "batch_norm.h"
#include "depthwise.h"
#include "gemm.h"
#include "operation.h"

namespace thaw {
namespace {

constexpr const char* kReluAttributes[] = {"relu: bool", "max_value: float"};

Relu reluOf(const Attributes& attributes) { return {attributes.flag("relu"), attributes.number("max_value")}; }

/** A batch normalization behind a convolution; without one, its inputs are empty. */
class Normalised {
 public:
  /** @param first of the inputs gamma, beta, mean, variance */
  Normalised(const Call& call, int first, const Relu& relu, float epsilon, int64_t channels) {
    epilogue.clamps = relu.present;
    epilogue.high = relu.most;
    if (call.size(first) == 0) return;
    for (int i = first; i < first + 4; i += 1) call.expect(call.size(i) == channels, "a value is wanted for each channel");
    scales_ = scalesOf(channels, call.data(first), call.data(first + 3), epsilon);
    epilogue.mean = call.data(first + 2);
    epilogue.scale = scales_.data();
    epilogue.shift = call.data(first + 1);
  }
  Normalised(const Normalised&) = delete;
  Normalised& operator=(const Normalised&) = delete;

  Epilogue epilogue;

 private:
  std::vector<float> scales_;
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

/** Windows of an image as rows of a matrix [batch · outHeight · outWidth, kernelHeight · kernelWidth · channels]. */
Rows windowsOf(const Geometry& g, const float* x) {
  if (isPointwise(g)) return rowsOf(x, g.channels);
  return [=](int64_t first, int64_t count, float* space) {
    float* to = space;
    for (int64_t index = first; index < first + count; index += 1) {
      const int64_t j = index % g.outWidth, i = index / g.outWidth % g.outHeight, b = index / g.outWidth / g.outHeight;
      for (int64_t u = 0; u < g.kernelHeight; u += 1) {
        const int64_t row = i * g.stride + u - g.padTop;
        for (int64_t v = 0; v < g.kernelWidth; v += 1, to += g.channels) {
          const int64_t column = j * g.stride + v - g.padLeft;
          const bool inside = row >= 0 && row < g.height && column >= 0 && column < g.width;
          const float* const from = x + ((b * g.height + row) * g.width + column) * g.channels;
          for (int64_t c = 0; c < g.channels; c += 1) to[c] = inside ? from[c] : 0.0f;
        }
      }
    }
    return static_cast<const float*>(space);
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
    multiply(g.batch * g.outHeight * g.outWidth, depth, filters, windowsOf(g, call.data(0)), call.data(1), false,
             normalised.epilogue, y);
  };
}

/** Of 1×1 kernels with stride 1 only: a product with the kernel's transpose. */
Work makePointwiseInputGradient(const Attributes&) {
  return [](Call& call) {
    const Shape dy = call.shape(0), kernel = call.shape(1);
    call.expect(dy.size() == 4 && kernel.size() == 4 && kernel[0] == 1 && kernel[1] == 1, "the kernel must be 1×1");
    call.expect(kernel[3] == dy[3], "kernel and gradient differ in their filters");
    float* const dx = call.output(0, {dy[0], dy[1], dy[2], kernel[2]});
    multiply(dy[0] * dy[1] * dy[2], dy[3], kernel[2], rowsOf(call.data(0), dy[3]), call.data(1), true, Epilogue{}, dx);
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
                       windowsOf(g, call.data(0)), call.data(1), dKernel);
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
    depthwise(g, call.data(0), call.data(1), normalised.epilogue, y);
  };
}

Work makeDepthwiseInputGradient(const Attributes& attributes) {
  const Window window = windowOf(attributes);
  const Shape input = attributes.integers("input_shape");
  return [=](Call& call) {
    const Geometry g = geometryOf(input, call.shape(1), window);
    call.expect(call.shape(0) == Shape({g.batch, g.outHeight, g.outWidth, g.channels}), "the gradient has another shape");
    depthwiseInputGradient(g, call.data(0), call.data(1), call.output(0, input));
  };
}

Work makeDepthwiseKernelGradient(const Attributes& attributes) {
  const Window window = windowOf(attributes);
  const Shape kernel = attributes.integers("kernel_shape");
  return [=](Call& call) {
    const Geometry g = geometryOf(call.shape(0), kernel, window);
    call.expect(call.shape(1) == Shape({g.batch, g.outHeight, g.outWidth, g.channels}), "the gradient has another shape");
    depthwiseKernelGradient(g, call.data(0), call.data(1), call.output(0, kernel));
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

Work makeMovingStatistics(const Attributes& attributes) {
  const float momentum = attributes.number("momentum");
  const float rest = attributes.number("rest"); // 1 - momentum, from double: of float32's 0.999 it is 1.3e-5 off
  return [=](Call& call) {
    for (int i = 0; i < 2; i += 1) {
      const int64_t channels = call.size(i);
      call.expect(call.size(i + 2) == channels, "moving and batch statistics differ in size");
      float* const next = call.output(i, {channels});
      for (int64_t c = 0; c < channels; c += 1) next[c] = call.data(i)[c] * momentum + call.data(i + 2)[c] * rest;
    }
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
      {"ThawMovingStatistics",
       {"moving_mean: float", "moving_variance: float", "mean: float", "variance: float"},
       {"next_mean: float", "next_variance: float"},
       {"momentum: float", "rest: float"},
       makeMovingStatistics},
      {"ThawAdam",
       {"numbers: float", "m: float", "v: float", "weights: N * float", "gradients: N * float"},
       {"next_m: float", "next_v: float", "next_weights: N * float"},
       {"N: int >= 1"},
       makeAdam},
  });
}

}  // namespace thaw
