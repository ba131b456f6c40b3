// Products of matrices for convolutions over pixels. Row-major float32.
#pragma once

#include <cstdint>
#include <functional>

#include "norm.h"

namespace thaw {

/** Rows of a part of a matrix: row r begins at data + r · stride. */
struct Block {
  const float* data;
  int64_t stride;
};

/** Which part of a matrix is asked for. */
struct Range {
  int64_t row, rows, column, columns;
};

/** Gives a part of a matrix; may write it into `space` (rows × the matrix's width floats). */
using Rows = std::function<Block(const Range& range, float* space)>;

/** The rows of a matrix that lies in memory. */
Rows rowsOf(const float* matrix, int64_t width);

/** The rows of a matrix, normalised while they are read. */
Rows rowsOf(const float* matrix, int64_t width, const Norm& norm);

/** The way back through a normalization, computed while it is read: dy and x are matrices of the same size. */
Rows gradientRowsOf(const float* dy, const float* x, int64_t width, const NormGradient& norm);

/** Is told that some rows of a result are there, while they are still in a cache. */
using RowsDone = std::function<void(int64_t chunk, int64_t row, int64_t rows)>;

/** Chunks of the rows that {@link multiply} works at one by one. */
int64_t multiplyChunks(int64_t rows, int64_t depth, int64_t columns);

/**
 * result[rows, columns] = a[rows, depth] · b[depth, columns], then the norm of its columns.
 * Each element is summed from the first term to the last, whatever the number of rows: a row's result does not depend
 * on the others.
 * @param transposed b is [columns, depth]
 * @param done is called for each chunk, perhaps from several threads at once
 */
void multiply(int64_t rows, int64_t depth, int64_t columns, const Rows& a, const float* b, bool transposed,
              const Norm& norm, float* result, const RowsDone& done = {});

/** result[depth, columns] = a[rows, depth]ᵀ · b[rows, columns], summed in blocks of rows. */
void multiplyTransposed(int64_t rows, int64_t depth, int64_t columns, const Rows& a, const Rows& b, float* result);

/** Slices of the rows that {@link multiplyBoth} works at one by one; fewer than 2 are not worth it. */
int64_t bothSlices(int64_t rows);

/**
 * Both products of two matrices with the same rows, each read once: transposedProduct[depth, columns] =
 * a[rows, depth]ᵀ · b[rows, columns], and product[rows, depth] = b · factor[depth, columns]ᵀ. For many rows.
 * @param done is called for parts of a slice in their order, with the slice's number
 */
void multiplyBoth(int64_t rows, int64_t depth, int64_t columns, const Rows& a, const Rows& b, const float* factor,
                  float* transposedProduct, float* product, const RowsDone& done);

}  // namespace thaw
