// Memory that a kernel needs only while it runs.
#pragma once

#include <cstdlib>
#include <new>

namespace thaw {

/** `count` floats at a multiple of 64 bytes, not initialised. */
class Scratch {
 public:
  explicit Scratch(size_t count) {
    if (posix_memalign(reinterpret_cast<void**>(&data_), 64, (count > 0 ? count : 1) * sizeof(float)) != 0) {
      throw std::bad_alloc();
    }
  }
  ~Scratch() { free(data_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  float* data() { return data_; }

 private:
  float* data_ = nullptr;
};

}  // namespace thaw
