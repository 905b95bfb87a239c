// patchkit::attention: softmax(scale q k^T) v without a (queries, keys) matrix.
//
// A device takes part by registering _attention_forward and _attention_backward for its key. CUDA does not: every
// libtorch with CUDA that PatchKit is built for has scaled_dot_product_attention, whose kernels keep no such matrix either.

#include "../kernels/attention.h"

#include <cmath>

#include "support.h"

namespace patchkit::ops {
namespace {

using kernels::AttentionShape;
using kernels::Heads;

using ForwardResult = std::tuple<Tensor, Tensor>;           // out (B, H, Lq, D), log_sum_exp (B, H, Lq)
using BackwardResult = std::tuple<Tensor, Tensor, Tensor>;  // grads of q, k and v

ForwardResult call_forward(const Tensor& q, const Tensor& k, const Tensor& v, bool is_causal, double scale) {
  static const auto op = find_operator<ForwardResult(const Tensor&, const Tensor&, const Tensor&, bool, double)>(
      "patchkit::_attention_forward");
  check_has_kernel(op, q, "attention");
  return op.call(q, k, v, is_causal, scale);
}

BackwardResult call_backward(const Tensor& grad_out, const Tensor& q, const Tensor& k, const Tensor& v,
                             const Tensor& out, const Tensor& log_sum_exp, bool is_causal, double scale) {
  static const auto op = find_operator<BackwardResult(const Tensor&, const Tensor&, const Tensor&, const Tensor&,
                                                      const Tensor&, const Tensor&, bool, double)>(
      "patchkit::_attention_backward");
  return op.call(grad_out, q, k, v, out, log_sum_exp, is_causal, scale);
}

struct AttentionFunction : torch::autograd::Function<AttentionFunction> {
  static Tensor forward(AutogradContext* context, const Tensor& q, const Tensor& k, const Tensor& v, bool is_causal,
                        double scale) {
    at::AutoDispatchBelowADInplaceOrView below_autograd;
    const auto [out, log_sum_exp] = call_forward(q, k, v, is_causal, scale);
    context->save_for_backward({q, k, v, out, log_sum_exp});
    context->saved_data["is_causal"] = is_causal;
    context->saved_data["scale"] = scale;
    return out;
  }

