#include "gemm.h"

#include <algorithm>
#include <type_traits>
#include <vector>

#include "parallel.h"
#include "scratch.h"

namespace thaw {
namespace {

#if defined(__AVX512F__)
constexpr int kTileRows = 12;
#else
constexpr int kTileRows = 6;
#endif
constexpr int kTileVectors = 2;
constexpr int kPanel = kTileVectors * kLanes;
/** Floats of a chunk's rows and of their results: with a panel beside them, they stay in a core's second cache. */
constexpr int64_t kChunkFloats = 80 * 1024;
constexpr int64_t kMostChunkRows = 512;
/** Rows whose products are summed in registers before they are added to the rest. */
constexpr int64_t kSumRows = 128;
/** Part of a transposed product that one call works at. */
constexpr int64_t kUnitDepth = 96;
constexpr int64_t kUnitColumns = 256;
/** Pieces of work that a transposed product is cut into where it has the rows for it. */
constexpr int64_t kPieces = 16;
/** Elements of a result that one call joins from its slices. */
constexpr int64_t kJoined = 4096;

int64_t divideUp(int64_t a, int64_t b) { return (a + b - 1) / b; }

float* threadSpace(size_t floats, int which) {
  static thread_local std::vector<float> spaces[4];
  auto& space = spaces[which];
  if (space.size() < floats + 16) space.resize(floats + 16);
  const auto address = reinterpret_cast<uintptr_t>(space.data());
  return space.data() + ((64 - address % 64) % 64) / sizeof(float);
}

/** sums[r][v] = Σ over steps of a[r · rowStride + step · stepStride] · panel[step][v]; a function of its own for its registers. */
template <int Rows, int Vectors>
__attribute__((noinline)) void sumProducts(int64_t steps, const float* a, int64_t rowStride, int64_t stepStride,
                                           const float* panel, Vector* sums) {
  Vector total[Rows][Vectors] = {};
  for (int64_t step = 0; step < steps; step += 1) {
    Vector b[Vectors];
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; v += 1) b[v] = load(panel + v * kLanes);
#pragma GCC unroll 16
    for (int r = 0; r < Rows; r += 1) {
      const Vector scale = splat(a[r * rowStride]);
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; v += 1) total[r][v] += scale * b[v];
    }
    a += stepStride;
    panel += kPanel;
  }
  for (int r = 0; r < Rows; r += 1) {
    for (int v = 0; v < Vectors; v += 1) sums[r * Vectors + v] = total[r][v];
  }
}

/** A tile of results: `columns` of its vectors are real. */
template <int Rows, int Vectors>
void tile(int64_t depth, const float* a, int64_t rowStride, const float* panel, const Norm& norm,
          int64_t firstColumn, int64_t columns, float* result, int64_t resultStride) {
  Vector sums[Rows][Vectors];
  sumProducts<Rows, Vectors>(depth, a, rowStride, 1, panel, sums[0]);
  if (columns == Vectors * kLanes) {
    for (int r = 0; r < Rows; r += 1) {
      for (int v = 0; v < Vectors; v += 1) {
        store(result + r * resultStride + v * kLanes, norm.finish(sums[r][v], firstColumn + v * kLanes));
      }
    }
    return;
  }
  for (int r = 0; r < Rows; r += 1) {
    for (int64_t column = 0; column < columns; column += 1) {
      const float value = sums[r][column / kLanes][column % kLanes];
      result[r * resultStride + column] = norm.finish(value, firstColumn + column);
    }
  }
}

template <int Vectors>
void tilesOf(int64_t rows, int64_t depth, const Block& a, const float* panel, const Norm& norm,
             int64_t firstColumn, int64_t columns, float* result, int64_t resultStride) {
  int64_t row = 0;
  for (; row + kTileRows <= rows; row += kTileRows) {
    tile<kTileRows, Vectors>(depth, a.data + row * a.stride, a.stride, panel, norm, firstColumn, columns,
                             result + row * resultStride, resultStride);
  }
  const auto rest = [&](auto count) {
    constexpr int kRows = decltype(count)::value;
    for (; row + kRows <= rows; row += kRows) {
      tile<kRows, Vectors>(depth, a.data + row * a.stride, a.stride, panel, norm, firstColumn, columns,
                           result + row * resultStride, resultStride);
    }
  };
  if (kTileRows > 6) rest(std::integral_constant<int, 6>());
  rest(std::integral_constant<int, 3>());
  rest(std::integral_constant<int, 1>());
}

/** How many rows {@link multiply} works at in one go. */
int64_t chunkRows(int64_t depth, int64_t columns) {
  const int64_t most = std::min(kMostChunkRows, kChunkFloats / std::max<int64_t>(depth + columns, 1));
  return std::max<int64_t>(1, most / kTileRows) * kTileRows;
}

/** Rows of a slice, whole sums of {@link kSumRows}: the last slices may have fewer, or none. */
int64_t sliceRowsOf(int64_t rows, int64_t slices) { return divideUp(divideUp(rows, slices), kSumRows) * kSumRows; }

