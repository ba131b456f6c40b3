#pragma once

namespace thaw {

/** Registers every operation with TensorFlow; once a process. @throws std::runtime_error */
void registerKernels();

}  // namespace thaw
