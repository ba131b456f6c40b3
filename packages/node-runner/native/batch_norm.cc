#include "batch_norm.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "parallel.h"
#include "simd.h"

namespace thaw {
namespace {

/** Slices of the rows that are summed apart: as many for one thread as for a hundred. */
constexpr int64_t kSlices = 32;
/** Floats of a block of rows, which is read twice and stays in a core's first cache. */
constexpr int64_t kBlockFloats = 4096;
constexpr int64_t kMostBlockRows = 64;
/** Results above this size have left the caches before they are read. */
constexpr int64_t kStreamFloats = 1 << 20;

int64_t blockRowsFor(int64_t channels) {
  return std::max<int64_t>(1, std::min(kMostBlockRows, kBlockFloats / channels));
}

/** Calls `work(slice, first row, last row + 1)`. */
template <typename Work>
void slicesOf(int64_t rows, const Work& work) {
  const int64_t slices = std::min(kSlices, rows);
  parallelFor(slices, [&](int64_t slice) { work(slice, rows * slice / slices, rows * (slice + 1) / slices); });
}


/** Sums of each channel in double, one row of them a slice. */
struct SliceSums {
  int64_t slices, channels;
  std::vector<double> values;
  SliceSums(int64_t rows, int64_t channels)
      : slices(std::min(kSlices, rows)), channels(channels), values(slices * channels, 0.0) {}
  double* of(int64_t slice) { return values.data() + slice * channels; }
  double total(int64_t channel) const {
    double sum = 0;
    for (int64_t slice = 0; slice < slices; slice += 1) sum += values[slice * channels + channel];
    return sum;
  }
};

}  // namespace

std::vector<float> scalesOf(int64_t channels, const float* gamma, const float* variance, float epsilon) {
  std::vector<float> scales(channels);
  for (int64_t c = 0; c < channels; c += 1) {
    scales[c] = gamma[c] / std::sqrt(static_cast<double>(variance[c]) + static_cast<double>(epsilon));
  }
  return scales;
}

void statistics(int64_t rows, int64_t channels, const float* x, float* mean, float* variance) {
  SliceSums means(rows, channels), squares(rows, channels);
  const int64_t blockRows = blockRowsFor(channels);
  slicesOf(rows, [&](int64_t slice, int64_t first, int64_t last) {
    // Mean and squares about it, block by block, joined as Chan, Golub and LeVeque do (1983).
    std::vector<float> blockMeans(channels), blockLefts(channels), blockSquares(channels);
    double* const sliceMean = means.of(slice);
    double* const sliceSquares = squares.of(slice);
    for (int64_t row = first; row < last; row += blockRows) {
      const int64_t count = std::min(blockRows, last - row);
      const float* const block = x + row * channels;
      const float share = 1.0f / count;
      int64_t c = 0;
      for (; c + kLanes <= channels; c += kLanes) {
        Vector sum = {}, left = {}, squared = {};
        for (int64_t r = 0; r < count; r += 1) sum += load(block + r * channels + c);
        sum *= splat(share);
        for (int64_t r = 0; r < count; r += 1) {
          const Vector off = load(block + r * channels + c) - sum;
          left += off;
          squared += off * off;
        }
        store(blockMeans.data() + c, sum);
        store(blockLefts.data() + c, left);
        store(blockSquares.data() + c, squared);
      }
      for (; c < channels; c += 1) {
        float sum = 0, left = 0, squared = 0;
        for (int64_t r = 0; r < count; r += 1) sum += block[r * channels + c];
        sum *= share;
        for (int64_t r = 0; r < count; r += 1) {
          const float off = block[r * channels + c] - sum;
          left += off;
          squared += off * off;
        }
        blockMeans[c] = sum;
        blockLefts[c] = left;
        blockSquares[c] = squared;
      }
      const double before = row - first, after = before + count;
      for (c = 0; c < channels; c += 1) {
        // What rounding took from the block's mean is in what is left of it.
        const double left = blockLefts[c];
        const double blockMean = blockMeans[c] + left / count;
        const double spread = blockSquares[c] - left * left / count;
        const double delta = blockMean - sliceMean[c];
        sliceMean[c] += delta * count / after;
        sliceSquares[c] += spread + delta * delta * (before * count / after);
      }
    }
  });
  const int64_t slices = means.slices;
  for (int64_t c = 0; c < channels; c += 1) {
    double joined = 0, spread = 0, count = 0;
    for (int64_t slice = 0; slice < slices; slice += 1) {
      const double added = rows * (slice + 1) / slices - rows * slice / slices;
      const double delta = means.of(slice)[c] - joined;
      joined += delta * added / (count + added);
      spread += squares.of(slice)[c] + delta * delta * (count * added / (count + added));
      count += added;
    }
    mean[c] = joined;
    variance[c] = spread / rows;
  }
}

void normalise(int64_t rows, int64_t channels, const float* x, const float* gamma, const float* beta,
               const float* mean, const float* variance, float epsilon, Relu relu, float* y) {
  const std::vector<float> scales = scalesOf(channels, gamma, variance, epsilon);
  const float* const scale = scales.data();
  const bool streams = rows * channels >= kStreamFloats && channels % kLanes == 0 &&
                       reinterpret_cast<uintptr_t>(y) % sizeof(Vector) == 0;
  const float most = relu.most;
  slicesOf(rows, [&](int64_t, int64_t first, int64_t last) {
    for (int64_t row = first; row < last; row += 1) {
      const float* const from = x + row * channels;
      float* const to = y + row * channels;
      int64_t c = 0;
      for (; c + kLanes <= channels; c += kLanes) {
        Vector value = (load(from + c) - load(mean + c)) * load(scale + c) + load(beta + c);
        if (relu.present) value = clamp(value, 0.0f, most);
        if (streams) storeStream(to + c, value);
        else store(to + c, value);
      }
      for (; c < channels; c += 1) {
        const float value = (from[c] - mean[c]) * scale[c] + beta[c];
        to[c] = relu.present ? clamp(value, 0.0f, most) : value;
      }
    }
    if (streams) finishStream();
  });
}

namespace {

/** The gradient that a ReLU lets through, by its result. */
inline Vector passed(Vector dy, Vector result, float most) {
  const Vector none = {};
  return (result > none) & (result < splat(most)) ? dy : none;
}

inline float passed(float dy, float result, float most) { return result > 0 && result < most ? dy : 0; }

/** Sums dy and dy · (x - mean) of each channel. `through(c, row)` gives dy behind the ReLU. */
template <typename VectorGradient, typename Gradient>
void sumGradients(int64_t rows, int64_t channels, const float* x, const float* mean, const VectorGradient& vectorAt,
                  const Gradient& at, SliceSums& sums, SliceSums& products) {
  const int64_t blockRows = blockRowsFor(channels);
  slicesOf(rows, [&](int64_t slice, int64_t first, int64_t last) {
    std::vector<float> blockSums(channels), blockProducts(channels);
    float* const sum = blockSums.data();
    float* const product = blockProducts.data();
    double* const sliceSums = sums.of(slice);
    double* const sliceProducts = products.of(slice);
    for (int64_t row = first; row < last; row += blockRows) {
      const int64_t end = std::min(row + blockRows, last);
      int64_t c = 0;
      for (; c + kLanes <= channels; c += kLanes) {
        Vector s = {}, p = {};
        const Vector centre = load(mean + c);
        for (int64_t r = row; r < end; r += 1) {
          const Vector value = load(x + r * channels + c);
          const Vector dy = vectorAt(r * channels + c, c, value);
          s += dy;
          p += dy * (value - centre);
        }
        store(sum + c, s);
        store(product + c, p);
      }
      for (; c < channels; c += 1) {
        float s = 0, p = 0;
        for (int64_t r = row; r < end; r += 1) {
          const float value = x[r * channels + c];
          const float dy = at(r * channels + c, c, value);
          s += dy;
          p += dy * (value - mean[c]);
        }
        sum[c] = s;
        product[c] = p;
      }
      for (c = 0; c < channels; c += 1) {
        sliceSums[c] += sum[c];
        sliceProducts[c] += product[c];
      }
    }
  });
}

}  // namespace

void trainGradient(int64_t rows, int64_t channels, const float* dy, const float* x, const float* gamma,
                   const float* beta, const float* mean, const float* variance, float epsilon, Relu relu, float* dx,
                   float* dGamma, float* dBeta) {
  const std::vector<float> scales = scalesOf(channels, gamma, variance, epsilon);
  const float* const scale = scales.data();
  const float most = relu.most;
  const bool masks = relu.present;
  // The ReLU's result is computed again, with the very operations of normalise(): it need not be kept.
  const auto vectorAt = [=](int64_t index, int64_t c, Vector value) {
    const Vector gradient = load(dy + index);
    if (!masks) return gradient;
    return passed(gradient, (value - load(mean + c)) * load(scale + c) + load(beta + c), most);
  };
  const auto at = [=](int64_t index, int64_t c, float value) {
    return masks ? passed(dy[index], (value - mean[c]) * scale[c] + beta[c], most) : dy[index];
  };
  SliceSums sums(rows, channels), products(rows, channels);
  sumGradients(rows, channels, x, mean, vectorAt, at, sums, products);

  // dx = scale · (dy - mean(dy) - (x - mean) · mean(dy · (x - mean)) / (variance + epsilon))
  std::vector<float> offsets(channels), slopes(channels);
  for (int64_t c = 0; c < channels; c += 1) {
    const double spread = static_cast<double>(variance[c]) + static_cast<double>(epsilon);
    const double sum = sums.total(c), product = products.total(c);
    dBeta[c] = sum;
    dGamma[c] = product / std::sqrt(spread);
    offsets[c] = sum / rows;
    slopes[c] = product / rows / spread;
  }
  if (dx == nullptr) return;
  const float* const offset = offsets.data();
  const float* const slope = slopes.data();
  const bool streams = rows * channels >= kStreamFloats && channels % kLanes == 0 &&
                       reinterpret_cast<uintptr_t>(dx) % sizeof(Vector) == 0;
  slicesOf(rows, [&](int64_t, int64_t first, int64_t last) {
    for (int64_t row = first; row < last; row += 1) {
      const int64_t start = row * channels;
      int64_t c = 0;
      for (; c + kLanes <= channels; c += kLanes) {
        const Vector value = load(x + start + c);
        const Vector off = value - load(mean + c);
        const Vector result = load(scale + c) * (vectorAt(start + c, c, value) - load(offset + c) - off * load(slope + c));
        if (streams) storeStream(dx + start + c, result);
        else store(dx + start + c, result);
      }
      for (; c < channels; c += 1) {
        const float value = x[start + c];
        dx[start + c] = scale[c] * (at(start + c, c, value) - offset[c] - (value - mean[c]) * slope[c]);
      }
    }
    if (streams) finishStream();
  });
}

void inferenceGradient(int64_t rows, int64_t channels, const float* dy, const float* y, const float* x,
                       const float* gamma, const float* mean, const float* variance, float epsilon, Relu relu,
                       float* dx, float* dGamma, float* dBeta) {
  const float most = relu.most;
  const bool masks = relu.present;
  const auto vectorAt = [=](int64_t index, int64_t, Vector) {
    return masks ? passed(load(dy + index), load(y + index), most) : load(dy + index);
  };
  const auto at = [=](int64_t index, int64_t, float) { return masks ? passed(dy[index], y[index], most) : dy[index]; };
  if (dGamma != nullptr) {
    SliceSums sums(rows, channels), products(rows, channels);
    sumGradients(rows, channels, x, mean, vectorAt, at, sums, products);
    for (int64_t c = 0; c < channels; c += 1) {
      dBeta[c] = sums.total(c);
      dGamma[c] = products.total(c) / std::sqrt(static_cast<double>(variance[c]) + static_cast<double>(epsilon));
    }
  }
  if (dx == nullptr) return;
  const std::vector<float> scales = scalesOf(channels, gamma, variance, epsilon);
  const float* const scale = scales.data();
  slicesOf(rows, [&](int64_t, int64_t first, int64_t last) {
    for (int64_t row = first; row < last; row += 1) {
      const int64_t start = row * channels;
      int64_t c = 0;
      for (; c + kLanes <= channels; c += kLanes) {
        store(dx + start + c, vectorAt(start + c, c, Vector{}) * load(scale + c));
      }
      for (; c < channels; c += 1) dx[start + c] = at(start + c, c, 0) * scale[c];
    }
  });
}

}  // namespace thaw
