// Vectors of the widest kind that the compiler was told to use; a vector's operators work lane by lane.
#pragma once

#include <cstdint>
#include <cstring>

#if defined(__AVX__)
#include <immintrin.h>
#endif

namespace thaw {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif

// Unaligned: rows of images start anywhere.
typedef float Vector __attribute__((vector_size(kLanes * sizeof(float)), aligned(sizeof(float)), may_alias));

inline Vector load(const float* from) { return *reinterpret_cast<const Vector*>(from); }
inline void store(float* to, Vector value) { *reinterpret_cast<Vector*>(to) = value; }
inline Vector splat(float value) { return value - Vector{}; }  // x - 0 is x and costs nothing; 0 + x is an addition, for -0's sake

/** min(max(x, low), high), and a NaN stays one. */
inline Vector clamp(Vector x, float low, float high) {
  const Vector least = splat(low), most = splat(high);
  x = x < least ? least : x;
  return x > most ? most : x;
}

inline float clamp(float x, float low, float high) {
  x = x < low ? low : x;
  return x > high ? high : x;
}

/** Writes around the caches: for results that are too large to be there when they are read. `to` is a multiple of a vector. */
inline void storeStream(float* to, Vector value) {
#if defined(__AVX512F__)
  _mm512_stream_ps(to, (__m512)value);
#elif defined(__AVX__)
  _mm256_stream_ps(to, (__m256)value);
#else
  store(to, value);
#endif
}

/** Makes what {@link storeStream} wrote visible to other threads. */
inline void finishStream() {
#if defined(__AVX__)
  _mm_sfence();
#endif
}

/** Copies around the caches where the target lies right for it. */
inline void copyStream(float* to, const float* from, int64_t count) {
  if (reinterpret_cast<uintptr_t>(to) % sizeof(Vector) != 0) {
    memcpy(to, from, count * sizeof(float));
    return;
  }
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) storeStream(to + i, load(from + i));
  for (; i < count; i += 1) to[i] = from[i];
}

}  // namespace thaw
