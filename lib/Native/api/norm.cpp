// RMSNorm over groups of the last dimension, optionally gated by silu(z).
#include "kernels/norm.h"

#include "api/abi.h"
#include "api/calls.h"

namespace {

using namespace patchkit::kernels;
using patchkit::api::run_floating;

using Call = patchkit::api::RmsNormCall;

NormShape shape(const Call* call) {
  return {call->rows, call->channels, call->group_size, call->norm_before_gate != 0, call->eps, call->threads};
}

}  // namespace

PK_API int32_t pk_rms_norm_forward(const Call* call) {
  return run_floating(call->type, [&](auto number) {
    using T = decltype(number);
    return rms_norm_forward<T>(shape(call), call->x.as<Matrix<const T>>(), static_cast<const T*>(call->weight),
                               call->z.as<Matrix<const T>>(), call->out.as<Matrix<T>>(),
                               static_cast<T*>(call->reciprocal_rms));
  });
}

PK_API int32_t pk_rms_norm_backward(const Call* call) {
  return run_floating(call->type, [&](auto number) {
    using T = decltype(number);
    return rms_norm_backward<T>(shape(call), call->x.as<Matrix<const T>>(), static_cast<const T*>(call->weight),
                                call->z.as<Matrix<const T>>(), static_cast<const T*>(call->reciprocal_rms),
                                call->grad_out.as<Matrix<const T>>(), call->grad_x.as<Matrix<T>>(),
                                static_cast<T*>(call->grad_weight), call->grad_z.as<Matrix<T>>());
  });
}
