// What a TensorFlow operation of ours looks like to its author: tensors in, tensors out, attributes by name.
#pragma once

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "tensorflow_c.h"

namespace thaw {

/** Attributes of an operation, read once when its kernel is made. */
class Attributes {
 public:
  explicit Attributes(TF_OpKernelConstruction* construction) : construction_(construction) {}
  float number(const char* name) const;
  bool flag(const char* name) const;
  std::vector<int64_t> integers(const char* name) const;

 private:
  TF_OpKernelConstruction* construction_;
};

using Shape = std::vector<int64_t>;

/** One call: float32 inputs and outputs. Bad shapes are a std::invalid_argument, which TensorFlow tells the caller. */
class Call {
 public:
  explicit Call(TF_OpKernelContext* context);
  ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  int inputs() const { return static_cast<int>(inputs_.size()); }
  const float* data(int input) const;
  Shape shape(int input) const;
  int64_t size(int input) const;
  /** Allocates an output, which is freed with the call once TensorFlow has it. */
  float* output(int index, const Shape& shape);
  /** @throws std::invalid_argument unless it holds */
  void expect(bool holds, const char* what) const;

 private:
  TF_OpKernelContext* context_;
  TF_Status* status_;
  std::vector<TF_Tensor*> inputs_;
  std::vector<TF_Tensor*> outputs_;
};

/** What an operation does, made from its attributes. */
using Work = std::function<void(Call&)>;

struct Operation {
  const char* name;
  std::vector<const char*> inputs, outputs, attributes;
  Work (*make)(const Attributes& attributes);
};

int64_t sizeOf(const Shape& shape);

/** Registers operations with TensorFlow, each with its CPU kernel. @throws std::runtime_error */
void registerOperations(const std::vector<Operation>& operations);

}  // namespace thaw
