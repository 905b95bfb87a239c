// A depthwise convolution over the past, channels last, optionally followed by silu.
#include "kernels/causal_conv.h"

#include "api/abi.h"
#include "api/calls.h"

namespace {

using namespace patchkit::kernels;
using patchkit::api::run_floating;

using Call = patchkit::api::CausalConvCall;

ConvShape shape(const Call* call) {
  return {call->batch, call->length, call->channels, call->width, call->silu != 0, call->threads};
}

}  // namespace

PK_API int32_t pk_causal_conv_forward(const Call* call) {
  return run_floating(call->type, [&](auto number) {
    using T = decltype(number);
    return causal_conv_forward<T>(shape(call), call->x.as<Sequence<const T>>(), static_cast<const T*>(call->weight),
                                  static_cast<const T*>(call->bias), call->initial.as<Sequence<const T>>(),
                                  call->out.as<Sequence<T>>());
  });
}

PK_API int32_t pk_causal_conv_backward(const Call* call) {
  return run_floating(call->type, [&](auto number) {
    using T = decltype(number);
    return causal_conv_backward<T>(shape(call), call->x.as<Sequence<const T>>(), static_cast<const T*>(call->weight),
                                   static_cast<const T*>(call->bias), call->initial.as<Sequence<const T>>(),
                                   call->grad_out.as<Sequence<const T>>(), call->grad_x.as<Sequence<T>>(),
                                   static_cast<T*>(call->grad_weight), static_cast<T*>(call->grad_bias),
                                   call->grad_initial.as<Sequence<T>>());
  });
}
