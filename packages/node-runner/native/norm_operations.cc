#include "normalisations.h"
#include "operations.h"

namespace thaw {
namespace {

int64_t channelsOf(const Call& call, int input) {
  const Shape shape = call.shape(input);
  call.expect(!shape.empty() && sizeOf(shape) > 0, "the input is empty");
  return shape.back();
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

}  // namespace

std::vector<Operation> normOperations() {
  return {
      {"ThawBatchNormTrain",
       {"x: float", "gamma: float", "beta: float"},
       {"y: float", "mean: float", "variance: float"},
       {kEpsilon, kRelu, kMost},
       makeBatchNormTrain},
      {"ThawBatchNormTrainGradient",
       {"dy: float", "x: float", "gamma: float", "beta: float", "mean: float", "variance: float"},
       {"dx: float", "d_gamma: float", "d_beta: float"},
       {kEpsilon, kRelu, kMost, "needs_input: bool"},
       makeBatchNormTrainGradient},
      {"ThawBatchNormInference",
       {"x: float", "gamma: float", "beta: float", "mean: float", "variance: float"},
       {"y: float"},
       {kEpsilon, kRelu, kMost},
       makeBatchNormInference},
      {"ThawBatchNormInferenceGradient",
       {"dy: float", "y: float", "x: float", "gamma: float", "mean: float", "variance: float"},
       {"dx: float", "d_gamma: float", "d_beta: float"},
       {kEpsilon, kRelu, kMost, "needs_input: bool", "needs_weights: bool"},
       makeBatchNormInferenceGradient},
      {"ThawMovingStatistics",
       {"moving: N * float", "batch: N * float"},
       {"next: N * float"},
       {"N: int >= 1", "momentum: float", "rest: float"},
       makeMovingStatistics},
  };
}

}  // namespace thaw
