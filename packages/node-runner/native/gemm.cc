#include "gemm.h"

#include <algorithm>
#include <vector>

#include "parallel.h"
#include "scratch.h"
#include "simd.h"

namespace thaw {
namespace {

#if defined(__AVX512F__)
constexpr int kTileRows = 12;
#else
constexpr int kTileRows = 6;
#endif
constexpr int kTileVectors = 2;
constexpr int kPanel = kTileVectors * kLanes;
/** Floats of a chunk of rows: with a panel beside it, it stays in a core's second cache. */
constexpr int64_t kChunkFloats = 48 * 1024;
/** Rows whose products are summed in registers before they are added to the rest. */
constexpr int64_t kSumRows = 128;
/** Part of a transposed product that one call works at. */
constexpr int64_t kUnitDepth = 96;
constexpr int64_t kUnitColumns = 256;
/** Pieces of work that a transposed product is cut into where it has the rows for it. */
constexpr int64_t kPieces = 16;

int64_t divideUp(int64_t a, int64_t b) { return (a + b - 1) / b; }

float* threadSpace(size_t floats, int which) {
  static thread_local std::vector<float> spaces[3];
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
void tile(int64_t depth, const float* a, int64_t rowStride, const float* panel, const Epilogue& epilogue,
          int64_t firstColumn, int64_t columns, float* result, int64_t resultStride) {
  Vector sums[Rows][Vectors];
  sumProducts<Rows, Vectors>(depth, a, rowStride, 1, panel, sums[0]);
  if (columns == Vectors * kLanes) {
    for (int r = 0; r < Rows; r += 1) {
      for (int v = 0; v < Vectors; v += 1) {
        store(result + r * resultStride + v * kLanes, epilogue.finish(sums[r][v], firstColumn + v * kLanes));
      }
    }
    return;
  }
  for (int r = 0; r < Rows; r += 1) {
    for (int64_t column = 0; column < columns; column += 1) {
      const float value = sums[r][column / kLanes][column % kLanes];
      result[r * resultStride + column] = epilogue.finish(value, firstColumn + column);
    }
  }
}

template <int Vectors>
void tilesOf(int64_t rows, int64_t depth, const float* a, const float* panel, const Epilogue& epilogue,
             int64_t firstColumn, int64_t columns, float* result, int64_t resultStride) {
  int64_t row = 0;
  for (; row + kTileRows <= rows; row += kTileRows) {
    tile<kTileRows, Vectors>(depth, a + row * depth, depth, panel, epilogue, firstColumn, columns,
                             result + row * resultStride, resultStride);
  }
  for (; row < rows; row += 1) {
    tile<1, Vectors>(depth, a + row * depth, depth, panel, epilogue, firstColumn, columns, result + row * resultStride,
                     resultStride);
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

Rows rowsOf(const float* matrix, int64_t depth) {
  return [=](int64_t first, int64_t, float*) { return matrix + first * depth; };
}

void multiply(int64_t rows, int64_t depth, int64_t columns, const Rows& a, const float* b, bool transposed,
              const Epilogue& epilogue, float* result) {
  const int64_t panels = divideUp(columns, kPanel);
  Scratch packed(panels * depth * kPanel);
  packPanels(depth, columns, b, transposed, packed.data());
  const int64_t most = std::max<int64_t>(kTileRows, kChunkFloats / std::max<int64_t>(depth, 1));
  const int64_t chunk = std::min<int64_t>(most / kTileRows * kTileRows, 512 / kTileRows * kTileRows);
  parallelFor(divideUp(rows, chunk), [&](int64_t index) {
    const int64_t first = index * chunk;
    const int64_t count = std::min(chunk, rows - first);
    const float* from = a(first, count, threadSpace(chunk * depth, 0));
    float* to = result + first * columns;
    for (int64_t panel = 0; panel < panels; panel += 1) {
      const int64_t column = panel * kPanel;
      const int64_t real = std::min<int64_t>(kPanel, columns - column);
      const float* b = packed.data() + panel * depth * kPanel;
      if (real > kLanes) tilesOf<2>(count, depth, from, b, epilogue, column, real, to + column, columns);
      else tilesOf<1>(count, depth, from, b, epilogue, column, real, to + column, columns);
    }
  });
}

namespace {

/** One piece of a transposed product: part of the result, over part of the rows. */
struct Piece {
  int64_t depth, depthEnd, column, columnEnd, row, rowEnd;
};

void addPiece(const Piece& piece, int64_t depth, int64_t columns, const Rows& a, const float* b, float* sums,
              int64_t stride) {
  const int64_t depthCount = piece.depthEnd - piece.depth;
  const int64_t columnCount = piece.columnEnd - piece.column;
  const int64_t tiles = divideUp(depthCount, kTileRows);
  const int64_t panels = divideUp(columnCount, kPanel);
  float* left = threadSpace(tiles * kTileRows * kSumRows, 1);
  float* right = threadSpace(panels * kPanel * kSumRows, 2);
  for (int64_t row = piece.row; row < piece.rowEnd; row += kSumRows) {
    const int64_t count = std::min(kSumRows, piece.rowEnd - row);
    const float* from = a(row, count, threadSpace(kSumRows * depth, 0)) + piece.depth;
    for (int64_t t = 0; t < tiles; t += 1) {
      const int64_t real = std::min<int64_t>(kTileRows, depthCount - t * kTileRows);
      float* to = left + t * kTileRows * kSumRows;
      const float* source = from + t * kTileRows;
      for (int64_t r = 0; r < count; r += 1, to += kTileRows, source += depth) {
        if (real == kTileRows) {
          memcpy(to, source, kTileRows * sizeof(float));
        } else {
          for (int64_t k = 0; k < kTileRows; k += 1) to[k] = k < real ? source[k] : 0;
        }
      }
    }
    for (int64_t p = 0; p < panels; p += 1) {
      const int64_t real = std::min<int64_t>(kPanel, columnCount - p * kPanel);
      float* to = right + p * kPanel * kSumRows;
      const float* source = b + row * columns + piece.column + p * kPanel;
      for (int64_t r = 0; r < count; r += 1, to += kPanel, source += columns) {
        if (real == kPanel) {
          memcpy(to, source, kPanel * sizeof(float));
        } else {
          for (int64_t c = 0; c < kPanel; c += 1) to[c] = c < real ? source[c] : 0;
        }
      }
    }
    const bool begins = row == piece.row;
    for (int64_t p = 0; p < panels; p += 1) {
      const int64_t real = std::min<int64_t>(kPanel, columnCount - p * kPanel);
      for (int64_t t = 0; t < tiles; t += 1) {
        Vector block[kTileRows][kTileVectors];
        sumProducts<kTileRows, kTileVectors>(count, left + t * kTileRows * kSumRows, 1, kTileRows,
                                             right + p * kPanel * kSumRows, block[0]);
        const int64_t realRows = std::min<int64_t>(kTileRows, depthCount - t * kTileRows);
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
}

}  // namespace

void multiplyTransposed(int64_t rows, int64_t depth, int64_t columns, const Rows& a, const float* b, float* result) {
  const int64_t unitDepth = std::min<int64_t>(depth, kUnitDepth);
  const int64_t depthUnits = divideUp(depth, unitDepth);
  const int64_t columnUnits = divideUp(columns, kUnitColumns);
  const int64_t units = depthUnits * columnUnits;
  const int64_t slices = std::max<int64_t>(1, std::min(divideUp(kPieces, units), rows / (4 * kSumRows)));
  const int64_t sliceRows = divideUp(divideUp(rows, slices), kSumRows) * kSumRows;
  const int64_t size = depth * columns;
  Scratch partial(slices > 1 ? slices * size : 0);
  parallelFor(units * slices, [&](int64_t index) {
    const int64_t slice = index / units, unit = index % units;
    Piece piece;
    piece.depth = unit / columnUnits * unitDepth;
    piece.depthEnd = std::min(depth, piece.depth + unitDepth);
    piece.column = unit % columnUnits * kUnitColumns;
    piece.columnEnd = std::min(columns, piece.column + kUnitColumns);
    piece.row = std::min(rows, slice * sliceRows);
    piece.rowEnd = std::min(rows, piece.row + sliceRows);
    float* sums = (slices > 1 ? partial.data() + slice * size : result) + piece.depth * columns + piece.column;
    if (piece.row < piece.rowEnd) {
      addPiece(piece, depth, columns, a, b, sums, columns);
    } else {
      for (int64_t d = 0; d < piece.depthEnd - piece.depth; d += 1) {
        std::fill_n(sums + d * columns, piece.columnEnd - piece.column, 0.0f);
      }
    }
  });
  if (slices == 1) return;
  constexpr int64_t kBlock = 4096;
  parallelFor(divideUp(size, kBlock), [&](int64_t block) {
    const int64_t end = std::min(size, (block + 1) * kBlock);
    for (int64_t i = block * kBlock; i < end; i += 1) result[i] = partial.data()[i];
    for (int64_t slice = 1; slice < slices; slice += 1) {
      const float* from = partial.data() + slice * size;
      for (int64_t i = block * kBlock; i < end; i += 1) result[i] += from[i];
    }
  });
}

}  // namespace thaw
