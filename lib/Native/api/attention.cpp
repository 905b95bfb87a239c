// softmax(scale q k^T) v without a (queries, keys) matrix.
#include "kernels/attention.h"

#include "api/abi.h"

namespace {

using namespace patchkit::kernels;
using patchkit::api::run_floating;

struct View {  // (batch, heads, length, dim) whose last dimension is contiguous; strides count elements
  void* data;
  int64_t batch, head, row;

  template <class T>
  Heads<T> as() const {
    return {static_cast<T*>(data), batch, head, row};
  }
};

struct Call {
  int64_t batch, heads, queries, keys, dim;
  double scale;
  int32_t causal, type, threads, unused;
  View q, k, v, out;
  void* log_sum_exp;  // (batch, heads, queries)
  View grad_out, grad_q, grad_k, grad_v;

  AttentionShape shape() const { return {batch, heads, queries, keys, dim, causal != 0, scale, threads}; }
};

}  // namespace

PK_API int32_t pk_attention_forward(const Call* call) {
  return run_floating(call->type, [&](auto number) {
    using T = decltype(number);
    return attention_forward<T>(call->shape(), call->q.as<const T>(), call->k.as<const T>(), call->v.as<const T>(),
                                call->out.as<T>(), static_cast<T*>(call->log_sum_exp));
  });
}

PK_API int32_t pk_attention_backward(const Call* call) {
  return run_floating(call->type, [&](auto number) {
    using T = decltype(number);
    return attention_backward<T>(call->shape(), call->q.as<const T>(), call->k.as<const T>(), call->v.as<const T>(),
                                 call->out.as<const T>(), static_cast<const T*>(call->log_sum_exp),
                                 call->grad_out.as<const T>(), call->grad_q.as<T>(), call->grad_k.as<T>(),
                                 call->grad_v.as<T>());
  });
}
