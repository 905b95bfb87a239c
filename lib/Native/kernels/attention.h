#pragma once

#include <cstdint>

namespace patchkit::kernels {

// A (batch, heads, length, dim) operand whose last dimension is contiguous; strides count elements.
template <class T>
struct Heads {
  T* data;
  int64_t batch_stride, head_stride, row_stride;

  T* head(int64_t batch, int64_t head) const { return data + batch * batch_stride + head * head_stride; }
};

struct AttentionShape {
  int64_t batch, heads, queries, keys, dim;
  bool causal;  // query i sees keys 0..i
  double scale;
  int threads;
};

// out = softmax(scale q k^T) v, without ever holding a (queries, keys) matrix.
// log_sum_exp is (batch, heads, queries), contiguous. False when stopped; the outputs are then unfinished.
template <class T>
bool attention_forward(const AttentionShape& shape, Heads<const T> q, Heads<const T> k, Heads<const T> v, Heads<T> out,
                       T* log_sum_exp);

// The scores are computed again from q, k and log_sum_exp.
template <class T>
bool attention_backward(const AttentionShape& shape, Heads<const T> q, Heads<const T> k, Heads<const T> v,
                        Heads<const T> out, const T* log_sum_exp, Heads<const T> grad_out, Heads<T> grad_q,
                        Heads<T> grad_k, Heads<T> grad_v);

}  // namespace patchkit::kernels
