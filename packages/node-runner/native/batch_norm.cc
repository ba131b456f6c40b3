#include "batch_norm.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "channel_sums.h"
#include "parallel.h"
#include "scratch.h"

namespace thaw {
namespace {

/** Slices of the rows that are summed apart: as many for one thread as for a hundred. */
constexpr int64_t kSlices = 32;
/** Results above this size have left the caches before they are read. */
constexpr int64_t kStreamFloats = 1 << 20;
/** Gradients behind a ReLU that are summed in one go. */
constexpr int64_t kMaskedFloats = 8192;

/** Calls `work(slice, first row, last row + 1)`. */
template <typename Work>
void slicesOf(int64_t rows, const Work& work) {
  const int64_t slices = std::min(kSlices, rows);
  parallelFor(slices, [&](int64_t slice) { work(slice, rows * slice / slices, rows * (slice + 1) / slices); });
}

/** Whether a result should go around the caches. */
bool streamsTo(const float* to, int64_t rows, int64_t channels) {
  return rows * channels >= kStreamFloats && channels % kLanes == 0 &&
         reinterpret_cast<uintptr_t>(to) % sizeof(Vector) == 0;
}

}  // namespace

std::vector<float> scalesOf(int64_t channels, const float* gamma, const float* variance, float epsilon) {
  std::vector<float> scales(channels);
  for (int64_t c = 0; c < channels; c += 1) {
    scales[c] = gamma[c] / std::sqrt(static_cast<double>(variance[c]) + static_cast<double>(epsilon));
  }
  return scales;
}

void statistics(int64_t rows, int64_t channels, const float* x, float* mean, float* variance) {
  ChannelStatistics sums(std::min(kSlices, rows), channels);
  slicesOf(rows, [&](int64_t slice, int64_t first, int64_t last) {
    sums.add(slice, last - first, x + first * channels);
  });
  sums.finish(mean, variance);
}

void normalise(int64_t rows, int64_t channels, const float* x, const float* gamma, const float* beta,
               const float* mean, const float* variance, float epsilon, Relu relu, float* y) {
  const std::vector<float> scales = scalesOf(channels, gamma, variance, epsilon);
  const Norm norm{mean, scales.data(), beta, relu.present, 0, relu.most};
  const bool streams = streamsTo(y, rows, channels);
  slicesOf(rows, [&, norm](int64_t, int64_t first, int64_t last) {
    for (int64_t start = first * channels; start < last * channels; start += channels) {
      normaliseRow(norm, x + start, 0, channels, y + start, streams);
    }
    if (streams) finishStream();
  });
}

void backThrough(int64_t rows, int64_t channels, const float* dy, const float* x, const NormGradient& norm, float* dx) {
  const bool streams = streamsTo(dx, rows, channels);
  slicesOf(rows, [=](int64_t, int64_t first, int64_t last) {
    for (int64_t start = first * channels; start < last * channels; start += channels) {
      gradientRow(norm, dy + start, x + start, 0, channels, dx + start, streams);
    }
    if (streams) finishStream();
  });
}

void trainGradient(int64_t rows, int64_t channels, const float* dy, const float* x, const float* gamma,
                   const float* beta, const float* mean, const float* variance, float epsilon, Relu relu, float* dx,
                   float* dGamma, float* dBeta) {
  const std::vector<float> scales = scalesOf(channels, gamma, variance, epsilon);
  NormGradient norm;
  norm.norm = {mean, scales.data(), beta, relu.present, 0, relu.most};
  GradientSums sums(std::min(kSlices, rows), channels, norm);
  slicesOf(rows, [&](int64_t slice, int64_t first, int64_t last) {
    sums.add(slice, last - first, dy + first * channels, x + first * channels);
  });
  sums.finish(variance, epsilon, dGamma, dBeta);
  if (dx == nullptr) return;
  std::vector<float> offsets(channels), slopes(channels);
  const std::vector<double> ofDy = sums.sums(), products = sums.products();
  for (int64_t c = 0; c < channels; c += 1) {
    offsets[c] = ofDy[c] / rows;
    slopes[c] = products[c] / rows / (static_cast<double>(variance[c]) + static_cast<double>(epsilon));
  }
  norm.offset = offsets.data();
  norm.slope = slopes.data();
  backThrough(rows, channels, dy, x, norm, dx);
}

void inferenceGradient(int64_t rows, int64_t channels, const float* dy, const float* y, const float* x,
                       const float* gamma, const float* mean, const float* variance, float epsilon, Relu relu,
                       float* dx, float* dGamma, float* dBeta) {
  const float most = relu.most;
  const bool masks = relu.present;
  const auto vectorAt = [=](int64_t index) {
    return masks ? passed(load(dy + index), load(y + index), most) : load(dy + index);
  };
  const auto at = [=](int64_t index) { return masks ? passed(dy[index], y[index], most) : dy[index]; };
  if (dGamma != nullptr) {
    NormGradient norm;
    norm.norm.mean = mean;
    GradientSums sums(std::min(kSlices, rows), channels, norm);
    const int64_t most = std::max<int64_t>(1, kMaskedFloats / channels);
    slicesOf(rows, [&](int64_t slice, int64_t first, int64_t last) {
      Scratch masked(most * channels);
      for (int64_t row = first; row < last; row += most) {
        const int64_t count = std::min(most, last - row), start = row * channels, size = count * channels;
        int64_t i = 0;
        for (; i + kLanes <= size; i += kLanes) store(masked.data() + i, vectorAt(start + i));
        for (; i < size; i += 1) masked.data()[i] = at(start + i);
        sums.add(slice, count, masked.data(), x + start);
      }
    });
    sums.finish(variance, epsilon, dGamma, dBeta);
  }
  if (dx == nullptr) return;
  const std::vector<float> scales = scalesOf(channels, gamma, variance, epsilon);
  const float* const scale = scales.data();
  slicesOf(rows, [&](int64_t, int64_t first, int64_t last) {
    for (int64_t row = first; row < last; row += 1) {
      const int64_t start = row * channels;
      int64_t c = 0;
      for (; c + kLanes <= channels; c += kLanes) {
        store(dx + start + c, vectorAt(start + c) * load(scale + c));
      }
      for (; c < channels; c += 1) dx[start + c] = at(start + c) * scale[c];
    }
  });
}

}  // namespace thaw
