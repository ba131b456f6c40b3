#include "depthwise.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "parallel.h"
#include "scratch.h"

namespace thaw {
namespace {

/** Most rows of a result that one call works at; a band reads a kernel's height of rows that its neighbour reads, too. */
constexpr int64_t kBandRows = 24;
/** Elements of a kernel's gradient that one call joins from the bands. */
constexpr int64_t kJoined = 1024;
/** Pixels that are worth taking statistics of in one go. */
constexpr int64_t kStatisticsPixels = 64;

/** The bands that the results of one image fall into: the same for every number of threads. */
int64_t bandsOf(int64_t rows) { return (rows + kBandRows - 1) / kBandRows; }

/** Calls `work(piece, image, first row, last row + 1)` for each band of each image. */
template <typename Work>
void bandsOfImages(const Geometry& g, const Work& work) {
  const int64_t bands = bandsOf(g.outHeight);
  parallelFor(g.batch * bands, [&](int64_t piece) {
    const int64_t band = piece % bands;
    work(piece, piece / bands, g.outHeight * band / bands, g.outHeight * (band + 1) / bands);
  });
}

/** The last few rows of an image, with a margin of zeros on both sides. Row r lies where row r - `count` lay. */
class Ring {
 public:
  Ring(int64_t count, int64_t left, int64_t width, int64_t right, int64_t channels)
      : count_(count), left_(left * channels), row_((left + width + right) * channels), space_(count * row_) {
    // Between the margins a row is written before it is read.
    for (int64_t r = 0; r < count; r += 1) {
      std::fill_n(at(r), left_, 0.0f);
      std::fill_n(at(r) + left_ + width * channels, right * channels, 0.0f);
    }
  }
  /** The row's first value, behind the margin. */
  float* inner(int64_t row) { return at(row) + left_; }
  float* at(int64_t row) { return space_.data() + (row % count_ + count_) % count_ * row_; }
  void clear(int64_t row) { std::fill_n(at(row), row_, 0.0f); }