  static variable_list backward(AutogradContext* context, variable_list grads) {
    check_first_derivative("attention");
    const variable_list saved = context->get_saved_variables();
    const auto [grad_q, grad_k, grad_v] =
        call_backward(grads[0], saved[0], saved[1], saved[2], saved[3], saved[4],
                      context->saved_data["is_causal"].toBool(), context->saved_data["scale"].toDouble());
    return {grad_q, grad_k, grad_v, Tensor(), Tensor()};
  }
};

void check_operand(const char* name, const Tensor& tensor) {
  TORCH_CHECK(tensor.dim() == 4, "patchkit::attention: ", name, " has ", tensor.dim(), " dimensions, ", tensor.sizes(),
              ", but (batch, heads, length, head dim) are 4; unsqueeze the missing ones.");
  TORCH_CHECK(tensor.is_floating_point(), "patchkit::attention: ", name, " is ", tensor.scalar_type(),
              ", but a softmax needs a floating type; convert it to Float, Double or BFloat16.");
}

void check_operands(const Tensor& q, const Tensor& k, const Tensor& v) {
  check_operand("q", q);
  check_operand("k", k);
  check_operand("v", v);
  TORCH_CHECK(k.scalar_type() == q.scalar_type() && v.scalar_type() == q.scalar_type(), "patchkit::attention: q is ",
              q.scalar_type(), ", k is ", k.scalar_type(), " and v is ", v.scalar_type(),
              "; convert them to one type.");
  TORCH_CHECK(k.device() == q.device() && v.device() == q.device(), "patchkit::attention: q is on ", q.device(),
              ", k on ", k.device(), " and v on ", v.device(), "; move them to one device.");
  TORCH_CHECK(k.sizes() == v.sizes(), "patchkit::attention: k is ", k.sizes(), " and v is ", v.sizes(),
              ", but every key needs one value of the same head dim; give them one shape.");
  TORCH_CHECK(q.size(0) == k.size(0) && q.size(1) == k.size(1) && q.size(3) == k.size(3), "patchkit::attention: q is ",
              q.sizes(), " and k is ", k.sizes(),
              ", but they may differ in length (dimension 2) only; expand k and v to q's batch and heads.");
  TORCH_CHECK(k.size(2) > 0 && k.size(3) > 0, "patchkit::attention: k is ", k.sizes(),
              ", but a softmax needs at least one key and one channel; give it a length and a head dim of 1 or more.");
}

Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, bool is_causal, Optional<double> scale) {
  check_operands(q, k, v);
  const at::ScalarType type = compute_type(q, q.scalar_type());
  const double factor = scale.has_value() ? *scale : 1 / std::sqrt(static_cast<double>(q.size(3)));
  return AttentionFunction::apply(q.to(type), k.to(type), v.to(type), is_causal, factor).to(q.scalar_type());
}

AttentionShape shape_of(const Tensor& q, const Tensor& k, bool is_causal, double scale) {
  return {q.size(0), q.size(1), q.size(2), k.size(2), q.size(3), is_causal, scale, at::get_num_threads()};
}

template <class T>
Heads<T> heads(const Tensor& tensor) {
  return {tensor.data_ptr<std::remove_const_t<T>>(), tensor.stride(0), tensor.stride(1), tensor.stride(2)};
}

// (B, H, L, D) whose memory is (B, L, H, D): transposing and merging the heads costs nothing
Tensor empty_heads(const Tensor& like) {
  return at::empty({like.size(0), like.size(2), like.size(1), like.size(3)}, like.options()).transpose(1, 2);
}

ForwardResult forward_cpu(const Tensor& q_any, const Tensor& k_any, const Tensor& v_any, bool is_causal, double scale) {
  const Tensor q = with_contiguous_last_dim(q_any);
  const Tensor k = with_contiguous_last_dim(k_any);
  const Tensor v = with_contiguous_last_dim(v_any);
  const Tensor out = empty_heads(q);
  const Tensor log_sum_exp = at::empty({q.size(0), q.size(1), q.size(2)}, q.options());
  AT_DISPATCH_FLOATING_TYPES(q.scalar_type(), "attention", [&] {
    check_finished(kernels::attention_forward<scalar_t>(shape_of(q, k, is_causal, scale), heads<const scalar_t>(q),
                                                        heads<const scalar_t>(k), heads<const scalar_t>(v),
                                                        heads<scalar_t>(out), log_sum_exp.data_ptr<scalar_t>()),
                   "attention");
  });
  return {out, log_sum_exp};
}

BackwardResult backward_cpu(const Tensor& grad_out_any, const Tensor& q_any, const Tensor& k_any, const Tensor& v_any,
                            const Tensor& out, const Tensor& log_sum_exp, bool is_causal, double scale) {
  const Tensor grad_out = with_contiguous_last_dim(grad_out_any);
  const Tensor q = with_contiguous_last_dim(q_any);
  const Tensor k = with_contiguous_last_dim(k_any);
  const Tensor v = with_contiguous_last_dim(v_any);
  const Tensor grad_q = empty_heads(q);
  const Tensor grad_k = empty_heads(k);
  const Tensor grad_v = empty_heads(v);
  AT_DISPATCH_FLOATING_TYPES(q.scalar_type(), "attention_backward", [&] {
    check_finished(
        kernels::attention_backward<scalar_t>(
            shape_of(q, k, is_causal, scale), heads<const scalar_t>(q), heads<const scalar_t>(k),
            heads<const scalar_t>(v), heads<const scalar_t>(out), log_sum_exp.data_ptr<scalar_t>(),
            heads<const scalar_t>(grad_out), heads<scalar_t>(grad_q), heads<scalar_t>(grad_k), heads<scalar_t>(grad_v)),
        "attention");
  });
  return {grad_q, grad_k, grad_v};
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(patchkit, m) {
  m.def("attention(Tensor q, Tensor k, Tensor v, bool is_causal=False, float? scale=None) -> Tensor");
  m.def("_attention_forward(Tensor q, Tensor k, Tensor v, bool is_causal, float scale) -> (Tensor, Tensor)");
  m.def(
      "_attention_backward(Tensor grad_out, Tensor q, Tensor k, Tensor v, Tensor out, Tensor log_sum_exp, "
      "bool is_causal, float scale) -> (Tensor, Tensor, Tensor)");
}

TORCH_LIBRARY_IMPL(patchkit, CompositeImplicitAutograd, m) { m.impl("attention", TORCH_FN(attention)); }

TORCH_LIBRARY_IMPL(patchkit, CPU, m) {
  m.impl("_attention_forward", TORCH_FN(forward_cpu));
  m.impl("_attention_backward", TORCH_FN(backward_cpu));
}

}  // namespace patchkit::ops