/** result[rows, columns] = a · b of a few rows, b in panels. */
void multiplyChunk(int64_t rows, int64_t depth, int64_t columns, const Block& a, const float* packed, const Norm& norm,
                   float* result) {
  const int64_t panels = divideUp(columns, kPanel);
  for (int64_t panel = 0; panel < panels; panel += 1) {
    const int64_t column = panel * kPanel;
    const int64_t real = std::min<int64_t>(kPanel, columns - column);
    const float* const b = packed + panel * depth * kPanel;
    if (real > kLanes) tilesOf<2>(rows, depth, a, b, norm, column, real, result + column, columns);
    else tilesOf<1>(rows, depth, a, b, norm, column, real, result + column, columns);
  }
}

/** Lays `b` out in panels [depth][kPanel], zeros behind the last column. */
void packPanels(int64_t depth, int64_t columns, const float* b, bool transposed, float* packed) {
  parallelFor(divideUp(columns, kPanel), [&](int64_t index) {
    float* panel = packed + index * depth * kPanel;
    const int64_t first = index * kPanel;
    const int64_t real = std::min<int64_t>(kPanel, columns - first);
    for (int64_t step = 0; step < depth; step += 1) {
      float* to = panel + step * kPanel;
      if (transposed) {
        for (int64_t c = 0; c < real; c += 1) to[c] = b[(first + c) * depth + step];
      } else {
        memcpy(to, b + step * columns + first, real * sizeof(float));
      }
      for (int64_t c = real; c < kPanel; c += 1) to[c] = 0;
    }
  });
}

}  // namespace

Rows rowsOf(const float* matrix, int64_t width) {
  return [=](const Range& range, float*) { return Block{matrix + range.row * width + range.column, width}; };
}

Rows rowsOf(const float* matrix, int64_t width, const Norm& norm) {
  if (!norm.present()) return rowsOf(matrix, width);
  return [=](const Range& range, float* space) {
    const float* from = matrix + range.row * width + range.column;
    for (int64_t r = 0; r < range.rows; r += 1, from += width) {
      normaliseRow(norm, from, range.column, range.columns, space + r * range.columns);
    }
    return Block{space, range.columns};
  };
}

Rows gradientRowsOf(const float* dy, const float* x, int64_t width, const NormGradient& norm) {
  return [=](const Range& range, float* space) {
    const int64_t start = range.row * width + range.column;
    for (int64_t r = 0; r < range.rows; r += 1) {
      const int64_t at = start + r * width;
      gradientRow(norm, dy + at, x + at, range.column, range.columns, space + r * range.columns);
    }
    return Block{space, range.columns};
  };
}

int64_t multiplyChunks(int64_t rows, int64_t depth, int64_t columns) { return divideUp(rows, chunkRows(depth, columns)); }

void multiply(int64_t rows, int64_t depth, int64_t columns, const Rows& a, const float* b, bool transposed,
              const Norm& norm, float* result, const RowsDone& done) {
  const int64_t panels = divideUp(columns, kPanel);
  Scratch packed(panels * depth * kPanel);
  packPanels(depth, columns, b, transposed, packed.data());
  const int64_t chunk = chunkRows(depth, columns);
  parallelFor(divideUp(rows, chunk), [&](int64_t index) {
    const int64_t first = index * chunk;
    const int64_t count = std::min(chunk, rows - first);
    const Block from = a({first, count, 0, depth}, threadSpace(chunk * depth, 0));
    multiplyChunk(count, depth, columns, from, packed.data(), norm, result + first * columns);
    if (done) done(index, first, count);
  });
}

namespace {

/** Lays `columns` of a few rows out in strips [rows][Width], zeros behind the last column; a strip has room for {@link kSumRows}. */
template <int Width>
void packStrips(int64_t rows, int64_t columns, const Block& from, float* packed) {
  for (int64_t first = 0; first < columns; first += Width, packed += Width * kSumRows) {
    const int64_t real = std::min<int64_t>(Width, columns - first);
    float* to = packed;
    const float* source = from.data + first;
    for (int64_t r = 0; r < rows; r += 1, to += Width, source += from.stride) {
      if (real == Width) {
        memcpy(to, source, Width * sizeof(float));
      } else {
        for (int64_t c = 0; c < Width; c += 1) to[c] = c < real ? source[c] : 0;
      }
    }
  }
}

/** sums[depth, columns] (+)= left[rows, depth]ᵀ · right[rows, columns], of {@link kSumRows} rows at most. */
void addProducts(int64_t rows, int64_t depth, int64_t columns, const Block& left, const Block& right, bool begins,
                 float* sums, int64_t stride) {
  const int64_t tiles = divideUp(depth, kTileRows);
  const int64_t panels = divideUp(columns, kPanel);
  float* const packedLeft = threadSpace(tiles * kTileRows * kSumRows, 2);
  float* const packedRight = threadSpace(panels * kPanel * kSumRows, 3);
  packStrips<kTileRows>(rows, depth, left, packedLeft);
  packStrips<kPanel>(rows, columns, right, packedRight);
  for (int64_t p = 0; p < panels; p += 1) {
    const int64_t real = std::min<int64_t>(kPanel, columns - p * kPanel);
    for (int64_t t = 0; t < tiles; t += 1) {
      Vector block[kTileRows][kTileVectors];
      sumProducts<kTileRows, kTileVectors>(rows, packedLeft + t * kTileRows * kSumRows, 1, kTileRows,
                                           packedRight + p * kPanel * kSumRows, block[0]);
      const int64_t realRows = std::min<int64_t>(kTileRows, depth - t * kTileRows);
      for (int64_t r = 0; r < realRows; r += 1) {
        float* to = sums + (t * kTileRows + r) * stride + p * kPanel;
        if (real == kPanel) {
          for (int v = 0; v < kTileVectors; v += 1) {
            float* at = to + v * kLanes;
            store(at, begins ? block[r][v] : load(at) + block[r][v]);
          }
        } else {
          for (int64_t c = 0; c < real; c += 1) {
            const float value = block[r][c / kLanes][c % kLanes];
            to[c] = begins ? value : to[c] + value;
          }
        }
      }
    }
  }
}

/** Adds up `slices` results that lie one after another. */
void joinSlices(int64_t slices, int64_t size, const float* partial, float* result) {
  parallelParts(size, kJoined, [&](int64_t first, int64_t end) {
    for (int64_t i = first; i < end; i += 1) result[i] = partial[i];
    for (int64_t slice = 1; slice < slices; slice += 1) {
      const float* from = partial + slice * size;
      for (int64_t i = first; i < end; i += 1) result[i] += from[i];
    }
  });
}

}  // namespace