 private:
  int64_t count_, left_, row_;
  Scratch space_;
};

void copyRow(const Norm& norm, const float* from, int64_t pixels, int64_t channels, float* to) {
  if (!norm.present()) {
    memcpy(to, from, pixels * channels * sizeof(float));
    return;
  }
  for (int64_t p = 0; p < pixels; p += 1, from += channels, to += channels) normaliseRow(norm, from, 0, channels, to);
}

/** Columns behind the last that a window reads. */
int64_t rightMargin(const Geometry& g) {
  return std::max<int64_t>(0, (g.outWidth - 1) * g.stride + g.kernelWidth - g.padLeft - g.width);
}

/** Fills a ring with rows of x, in coordinates of the padded image. */
void fillRow(const Geometry& g, const Norm& norm, const float* image, int64_t paddedRow, Ring& ring) {
  const int64_t row = paddedRow - g.padTop;
  if (row < 0 || row >= g.height) ring.clear(paddedRow);
  else copyRow(norm, image + row * g.width * g.channels, g.width, g.channels, ring.inner(paddedRow));
}

/** One row of a convolution with a kernel of 3×3: the kernel's vectors stay in registers. */
void convolveRow3(const float* const rows[3], int64_t step, const float* kernel, int64_t columns, int64_t channels,
                  const Norm& norm, float* result) {
  const Norm used = norm;
  int64_t c = 0;
  for (; c + kLanes <= channels; c += kLanes) {
    Vector k[9];
    for (int t = 0; t < 9; t += 1) k[t] = load(kernel + t * channels + c);
    const float* const top = rows[0] + c;
    const float* const middle = rows[1] + c;
    const float* const bottom = rows[2] + c;
    for (int64_t j = 0; j < columns; j += 1) {
      const int64_t at = j * step;
      Vector sum = load(top + at) * k[0];
      sum += load(top + at + channels) * k[1];
      sum += load(top + at + 2 * channels) * k[2];
      sum += load(middle + at) * k[3];
      sum += load(middle + at + channels) * k[4];
      sum += load(middle + at + 2 * channels) * k[5];
      sum += load(bottom + at) * k[6];
      sum += load(bottom + at + channels) * k[7];
      sum += load(bottom + at + 2 * channels) * k[8];
      store(result + j * channels + c, used.finish(sum, c));
    }
  }
  for (; c < channels; c += 1) {
    for (int64_t j = 0; j < columns; j += 1) {
      float sum = 0;
      for (int t = 0; t < 9; t += 1) sum += rows[t / 3][j * step + t % 3 * channels + c] * kernel[t * channels + c];
      result[j * channels + c] = used.finish(sum, c);
    }
  }
}

void convolveRow(const Geometry& g, Ring& ring, int64_t row, const float* kernel, const Norm& norm, float* result) {
  const int64_t step = g.stride * g.channels;
  if (g.kernelHeight == 3 && g.kernelWidth == 3) {
    const float* const rows[3] = {ring.at(row), ring.at(row + 1), ring.at(row + 2)};
    convolveRow3(rows, step, kernel, g.outWidth, g.channels, norm, result);
    return;
  }
  for (int64_t j = 0; j < g.outWidth; j += 1) {
    for (int64_t c = 0; c < g.channels; c += 1) {
      float sum = 0;
      for (int64_t u = 0; u < g.kernelHeight; u += 1) {
        const float* const from = ring.at(row + u) + j * step + c;
        for (int64_t v = 0; v < g.kernelWidth; v += 1) {
          sum += from[v * g.channels] * kernel[(u * g.kernelWidth + v) * g.channels + c];
        }
      }
      result[j * g.channels + c] = norm.finish(sum, c);
    }
  }
}

}  // namespace

int64_t depthwisePieces(const Geometry& g) { return g.batch * bandsOf(g.outHeight); }

void depthwise(const Geometry& g, const float* x, const Norm& before, const float* kernel, const Norm& behind,
               float* result, ChannelStatistics* statistics) {
  bandsOfImages(g, [&](int64_t piece, int64_t b, int64_t firstRow, int64_t lastRow) {
    const float* const image = x + b * g.height * g.width * g.channels;
    float* const to = result + b * g.outHeight * g.outWidth * g.channels;
    Ring ring(g.kernelHeight, g.padLeft, g.width, rightMargin(g), g.channels);
    int64_t filled = firstRow * g.stride;
    int64_t summed = firstRow;
    for (int64_t i = firstRow; i < lastRow; i += 1) {
      const int64_t top = i * g.stride;
      for (filled = std::max(filled, top); filled < top + g.kernelHeight; filled += 1) {
        fillRow(g, before, image, filled, ring);
      }
      convolveRow(g, ring, top, kernel, behind, to + i * g.outWidth * g.channels);
      if (statistics == nullptr) continue;
      // A few rows at once: small images have few pixels in a row.
      if ((i + 1 - summed) * g.outWidth < kStatisticsPixels && i + 1 < lastRow) continue;
      statistics->add(piece, (i + 1 - summed) * g.outWidth, to + summed * g.outWidth * g.channels);
      summed = i + 1;
    }
  });
}

namespace {

/** dx of one padded row of one image from the rows of dy that reach it. */
class InputGradientRow {
 public:
  InputGradientRow(const Geometry& g, const float* kernel) : g_(g), kernel_(kernel) {}

  /** @param dy ring of rows of dy with a margin of kernelWidth columns on both sides */
  void compute(int64_t paddedRow, Ring& dy, float* dx) const {
    const float* rows[kMostTerms];
    const float* kernels[kMostTerms];
    int count = 0;
    for (int64_t u = 0; u < g_.kernelHeight; u += 1) {
      if (paddedRow < u || (paddedRow - u) % g_.stride != 0) continue;
      const int64_t i = (paddedRow - u) / g_.stride;
      if (i >= g_.outHeight) continue;
      rows[count] = dy.inner(i);
      kernels[count] = kernel_ + u * g_.kernelWidth * g_.channels;
      count += 1;
    }
    if (count == 0) {
      std::fill_n(dx, g_.width * g_.channels, 0.0f);
    } else if (g_.kernelHeight == 3 && g_.kernelWidth == 3 && g_.stride <= 2) {
      if (count == 3) columns3<3>(rows, kernels, dx);
      else if (count == 2) columns3<2>(rows, kernels, dx);
      else columns3<1>(rows, kernels, dx);
    } else {
      rest(rows, kernels, count, 0, dx);
    }
  }

