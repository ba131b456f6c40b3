// The Node-API side: `start(threads)` registers the operations. All else goes through TensorFlow.
#include "addon.h"

#include <node_api.h>

#include <stdexcept>

#include "parallel.h"
#include "simd.h"

namespace {

napi_value start(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument = nullptr, result = nullptr;
  int32_t threads = 0;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  if (count < 1 || napi_get_value_int32(env, argument, &threads) != napi_ok || threads < 1) {
    napi_throw_type_error(env, nullptr, "start() takes the number of threads, from 1");
    return nullptr;
  }
  try {
    static const bool registered = (thaw::registerKernels(), true);
    (void)registered;
    thaw::setThreads(threads);
  } catch (const std::exception& error) {
    napi_throw_error(env, nullptr, error.what());
    return nullptr;
  }
  napi_create_int32(env, thaw::kLanes, &result);
  return result;
}

}  // namespace

NAPI_MODULE_INIT() {
  napi_value function = nullptr;
  napi_create_function(env, "start", NAPI_AUTO_LENGTH, start, nullptr, &function);
  napi_set_named_property(env, exports, "start", function);
  return exports;
}
