// RMSNorm over groups of the last dimension, optionally gated by silu(z).
#include "kernels/norm.h"

#include "api/abi.h"

namespace {

using namespace patchkit::kernels;
using patchkit::api::run_floating;

struct View {  // (rows, channels) whose channels are contiguous; the stride counts elements; absent where data is null
  void* data;
  int64_t row;

  template <class T>
  Matrix<T> as() const {
    return {static_cast<T*>(data), row};
  }
};

struct Call {
  int64_t rows, channels, group_size;
  double eps;
  int32_t norm_before_gate, type, threads, unused;
  View x, z, out;
  void *weight, *reciprocal_rms;  // (channels); (rows, groups)
  View grad_out, grad_x, grad_z;
  void* grad_weight;

  NormShape shape() const { return {rows, channels, group_size, norm_before_gate != 0, eps, threads}; }
};

}  // namespace

PK_API int32_t pk_rms_norm_forward(const Call* call) {
  return run_floating(call->type, [&](auto number) {
    using T = decltype(number);
    return rms_norm_forward<T>(call->shape(), call->x.as<const T>(), static_cast<const T*>(call->weight),
                               call->z.as<const T>(), call->out.as<T>(), static_cast<T*>(call->reciprocal_rms));
  });
}

PK_API int32_t pk_rms_norm_backward(const Call* call) {
  return run_floating(call->type, [&](auto number) {
    using T = decltype(number);
    return rms_norm_backward<T>(call->shape(), call->x.as<const T>(), static_cast<const T*>(call->weight),
                                call->z.as<const T>(), static_cast<const T*>(call->reciprocal_rms),
                                call->grad_out.as<const T>(), call->grad_x.as<T>(), static_cast<T*>(call->grad_weight),
                                call->grad_z.as<T>());
  });
}