void multiplyTransposed(int64_t rows, int64_t depth, int64_t columns, const Rows& a, const Rows& b, float* result) {
  const int64_t unitDepth = std::min<int64_t>(depth, kUnitDepth);
  const int64_t depthUnits = divideUp(depth, unitDepth);
  const int64_t columnUnits = divideUp(columns, kUnitColumns);
  const int64_t units = depthUnits * columnUnits;
  const int64_t slices = std::max<int64_t>(1, std::min(divideUp(kPieces, units), rows / (4 * kSumRows)));
  const int64_t sliceRows = sliceRowsOf(rows, slices);
  const int64_t size = depth * columns;
  Scratch partial(slices > 1 ? slices * size : 0);
  parallelFor(units * slices, [&](int64_t index) {
    const int64_t slice = index / units, unit = index % units;
    const int64_t firstDepth = unit / columnUnits * unitDepth, firstColumn = unit % columnUnits * kUnitColumns;
    const int64_t depthCount = std::min(unitDepth, depth - firstDepth);
    const int64_t columnCount = std::min(kUnitColumns, columns - firstColumn);
    const int64_t first = std::min(rows, slice * sliceRows), last = std::min(rows, first + sliceRows);
    float* const sums = (slices > 1 ? partial.data() + slice * size : result) + firstDepth * columns + firstColumn;
    for (int64_t row = first; row < last; row += kSumRows) {
      const int64_t count = std::min(kSumRows, last - row);
      const Block left = a({row, count, firstDepth, depthCount}, threadSpace(kSumRows * depth, 0));
      const Block right = b({row, count, firstColumn, columnCount}, threadSpace(kSumRows * columns, 1));
      addProducts(count, depthCount, columnCount, left, right, row == first, sums, columns);
    }
    if (first < last) return;
    for (int64_t d = 0; d < depthCount; d += 1) std::fill_n(sums + d * columns, columnCount, 0.0f);
  });
  if (slices > 1) joinSlices(slices, size, partial.data(), result);
}

int64_t bothSlices(int64_t rows) { return std::min(kPieces, rows / (2 * kSumRows)); }

void multiplyBoth(int64_t rows, int64_t depth, int64_t columns, const Rows& a, const Rows& b, const float* factor,
                  float* transposedProduct, float* product, const RowsDone& done) {
  const int64_t slices = bothSlices(rows), size = depth * columns;
  const int64_t sliceRows = sliceRowsOf(rows, slices);
  const int64_t panels = divideUp(depth, kPanel);
  Scratch partial(slices * size), packed(panels * columns * kPanel);
  packPanels(columns, depth, factor, true, packed.data());
  parallelFor(slices, [&](int64_t slice) {
    const int64_t first = std::min(rows, slice * sliceRows), last = std::min(rows, first + sliceRows);
    float* const sums = partial.data() + slice * size;
    for (int64_t row = first; row < last; row += kSumRows) {
      const int64_t count = std::min(kSumRows, last - row);
      const Block left = a({row, count, 0, depth}, threadSpace(kSumRows * depth, 0));
      const Block right = b({row, count, 0, columns}, threadSpace(kSumRows * columns, 1));
      addProducts(count, depth, columns, left, right, row == first, sums, columns);
      multiplyChunk(count, columns, depth, right, packed.data(), Norm{}, product + row * depth);
      if (done) done(slice, row, count);
    }
    if (first == last) std::fill_n(sums, size, 0.0f);
  });
  joinSlices(slices, size, partial.data(), transposedProduct);
}

}  // namespace thaw
