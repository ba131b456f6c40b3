#include "depthwise.h"

#include <algorithm>
#include <vector>

#include "parallel.h"
#include "scratch.h"
#include "simd.h"

namespace thaw {
namespace {

/** Slices of the rows of images that a kernel gradient sums apart: as many for one thread as for a hundred. */
constexpr int64_t kSlices = 32;

/** One product of a sum: a pixel of an image and an element of the kernel, all channels of both. */
struct Term {
  const float* image;
  const float* kernel;
};

template <int Count>
void sumTerms(const Term* terms, int64_t channels, const Epilogue& epilogue, float* result) {
  int64_t c = 0;
  for (; c + kLanes <= channels; c += kLanes) {
    Vector sum = load(terms[0].image + c) * load(terms[0].kernel + c);
#pragma GCC unroll 8
    for (int t = 1; t < Count; t += 1) sum += load(terms[t].image + c) * load(terms[t].kernel + c);
    store(result + c, epilogue.finish(sum, c));
  }
  for (; c < channels; c += 1) {
    float sum = terms[0].image[c] * terms[0].kernel[c];
    for (int t = 1; t < Count; t += 1) sum += terms[t].image[c] * terms[t].kernel[c];
    result[c] = epilogue.finish(sum, c);
  }
}

void sumMany(const std::vector<Term>& terms, int64_t channels, const Epilogue& epilogue, float* result) {
  for (int64_t c = 0; c < channels; c += 1) {
    float sum = 0;
    for (const auto& term : terms) sum += term.image[c] * term.kernel[c];
    result[c] = epilogue.finish(sum, c);
  }
}

void sum(const std::vector<Term>& terms, int64_t channels, const Epilogue& epilogue, float* result) {
  switch (terms.size()) {
    case 1: return sumTerms<1>(terms.data(), channels, epilogue, result);
    case 2: return sumTerms<2>(terms.data(), channels, epilogue, result);
    case 3: return sumTerms<3>(terms.data(), channels, epilogue, result);
    case 4: return sumTerms<4>(terms.data(), channels, epilogue, result);
    case 6: return sumTerms<6>(terms.data(), channels, epilogue, result);
    case 9: return sumTerms<9>(terms.data(), channels, epilogue, result);
    default: return sumMany(terms, channels, epilogue, result);
  }
}

}  // namespace

void depthwise(const Geometry& g, const float* x, const float* kernel, const Epilogue& epilogue, float* result) {
  parallelFor(g.batch * g.outHeight, [&](int64_t index) {
    const int64_t b = index / g.outHeight, i = index % g.outHeight;
    std::vector<Term> terms;
    for (int64_t j = 0; j < g.outWidth; j += 1) {
      terms.clear();
      for (int64_t u = 0; u < g.kernelHeight; u += 1) {
        const int64_t row = i * g.stride + u - g.padTop;
        if (row < 0 || row >= g.height) continue;
        for (int64_t v = 0; v < g.kernelWidth; v += 1) {
          const int64_t column = j * g.stride + v - g.padLeft;
          if (column < 0 || column >= g.width) continue;
          terms.push_back({x + ((b * g.height + row) * g.width + column) * g.channels,
                           kernel + (u * g.kernelWidth + v) * g.channels});
        }
      }
      sum(terms, g.channels, epilogue, result + (index * g.outWidth + j) * g.channels);
    }
  });
}

void depthwiseInputGradient(const Geometry& g, const float* dy, const float* kernel, float* dx) {
  parallelFor(g.batch * g.height, [&](int64_t index) {
    const int64_t b = index / g.height, row = index % g.height;
    std::vector<Term> terms;
    for (int64_t column = 0; column < g.width; column += 1) {
      terms.clear();
      for (int64_t u = 0; u < g.kernelHeight; u += 1) {
        const int64_t i = row + g.padTop - u;
        if (i < 0 || i % g.stride != 0 || i / g.stride >= g.outHeight) continue;
        for (int64_t v = 0; v < g.kernelWidth; v += 1) {
          const int64_t j = column + g.padLeft - v;
          if (j < 0 || j % g.stride != 0 || j / g.stride >= g.outWidth) continue;
          terms.push_back({dy + ((b * g.outHeight + i / g.stride) * g.outWidth + j / g.stride) * g.channels,
                           kernel + (u * g.kernelWidth + v) * g.channels});
        }
      }
      sum(terms, g.channels, Epilogue{}, dx + (index * g.width + column) * g.channels);
    }
  });
}

namespace {

/** Adds the products of one row of dy to `sums` [kernelHeight, kernelWidth, channels]; every column of x is there. */
template <int Width>
void addInnerRow(const float* x, int64_t rowStride, const float* dy, int64_t columns, int64_t step, int64_t channels,
                 int64_t rows, float* sums) {
  for (int64_t c = 0; c + kLanes <= channels; c += kLanes) {
    for (int64_t u = 0; u < rows; u += 1) {
      Vector total[Width];
      for (int v = 0; v < Width; v += 1) total[v] = Vector{};
      const float* from = x + u * rowStride + c;
      const float* gradient = dy + c;
      for (int64_t j = 0; j < columns; j += 1) {
        const Vector value = load(gradient);
#pragma GCC unroll 8
        for (int v = 0; v < Width; v += 1) total[v] += load(from + v * channels) * value;
        from += step;
        gradient += channels;
      }
      float* to = sums + u * Width * channels + c;
      for (int v = 0; v < Width; v += 1) store(to + v * channels, load(to + v * channels) + total[v]);
    }
  }
}

}  // namespace

void depthwiseKernelGradient(const Geometry& g, const float* x, const float* dy, float* dKernel) {
  const int64_t size = g.kernelHeight * g.kernelWidth * g.channels;
  const int64_t rows = g.batch * g.outHeight;
  const int64_t slices = std::min(kSlices, rows);
  Scratch partial(slices * size);
  // Columns of dy whose windows lie inside of the image.
  const int64_t firstInner = (g.padLeft + g.stride - 1) / g.stride;
  const int64_t lastInner = std::min(g.outWidth, (g.width - g.kernelWidth + g.padLeft) / g.stride + 1);
  const bool vectors = g.channels % kLanes == 0 && g.kernelWidth == 3 && lastInner > firstInner &&
                       g.width >= g.kernelWidth;
  parallelFor(slices, [&](int64_t slice) {
    float* const total = partial.data() + slice * size;
    std::fill_n(total, size, 0.0f);
    std::vector<float> block(size); // a row's sums apart, or a slice would be one long chain
    for (int64_t index = rows * slice / slices; index < rows * (slice + 1) / slices; index += 1) {
      const int64_t b = index / g.outHeight, i = index % g.outHeight;
      const float* const gradients = dy + index * g.outWidth * g.channels;
      std::fill(block.begin(), block.end(), 0.0f);
      const int64_t top = i * g.stride - g.padTop;
      const int64_t firstRow = std::max<int64_t>(0, -top), lastRow = std::min(g.kernelHeight, g.height - top);
      const auto image = [&](int64_t u, int64_t column) {
        return x + ((b * g.height + top + u) * g.width + column) * g.channels;
      };
      if (vectors) {
        addInnerRow<3>(image(firstRow, firstInner * g.stride - g.padLeft), g.width * g.channels,
                       gradients + firstInner * g.channels, lastInner - firstInner, g.stride * g.channels, g.channels,
                       lastRow - firstRow, block.data() + firstRow * g.kernelWidth * g.channels);
      }
      for (int64_t j = 0; j < g.outWidth; j += 1) {
        if (vectors && j >= firstInner && j < lastInner) continue;
        const float* const gradient = gradients + j * g.channels;
        for (int64_t u = firstRow; u < lastRow; u += 1) {
          for (int64_t v = 0; v < g.kernelWidth; v += 1) {
            const int64_t column = j * g.stride + v - g.padLeft;
            if (column < 0 || column >= g.width) continue;
            const float* const from = image(u, column);
            float* const to = block.data() + (u * g.kernelWidth + v) * g.channels;
            for (int64_t c = 0; c < g.channels; c += 1) to[c] += from[c] * gradient[c];
          }
        }
      }
      for (int64_t k = 0; k < size; k += 1) total[k] += block[k];
    }
  });
  for (int64_t k = 0; k < size; k += 1) {
    double sum = 0;
    for (int64_t slice = 0; slice < slices; slice += 1) sum += partial.data()[slice * size + k];
    dKernel[k] = sum;
  }
}

}  // namespace thaw
