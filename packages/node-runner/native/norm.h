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

  Vector finish(Vector value, int64_t channel) const {
    if (mean != nullptr) value = (value - load(mean + channel)) * load(scale + channel) + load(shift + channel);
    return clamps ? clamp(value, low, high) : value;
  }

  float finish(float value, int64_t channel) const {
    if (mean != nullptr) value = (value - mean[channel]) * scale[channel] + shift[channel];
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
  const float* mean = nullptr;
  const float* scale = nullptr;
  const float* shift = nullptr;
  /** mean(dy) of a channel. */
  const float* offset = nullptr;
  /** mean(dy · (x - mean)) / (variance + epsilon) of a channel. */
  const float* slope = nullptr;
  bool masks = false;
  float most = 0;

  /** dy behind the ReLU. */
  Vector behind(Vector dy, Vector x, int64_t channel) const {
    if (!masks) return dy;
    return passed(dy, (x - load(mean + channel)) * load(scale + channel) + load(shift + channel), most);
  }

  float behind(float dy, float x, int64_t channel) const {
    return masks ? passed(dy, (x - mean[channel]) * scale[channel] + shift[channel], most) : dy;
  }

  Vector finish(Vector dy, Vector x, int64_t channel) const {
    const Vector off = x - load(mean + channel);
    return load(scale + channel) * (behind(dy, x, channel) - load(offset + channel) - off * load(slope + channel));
  }

  float finish(float dy, float x, int64_t channel) const {
    return scale[channel] * (behind(dy, x, channel) - offset[channel] - (x - mean[channel]) * slope[channel]);
  }
};

/** Normalises `channels` values, from channel `first` on. */
inline void normaliseRow(const Norm& norm, const float* x, int64_t first, int64_t channels, float* to) {
  const Norm used = norm; // a copy: what is written through `to` cannot change it
  int64_t c = 0;
  for (; c + kLanes <= channels; c += kLanes) store(to + c, used.finish(load(x + c), first + c));
  for (; c < channels; c += 1) to[c] = used.finish(x[c], first + c);
}

inline void gradientRow(const NormGradient& norm, const float* dy, const float* x, int64_t first, int64_t channels,
                        float* to) {
  const NormGradient used = norm;
  int64_t c = 0;
  for (; c + kLanes <= channels; c += kLanes) store(to + c, used.finish(load(dy + c), load(x + c), first + c));
  for (; c < channels; c += 1) to[c] = used.finish(dy[c], x[c], first + c);
}

}  // namespace thaw