  static constexpr int kMostTerms = 16;

 private:
  template <int Count>
  void columns3(const float* const* rows, const float* const* kernels, float* dx) const {
    const int64_t channels = g_.channels;
    int64_t c = 0;
    for (; c + kLanes <= channels; c += kLanes) {
      Vector k[Count][3];
      for (int t = 0; t < Count; t += 1) {
        for (int v = 0; v < 3; v += 1) k[t][v] = load(kernels[t] + v * channels + c);
      }
      const float* from[Count];
      for (int t = 0; t < Count; t += 1) from[t] = rows[t] + c;
      if (g_.stride == 1) {
        for (int64_t column = 0; column < g_.width; column += 1) {
          const int64_t at = (column + g_.padLeft) * channels;
          Vector sum = {};
#pragma GCC unroll 3
          for (int t = 0; t < Count; t += 1) {
#pragma GCC unroll 3
            for (int v = 0; v < 3; v += 1) sum += load(from[t] + at - v * channels) * k[t][v];
          }
          store(dx + column * channels + c, sum);
        }
        continue;
      }
      for (int64_t column = 0; column < g_.width; column += 1) {
        const int64_t padded = column + g_.padLeft, at = padded / 2 * channels;
        Vector sum = {};
        if (padded % 2 == 0) {
#pragma GCC unroll 3
          for (int t = 0; t < Count; t += 1) {
            sum += load(from[t] + at) * k[t][0];
            sum += load(from[t] + at - channels) * k[t][2];
          }
        } else {
#pragma GCC unroll 3
          for (int t = 0; t < Count; t += 1) sum += load(from[t] + at) * k[t][1];
        }
        store(dx + column * channels + c, sum);
      }
    }
    if (c < channels) rest(rows, kernels, Count, c, dx);
  }

  void rest(const float* const* rows, const float* const* kernels, int count, int64_t firstChannel, float* dx) const {
    for (int64_t column = 0; column < g_.width; column += 1) {
      const int64_t padded = column + g_.padLeft;
      for (int64_t c = firstChannel; c < g_.channels; c += 1) {
        float sum = 0;
        for (int t = 0; t < count; t += 1) {
          for (int64_t v = 0; v < g_.kernelWidth; v += 1) {
            if (padded < v || (padded - v) % g_.stride != 0 || (padded - v) / g_.stride >= g_.outWidth) continue;
            sum += rows[t][(padded - v) / g_.stride * g_.channels + c] * kernels[t][v * g_.channels + c];
          }
        }
        dx[column * g_.channels + c] = sum;
      }
    }
  }

