#include "operation.h"

#include <array>
#include <utility>

namespace thaw {
namespace {

struct Status {
  TF_Status* status = TF_NewStatus();
  ~Status() { TF_DeleteStatus(status); }
  void check(const char* what) const {
    if (TF_GetCode(status) != TF_OK) throw std::runtime_error(std::string(what) + ": " + TF_Message(status));
  }
};

/** TensorFlow's interface takes plain functions: each operation's stand in a table by number. */
std::vector<Operation>& registered() {
  static auto* const operations = new std::vector<Operation>();
  return *operations;
}

template <int Number>
void* create(TF_OpKernelConstruction* construction) {
  try {
    return new Work(registered()[Number].make(Attributes(construction)));
  } catch (const std::exception& error) {
    Status status;
    TF_SetStatus(status.status, TF_INVALID_ARGUMENT, error.what());
    TF_OpKernelConstruction_Failure(construction, status.status);
    return nullptr;
  }
}

void compute(void* kernel, TF_OpKernelContext* context) {
  try {
    Call call(context);
    (*static_cast<Work*>(kernel))(call);
  } catch (const std::bad_alloc&) {
    Status status;
    TF_SetStatus(status.status, TF_RESOURCE_EXHAUSTED, "there is not enough memory");
    TF_OpKernelContext_Failure(context, status.status);
  } catch (const std::exception& error) {
    Status status;
    TF_SetStatus(status.status, TF_INVALID_ARGUMENT, error.what());
    TF_OpKernelContext_Failure(context, status.status);
  }
}

void destroy(void* kernel) { delete static_cast<Work*>(kernel); }

constexpr int kMostOperations = 32;
using Create = void* (*)(TF_OpKernelConstruction*);

template <int... Numbers>
constexpr std::array<Create, sizeof...(Numbers)> creators(std::integer_sequence<int, Numbers...>) {
  return {create<Numbers>...};
}
constexpr auto kCreators = creators(std::make_integer_sequence<int, kMostOperations>());

void anyShape(TF_ShapeInferenceContext* context, TF_Status* status) {
  TF_ShapeInferenceContextSetUnknownShape(context, status);
}

}  // namespace

float Attributes::number(const char* name) const {
  Status status;
  float value = 0;
  TF_OpKernelConstruction_GetAttrFloat(construction_, name, &value, status.status);
  status.check(name);
  return value;
}

bool Attributes::flag(const char* name) const {
  Status status;
  TF_Bool value = 0;
  TF_OpKernelConstruction_GetAttrBool(construction_, name, &value, status.status);
  status.check(name);
  return value != 0;
}

std::vector<int64_t> Attributes::integers(const char* name) const {
  Status status;
  int32_t count = 0, total = 0;
  TF_OpKernelConstruction_GetAttrSize(construction_, name, &count, &total, status.status);
  status.check(name);
  std::vector<int64_t> values(count);
  if (count > 0) TF_OpKernelConstruction_GetAttrInt64List(construction_, name, values.data(), count, status.status);
  status.check(name);
  return values;
}

int64_t sizeOf(const Shape& shape) {
  int64_t size = 1;
  for (const int64_t dimension : shape) size *= dimension;
  return size;
}

Call::Call(TF_OpKernelContext* context) : context_(context), status_(TF_NewStatus()) {
  for (int i = 0; i < TF_NumInputs(context); i += 1) {
    TF_Tensor* tensor = nullptr;
    TF_GetInput(context, i, &tensor, status_);
    inputs_.push_back(tensor);
  }
}

Call::~Call() {
  for (auto* tensor : inputs_) {
    if (tensor != nullptr) TF_DeleteTensor(tensor);
  }
  for (auto* tensor : outputs_) TF_DeleteTensor(tensor);
  TF_DeleteStatus(status_);
}

const float* Call::data(int input) const { return static_cast<const float*>(TF_TensorData(inputs_.at(input))); }

Shape Call::shape(int input) const {
  const TF_Tensor* const tensor = inputs_.at(input);
  Shape shape;
  for (int i = 0; i < TF_NumDims(tensor); i += 1) shape.push_back(TF_Dim(tensor, i));
  return shape;
}

int64_t Call::size(int input) const { return sizeOf(shape(input)); }

float* Call::output(int index, const Shape& shape) {
  TF_Tensor* const tensor = TF_AllocateOutput(context_, index, TF_FLOAT, shape.data(), static_cast<int>(shape.size()),
                                              sizeOf(shape) * sizeof(float), status_);
  if (TF_GetCode(status_) != TF_OK || tensor == nullptr) throw std::bad_alloc();
  outputs_.push_back(tensor);
  return static_cast<float*>(TF_TensorData(tensor));
}

void Call::expect(bool holds, const char* what) const {
  if (!holds) throw std::invalid_argument(what);
}

void registerOperations(const std::vector<Operation>& operations) {
  if (operations.size() > kMostOperations) throw std::runtime_error("there are more operations than creators");
  registered() = operations;
  for (size_t number = 0; number < operations.size(); number += 1) {
    const Operation& operation = operations[number];
    Status status;
    auto* const definition = TF_NewOpDefinitionBuilder(operation.name);
    for (const char* spec : operation.attributes) TF_OpDefinitionBuilderAddAttr(definition, spec);
    for (const char* spec : operation.inputs) TF_OpDefinitionBuilderAddInput(definition, spec);
    for (const char* spec : operation.outputs) TF_OpDefinitionBuilderAddOutput(definition, spec);
    TF_OpDefinitionBuilderSetShapeInferenceFunction(definition, anyShape);
    TF_RegisterOpDefinition(definition, status.status);
    status.check(operation.name);
    auto* const kernel = TF_NewKernelBuilder(operation.name, "CPU", kCreators[number], compute, destroy);
    TF_RegisterKernelBuilder(operation.name, kernel, status.status);
    status.check(operation.name);
  }
}

}  // namespace thaw
