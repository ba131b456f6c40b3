// The kernels as TensorFlow operations, by what they are about. packages/node-runner/src/fused-kernels.ts calls them.
#pragma once

#include <vector>

#include "operation.h"

namespace thaw {

std::vector<Operation> convOperations();
std::vector<Operation> normOperations();
std::vector<Operation> headOperations();

}  // namespace thaw