  Geometry g_;
  const float* kernel_;
};

/** Adds the products of one row of dy with the rows of x that its windows see to `sums` [kernelHeight, kernelWidth, channels]. */
void addKernelRow(const Geometry& g, Ring& x, int64_t row, const float* dy, float* sums) {
  const int64_t channels = g.channels, step = g.stride * channels;
  int64_t c = 0;
  if (g.kernelHeight == 3 && g.kernelWidth == 3) {
    for (; c + kLanes <= channels; c += kLanes) {
      Vector total[9] = {};
      const float* const top = x.at(row) + c;
      const float* const middle = x.at(row + 1) + c;
      const float* const bottom = x.at(row + 2) + c;
      for (int64_t j = 0; j < g.outWidth; j += 1) {
        const Vector value = load(dy + j * channels + c);
        const int64_t at = j * step;
#pragma GCC unroll 3
        for (int v = 0; v < 3; v += 1) {
          total[v] += load(top + at + v * channels) * value;
          total[3 + v] += load(middle + at + v * channels) * value;
          total[6 + v] += load(bottom + at + v * channels) * value;
        }
      }
      for (int t = 0; t < 9; t += 1) store(sums + t * channels + c, load(sums + t * channels + c) + total[t]);
    }
  }
  for (int64_t u = 0; u < g.kernelHeight; u += 1) {
    for (int64_t v = 0; v < g.kernelWidth; v += 1) {
      for (int64_t channel = c; channel < channels; channel += 1) {
        float sum = 0;
        const float* const from = x.at(row + u) + v * channels + channel;
        for (int64_t j = 0; j < g.outWidth; j += 1) sum += from[j * step] * dy[j * channels + channel];
        sums[(u * g.kernelWidth + v) * channels + channel] += sum;
      }
    }
  }
}

}  // namespace

void depthwiseGradients(const Geometry& g, const float* dy, const float* y, const NormGradient* behind, const float* x,
                        const Norm& before, const float* kernel, float* dx, float* dKernel, GradientSums* sums) {
  if (g.kernelHeight > InputGradientRow::kMostTerms) throw std::invalid_argument("the kernel is too high");
  const int64_t size = g.depth();
  const int64_t pieces = depthwisePieces(g);
  const int64_t outRow = g.outWidth * g.channels, inRow = g.width * g.channels;
  Scratch partial(dKernel != nullptr ? pieces * size : 0);
  const InputGradientRow inputGradient(g, kernel);
  // Rows of dy that reach a row of dx, beside the last one.
  const int64_t reach = (g.kernelHeight - 1) / g.stride;
  bandsOfImages(g, [&](int64_t piece, int64_t b, int64_t firstRow, int64_t lastRow) {
    const float* const gradients = dy + b * g.outHeight * outRow;
    const float* const results = y + b * g.outHeight * outRow;
    const float* const image = x == nullptr ? nullptr : x + b * g.height * inRow;
    float* const to = dx == nullptr ? nullptr : dx + b * g.height * inRow;
    Ring rowsOfDy(reach + 1, g.kernelWidth, g.outWidth, g.kernelWidth, g.channels);
    Ring rowsOfX(dKernel == nullptr ? 1 : g.kernelHeight, g.padLeft, g.width, rightMargin(g), g.channels);
    float* const total = partial.data() + piece * size;
    if (dKernel != nullptr) std::fill_n(total, size, 0.0f);

    const auto fillGradient = [&](int64_t i) {
      float* const row = rowsOfDy.inner(i);
      if (behind == nullptr) {
        memcpy(row, gradients + i * outRow, outRow * sizeof(float));
        return;
      }
      for (int64_t at = 0; at < outRow; at += g.channels) {
        gradientRow(*behind, gradients + i * outRow + at, results + i * outRow + at, 0, g.channels, row + at);
      }
    };
    const auto emit = [&](int64_t paddedRow) {
      const int64_t row = paddedRow - g.padTop;
      if (row < 0 || row >= g.height) return;
      inputGradient.compute(paddedRow, rowsOfDy, to + row * inRow);
      if (sums != nullptr) sums->add(piece, g.width, to + row * inRow, image + row * inRow);
    };

    if (to != nullptr) {
      for (int64_t i = std::max<int64_t>(0, firstRow - reach); i < firstRow; i += 1) fillGradient(i);
    }
    int64_t filled = firstRow * g.stride;
    for (int64_t i = firstRow; i < lastRow; i += 1) {
      const int64_t top = i * g.stride;
      fillGradient(i);
      if (dKernel != nullptr) {
        for (filled = std::max(filled, top); filled < top + g.kernelHeight; filled += 1) {
          fillRow(g, before, image, filled, rowsOfX);
        }
        addKernelRow(g, rowsOfX, top, rowsOfDy.inner(i), total);
      }
      if (to == nullptr) continue;
      for (int64_t row = top; row < top + g.stride; row += 1) emit(row);
    }
    if (to != nullptr && lastRow == g.outHeight) {
      for (int64_t row = lastRow * g.stride; row < g.height + g.padTop; row += 1) emit(row);
    }
  });
  if (dKernel == nullptr) return;
  parallelParts(size, kJoined, [&](int64_t first, int64_t end) {
    const int64_t count = end - first;
    double joined[kJoined] = {};
    for (int64_t piece = 0; piece < pieces; piece += 1) {
      const float* const from = partial.data() + piece * size + first;
      for (int64_t k = 0; k < count; k += 1) joined[k] += from[k];
    }
    for (int64_t k = 0; k < count; k += 1) dKernel[first + k] = joined[k];
  });
}

}  // namespace thaw
