// Normalization of single values: what kernels do to rows while they read or write them.
#pragma once

#include <cstdint>

#include "simd.h"

namespace thaw {

/** (value - mean) · scale + shift of a value's channel, then held between `low` and `high`. */
struct Norm {
  /** One value a channel each, or null: values stay as they are. */
  const float* mean = nullptr;
  const float* scale = nullptr;
  const float* shift = nullptr;
  bool clamps = false;
  float low = 0;
  float high = 0;

  bool present() const { return mean != nullptr || clamps; }

  /** Before it is held between the limits; there must be a mean. */
  Vector moved(Vector value, int64_t channel) const {
    return (value - load(mean + channel)) * load(scale + channel) + load(shift + channel);
  }
  float moved(float value, int64_t channel) const { return (value - mean[channel]) * scale[channel] + shift[channel]; }

  template <typename Value>
  Value finish(Value value, int64_t channel) const {
    if (mean != nullptr) value = moved(value, channel);
    return clamps ? clamp(value, low, high) : value;
  }
};

/** The gradient that a ReLU lets through, by its result. */
inline Vector passed(Vector dy, Vector result, float most) {
  const Vector none = {};
  return (result > none) & (result < splat(most)) ? dy : none;
}

inline float passed(float dy, float result, float most) { return result > 0 && result < most ? dy : 0; }

/**
 * The way back through a normalization by the batch's own statistics and the ReLU behind it:
 * scale · (passed(dy) - offset - (x - mean) · slope). The ReLU's result is computed again, as {@link Norm} does it.
 */
struct NormGradient {
  /** The way there, with a mean. */
  Norm norm;
  /** mean(dy) of a channel. */
  const float* offset = nullptr;
  /** mean(dy · (x - mean)) / (variance + epsilon) of a channel. */
  const float* slope = nullptr;

  /** dy behind the ReLU. */
  template <typename Value>
  Value behind(Value dy, Value x, int64_t channel) const {
    return norm.clamps ? passed(dy, norm.moved(x, channel), norm.high) : dy;
  }

  Vector finish(Vector dy, Vector x, int64_t channel) const {
    const Vector off = x - load(norm.mean + channel);
    return load(norm.scale + channel) * (behind(dy, x, channel) - load(offset + channel) - off * load(slope + channel));
  }

  float finish(float dy, float x, int64_t channel) const {
    return norm.scale[channel] * (behind(dy, x, channel) - offset[channel] - (x - norm.mean[channel]) * slope[channel]);
  }
};

/** Writes a vector around the caches, or not. */
inline void storeTo(float* to, Vector value, bool streams) {
  if (streams) storeStream(to, value);
  else store(to, value);
}

/** Normalises `channels` values, from channel `first` on. */
inline void normaliseRow(const Norm& norm, const float* x, int64_t first, int64_t channels, float* to,
                         bool streams = false) {
  const Norm used = norm; // a copy: what is written through `to` cannot change it
  int64_t c = 0;
  for (; c + kLanes <= channels; c += kLanes) storeTo(to + c, used.finish(load(x + c), first + c), streams);
  for (; c < channels; c += 1) to[c] = used.finish(x[c], first + c);
}

inline void gradientRow(const NormGradient& norm, const float* dy, const float* x, int64_t first, int64_t channels,
                        float* to, bool streams = false) {
  const NormGradient used = norm;
  int64_t c = 0;
  for (; c + kLanes <= channels; c += kLanes) {
    storeTo(to + c, used.finish(load(dy + c), load(x + c), first + c), streams);
  }
  for (; c < channels; c += 1) to[c] = used.finish(dy[c], x[c], first + c);
}

}  // namespace thaw
