// Products of matrices for convolutions over pixels. Row-major float32.
#pragma once

#include <cstdint>
#include <functional>

#include "simd.h"

namespace thaw {

/** What is done to results before they are written. */
struct Epilogue {
  /** One value a column each, or null: (result - mean) · scale + shift, as a batch normalization does it. */
  const float* mean = nullptr;
  const float* scale = nullptr;
  const float* shift = nullptr;
  /** Results are held between `low` and `high`. */
  bool clamps = false;
  float low = 0;
  float high = 0;

  Vector finish(Vector value, int64_t column) const {
    if (mean != nullptr) value = (value - load(mean + column)) * load(scale + column) + load(shift + column);
    return clamps ? clamp(value, low, high) : value;
  }

  float finish(float value, int64_t column) const {
    if (mean != nullptr) value = (value - mean[column]) * scale[column] + shift[column];
    return clamps ? clamp(value, low, high) : value;
  }
};

/** `[count, depth]` rows of a matrix from row `first` on; may write them into `space` (count × depth floats). */
using Rows = std::function<const float*(int64_t first, int64_t count, float* space)>;

/** The rows of a matrix that lies in memory. */
Rows rowsOf(const float* matrix, int64_t depth);

/**
 * result[rows, columns] = a[rows, depth] · b[depth, columns], then the epilogue.
 * Each element is summed from the first term to the last, whatever the number of rows: a row's result does not depend
 * on the others.
 * @param transposed b is [columns, depth]
 */
void multiply(int64_t rows, int64_t depth, int64_t columns, const Rows& a, const float* b, bool transposed,
              const Epilogue& epilogue, float* result);

/** result[depth, columns] = a[rows, depth]ᵀ · b[rows, columns], summed in blocks of rows. */
void multiplyTransposed(int64_t rows, int64_t depth, int64_t columns, const Rows& a, const float* b, float* result);

}  // namespace thaw
