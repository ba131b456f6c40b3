#include "channel_sums.h"

#include <algorithm>
#include <cmath>

namespace thaw {
namespace {

/** Floats of a block of rows, which is read twice and stays in a core's first cache. */
constexpr int64_t kBlockFloats = 4096;
constexpr int64_t kMostBlockRows = 64;

int64_t blockRowsFor(int64_t channels) {
  return std::max<int64_t>(1, std::min(kMostBlockRows, kBlockFloats / channels));
}

/** Three rows of a value a channel, which each thread keeps. */
struct BlockSums {
  float* first;
  float* second;
  float* third;
  explicit BlockSums(int64_t channels) {
    static thread_local std::vector<float> space;
    if (static_cast<int64_t>(space.size()) < 3 * channels) space.resize(3 * channels);
    first = space.data(), second = first + channels, third = second + channels;
  }
};

}  // namespace

void ChannelStatistics::add(int64_t piece, int64_t rows, const float* x) {
  // Mean and squares about it, block by block, joined as Chan, Golub and LeVeque do (1983).
  const int64_t channels = channels_;
  const int64_t blockRows = blockRowsFor(channels);
  const BlockSums sums(channels);
  float* const blockMeans = sums.first;
  float* const blockLefts = sums.second;
  float* const blockSquares = sums.third;
  double* const pieceMeans = means_.data() + piece * channels;
  double* const pieceSquares = squares_.data() + piece * channels;
  for (int64_t row = 0; row < rows; row += blockRows) {
    const int64_t count = std::min(blockRows, rows - row);
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
      store(blockMeans + c, sum);
      store(blockLefts + c, left);
      store(blockSquares + c, squared);
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
    const double before = rows_[piece], after = before + count;
    rows_[piece] += count;
    const double one = 1.0 / count, share2 = count / after, weight = before * count / after;
    for (c = 0; c < channels; c += 1) {
      // What rounding took from the block's mean is in what is left of it.
      const double left = blockLefts[c];
      const double blockMean = blockMeans[c] + left * one;
      const double spread = blockSquares[c] - left * left * one;
      const double delta = blockMean - pieceMeans[c];
      pieceMeans[c] += delta * share2;
      pieceSquares[c] += spread + delta * delta * weight;
    }
  }
}

void ChannelStatistics::finish(float* mean, float* variance) const {
  std::vector<double> joined(channels_, 0.0), spread(channels_, 0.0);
  double count = 0;
  for (size_t piece = 0; piece < rows_.size(); piece += 1) {
    if (rows_[piece] == 0) continue;
    const double added = rows_[piece], share = added / (count + added), weight = count * share;
    const double* const means = means_.data() + piece * channels_;
    const double* const squares = squares_.data() + piece * channels_;
    for (int64_t c = 0; c < channels_; c += 1) {
      const double delta = means[c] - joined[c];
      joined[c] += delta * share;
      spread[c] += squares[c] + delta * delta * weight;
    }
    count += added;
  }
  for (int64_t c = 0; c < channels_; c += 1) {
    mean[c] = joined[c];
    variance[c] = spread[c] / count;
  }
}

void GradientSums::add(int64_t piece, int64_t rows, const float* dy, const float* x) {
  const int64_t channels = channels_;
  const int64_t blockRows = blockRowsFor(channels);
  const NormGradient norm = norm_;
  const BlockSums sums(channels);
  float* const blockSums = sums.first;
  float* const blockProducts = sums.second;
  double* const pieceSums = sums_.data() + piece * channels;
  double* const pieceProducts = products_.data() + piece * channels;
  for (int64_t row = 0; row < rows; row += blockRows) {
    const int64_t end = std::min(row + blockRows, rows);
    int64_t c = 0;
    for (; c + kLanes <= channels; c += kLanes) {
      Vector sum = {}, product = {};
      const Vector centre = load(norm.norm.mean + c);
      for (int64_t r = row; r < end; r += 1) {
        const Vector value = load(x + r * channels + c);
        const Vector gradient = norm.behind(load(dy + r * channels + c), value, c);
        sum += gradient;
        product += gradient * (value - centre);
      }
      store(blockSums + c, sum);
      store(blockProducts + c, product);
    }
    for (; c < channels; c += 1) {
      float sum = 0, product = 0;
      for (int64_t r = row; r < end; r += 1) {
        const float value = x[r * channels + c];
        const float gradient = norm.behind(dy[r * channels + c], value, c);
        sum += gradient;
        product += gradient * (value - norm.norm.mean[c]);
      }
      blockSums[c] = sum;
      blockProducts[c] = product;
    }
    for (c = 0; c < channels; c += 1) {
      pieceSums[c] += blockSums[c];
      pieceProducts[c] += blockProducts[c];
    }
  }
}

std::vector<double> GradientSums::total(const std::vector<double>& values) const {
  std::vector<double> sums(channels_, 0.0);
  for (size_t first = 0; first < values.size(); first += channels_) {
    for (int64_t c = 0; c < channels_; c += 1) sums[c] += values[first + c];
  }
  return sums;
}

void GradientSums::finish(const float* variance, float epsilon, float* dGamma, float* dBeta) const {
  const std::vector<double> ofDy = sums(), ofProducts = products();
  for (int64_t c = 0; c < channels_; c += 1) {
    dBeta[c] = ofDy[c];
    dGamma[c] = ofProducts[c] / std::sqrt(static_cast<double>(variance[c]) + static_cast<double>(epsilon));
  }
}

}  // namespace thaw
