// Threads of our own: TensorFlow's C interface does not lend its pool to kernels.
#pragma once

#include <cstdint>
#include <functional>

namespace thaw {

/** How many threads {@link parallelFor} uses, the caller's included; at least 1. */
void setThreads(int threads);

/**
 * Calls `work(i)` for every i in [0, count), on all threads, in any order; returns when all are done.
 * What a call computes must not depend on who else runs: results are then the same for every number of threads.
 */
void parallelFor(int64_t count, const std::function<void(int64_t)>& work);

/** Cuts [0, size) into parts of `part` elements and calls `work(first, behind the last)` for each, as {@link parallelFor} does. */
template <typename Work>
void parallelParts(int64_t size, int64_t part, const Work& work) {
  parallelFor((size + part - 1) / part, [&](int64_t index) {
    const int64_t first = index * part;
    work(first, first + part < size ? first + part : size);
  });
}

}  // namespace thaw
