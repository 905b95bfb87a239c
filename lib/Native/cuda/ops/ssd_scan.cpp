// patchkit::ssd_scan on CUDA: libtorch's batched matrix products with the element-wise stages of ssd_scan.h between
// them, slab by slab, so that the workspace stays the same however long the sequence is.

#include "../ssd_scan.h"

#include <algorithm>

#include "../../kernels/stop.h"
#include "support.h"

namespace patchkit::ops {
namespace {

using cuda::Direction;
using cuda::Layout;
using cuda::Slab;
using cuda::TokenView;

using ForwardResult = std::tuple<Tensor, Tensor, Tensor>;  // y, final_state, chunk_states
using BackwardResult = std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor>;

// Large enough that a slab fills the device many times over, also in the stages that go through a chunk step by step;
// small beside the activations of a long sequence.
constexpr int64_t workspace_bytes = int64_t{1} << 30;

void check(cudaError_t status) { check_started(status, "ssd_scan"); }

/// The tensors of one call; absent ones are undefined.
struct Arguments {
  Tensor x, dt, A, B, C, D, z, dt_bias, initial_state;
  bool dt_softplus;
  int64_t chunk_size;
};

/// (b, l, heads or groups, features) or (b, l, heads)
template <class E>
TokenView<E> view(const Tensor& tensor) {
  if (!tensor.defined()) return {};
  return {static_cast<E*>(tensor.data_ptr()), tensor.stride(0), tensor.stride(1), tensor.stride(2)};
}

/// The long tensors stay strided as they are; only the small ones are brought to the arithmetic's dtype.
template <class E>
struct Call {
  using T = Arithmetic<E>;

  explicit Call(const Arguments& a)
      : x(with_contiguous_last_dim(a.x)), B(with_contiguous_last_dim(a.B)), C(with_contiguous_last_dim(a.C)),
        z(a.z.defined() ? with_contiguous_last_dim(a.z) : Tensor()), dt(a.dt.to(arithmetic_type<E>)),
        A(in_arithmetic<E>(a.A)), D(in_arithmetic<E>(a.D)), dt_bias(in_arithmetic<E>(a.dt_bias)),
        batch(x.size(0)), length(x.size(1)), heads(x.size(2)), groups(B.size(2)), head_dim(x.size(3)),
        state_dim(B.size(3)), chunk(std::min({a.chunk_size, length, cuda::longest_chunk})),
        chunks(chunk == 0 ? 0 : (length + chunk - 1) / chunk),
        steps{view<const T>(dt), data_of<const T>(A), data_of<const T>(dt_bias), a.dt_softplus},
        skip{data_of<const T>(D), D.defined() && D.dim() == 2}, stream(stream_of(x)) {}

  Tensor empty(at::IntArrayRef sizes) const { return at::empty(sizes, x.options().dtype(arithmetic_type<E>)); }
  Tensor operand(at::IntArrayRef sizes) const { return at::empty(sizes, x.options().dtype(operand_type<E>)); }

  /// The chunks from first_chunk on that the workspace holds at once, given the elements of its buffers for one chunk
  /// of one head and of one group.
  Slab slab_from(int64_t first_chunk, int64_t per_head, int64_t per_group) const {
    const int64_t bytes = batch * (heads * per_head + groups * per_group) * static_cast<int64_t>(sizeof(Operand<E>));
    const int64_t fit = std::max<int64_t>(1, workspace_bytes / std::max<int64_t>(1, bytes));
    return {batch,     length, heads,       groups, head_dim,
            state_dim, chunk,  first_chunk, std::min(fit, chunks - first_chunk)};
  }

  /// (b, h, p, n) -> (b g, N, r P), or zeros
  Tensor carry_of(const Tensor& state) const {
    const int64_t r = heads / groups;
    if (!state.defined()) return empty({batch * groups, state_dim, r * head_dim}).zero_();
    return in_arithmetic<E>(state)
        .view({batch, groups, r, head_dim, state_dim})
        .permute({0, 1, 4, 2, 3})
        .clone(at::MemoryFormat::Contiguous)
        .view({batch * groups, state_dim, r * head_dim});
  }

  Tensor state_of(const Tensor& carry) const {
    return carry.view({batch, groups, state_dim, heads / groups, head_dim})
        .permute({0, 1, 3, 4, 2})
        .reshape({batch, heads, head_dim, state_dim});
  }

  Tensor x, B, C, z, dt, A, D, dt_bias;
  int64_t batch, length, heads, groups, head_dim, state_dim;
  int64_t chunk, chunks;
  cuda::StepInputs<T> steps;
  cuda::Skip<T> skip;
  cudaStream_t stream;
};

/// What the forward and the backward compute first for a slab.
template <class E>
struct SlabTensors {
  using T = Arithmetic<E>;

  SlabTensors(const Call<E>& call, const Slab& slab)
      : call(call), slab(slab), r(slab.heads / slab.groups), matrices(slab.chunks * slab.batch * slab.groups),
        sums(at::empty({per_step()}, call.x.options().dtype(at::kDouble))), scalars(call.empty({4, per_step()})),
        steps{data_of<double>(sums), scalar(0), scalar(1), scalar(2), scalar(3)} {
    check(cuda::ssd_steps<T>(slab, call.steps, steps, call.stream));
    B = packed_group(call.B);
    C = packed_group(call.C);
    products = at::bmm(C, B.transpose(1, 2));
    inputs_by_head = packed(call.x, nullptr, Tensor(), Layout::by_head);
    written = packed(call.x, steps.write, Tensor(), Layout::by_token);
  }

  int64_t per_step() const { return slab.chunks * slab.batch * slab.chunk * slab.heads; }
  T* scalar(int64_t index) const { return data_of<T>(scalars) + index * per_step(); }

  Tensor packed_group(const Tensor& source) const {
    const Tensor target = call.operand({matrices, slab.chunk, slab.state_dim});
    const cuda::PackInputs<E> in{view<const E>(source), {}, slab.groups, slab.state_dim, nullptr};
    check(cuda::ssd_pack<E>(slab, in, Layout::by_token, data_of<Operand<E>>(target), call.stream));
    return target;
  }

  Tensor packed(const Tensor& source, const T* scale, const Tensor& gate, Layout layout) const {
    const Tensor target = layout == Layout::by_token ? call.operand({matrices, slab.chunk, r * slab.head_dim})
                                                     : call.operand({matrices * r, slab.chunk, slab.head_dim});
    const cuda::PackInputs<E> in{view<const E>(source), view<const E>(gate), slab.heads, slab.head_dim, scale};
    check(cuda::ssd_pack<E>(slab, in, layout, data_of<Operand<E>>(target), call.stream));
    return target;
  }

  /// (c b h, Q, Q): what token i takes from token j
  Tensor mixing() const {
    const Tensor target = call.operand({matrices * r, slab.chunk, slab.chunk});
    check(cuda::ssd_mixing<E>(slab, data_of<const Operand<E>>(products), steps, data_of<Operand<E>>(target),
                              call.stream));
    return target;
  }

  /// What the outputs before skip and gate are made of.
  cuda::OutputInputs<E> output_inputs(const Tensor& read, const Tensor& within) const {
    return {view<const E>(call.x), view<const E>(call.z), data_of<const Operand<E>>(read),
            data_of<const Operand<E>>(within), steps.enter, call.skip};
  }

  const Call<E>& call;
  Slab slab;
  int64_t r, matrices;  // heads per group, (c, b, g)
  Tensor sums, scalars;
  cuda::Steps<T> steps;
  Tensor B, C;            // (c b g, Q, N)
  Tensor products;        // (c b g, Q, Q) C B^T
  Tensor inputs_by_head;  // (c b h, Q, P)
  Tensor written;         // (c b g, Q, r P) what reaches the chunk's end
};

// ---------------------------------------------------------------- forward

/// Fills y and the states that enter the slab's chunks, (c b g, N, r P); moves the carry on.
template <class E>
void forward_slab(const Call<E>& call, const Slab& slab, const Tensor& y, Tensor states, const Tensor& carry) {
  const SlabTensors<E> s(call, slab);
  at::bmm_out(states, s.B.transpose(1, 2), s.written);
  check(cuda::ssd_pass_states<E>(slab, Direction::onward, s.steps.enter, data_of<Operand<E>>(states),
                                 data_of<Arithmetic<E>>(carry), call.stream));
  const Tensor read = at::bmm(s.C, states);                      // (c b g, Q, r P)
  const Tensor within = at::bmm(s.mixing(), s.inputs_by_head);  // (c b h, Q, P)
  check(cuda::ssd_outputs<E>(slab, s.output_inputs(read, within), view<E>(y), call.stream));
}

template <class E>
ForwardResult forward(const Arguments& a, bool keep_states) {
  const Call<E> call(a);
  const int64_t Q = call.chunk, P = call.head_dim, N = call.state_dim;
  const int64_t rows = call.batch * call.groups, columns = call.heads / call.groups * P;
  const Tensor y = at::empty(a.x.sizes(), a.x.options());
  const Tensor carry = call.carry_of(a.initial_state);  // (b g, N, r P)
  const Tensor kept = call.operand({keep_states ? call.chunks * rows : 0, N, columns});
  if (a.x.numel() == 0) return {y, call.state_of(carry), kept};
  for (int64_t chunk = 0; chunk < call.chunks;) {
    check_finished(!stop_requested(), "ssd_scan");
    const Slab slab = call.slab_from(chunk, Q * Q + 4 * Q * P + N * P, Q * Q + 2 * Q * N);
    const Tensor states = keep_states ? kept.narrow(0, chunk * rows, slab.chunks * rows)
                                      : call.operand({slab.chunks * rows, N, columns});
    forward_slab(call, slab, y, states, carry);
    chunk += slab.chunks;
  }
  return {y, call.state_of(carry), kept};
}

ForwardResult forward_cuda(const Tensor& x, const Tensor& dt, const Tensor& A, const Tensor& B, const Tensor& C,
                           const Optional<Tensor>& D, const Optional<Tensor>& z, const Optional<Tensor>& dt_bias,
                           const Optional<Tensor>& initial_state, bool dt_softplus, int64_t chunk_size,
                           bool keep_states) {
  const Scope scope(x);
  const Arguments a{x, dt, A, B, C, tensor_or_undefined(D), tensor_or_undefined(z), tensor_or_undefined(dt_bias),
                    tensor_or_undefined(initial_state), dt_softplus, chunk_size};
  return for_element(x, "ssd_scan", [&](auto element) {
    return forward<typename decltype(element)::type>(a, keep_states);
  });
}

// ---------------------------------------------------------------- backward

/// The gradients as they grow, slab by slab from the last.
template <class E>
struct Gradients {
  using T = Arithmetic<E>;

  Gradients(const Call<E>& call, const Arguments& a)
      : x(at::empty(a.x.sizes(), a.x.options())), z(a.z.defined() ? at::empty(a.z.sizes(), a.z.options()) : Tensor()),
        B(at::empty(a.B.sizes(), a.B.options())), C(at::empty(a.C.sizes(), a.C.options())),
        dt(call.empty(a.dt.sizes())),
        A_sums(at::empty({call.chunks, call.batch, call.heads}, a.x.options().dtype(at::kDouble))),
        D_sums(a.D.defined() ? call.empty({call.chunks, call.batch, call.heads, call.head_dim}) : Tensor()) {}

  Tensor x, z, B, C, dt;
  Tensor A_sums;  // (all chunks, b, h)
  Tensor D_sums;  // (all chunks, b, h, P)
};

/// (c b g, Q, N) into the slab's tokens of (b, l, g, n)
void store_tokens(const Slab& slab, const Tensor& matrices, const Tensor& target) {
  const int64_t first = slab.first_chunk * slab.chunk, tokens = std::min(slab.chunks * slab.chunk, slab.length - first);
  target.narrow(1, first, tokens)
      .copy_(matrices.view({slab.chunks, slab.batch, slab.groups, slab.chunk, slab.state_dim})
                 .permute({1, 0, 3, 2, 4})
                 .reshape({slab.batch, slab.chunks * slab.chunk, slab.groups, slab.state_dim})
                 .narrow(1, 0, tokens));
}

/// `states` are those that entered the slab's chunks; the carry holds the gradient of the state that leaves the slab.
template <class E>
void backward_slab(const Call<E>& call, const Slab& slab, const Tensor& grad_y, const Tensor& states,
                   const Tensor& carry, const Gradients<E>& grads) {
  using T = Arithmetic<E>;
  const SlabTensors<E> s(call, slab);
  const auto pointer = [](const Tensor& tensor) { return data_of<T>(tensor); };
  const auto operand = [](const Tensor& tensor) { return data_of<Operand<E>>(tensor); };
  const auto across_heads = [&](const Tensor& by_head) {  // (c b h, Q, Q) -> (c b g, Q, Q)
    return s.r == 1 ? by_head : by_head.view({s.matrices, s.r, slab.chunk, slab.chunk}).sum(1);
  };

  // g, the gradient before the gate, and what it asks of the states
  const Tensor g = s.packed(grad_y, nullptr, call.z, Layout::by_head);               // (c b h, Q, P)
  const Tensor asked = s.packed(grad_y, s.steps.enter, call.z, Layout::by_token);    // (c b g, Q, r P)
  const Tensor state_grads = at::bmm(s.C.transpose(1, 2), asked);                    // (c b g, N, r P)
  check(cuda::ssd_pass_states<E>(slab, Direction::backward, s.steps.enter, operand(state_grads), pointer(carry),
                                 call.stream));
  const Tensor read = at::bmm(s.C, states);         // (c b g, Q, r P)
  const Tensor passed = at::bmm(s.B, state_grads);  // (c b g, Q, r P)

  if (call.z.defined()) {
    const Tensor within = at::bmm(s.mixing(), s.inputs_by_head);
    check(cuda::ssd_gate_gradient<E>(slab, s.output_inputs(read, within), view<const E>(grad_y), view<E>(grads.z),
                                     call.stream));
  }

  const Tensor through = call.empty({4, s.per_step()});
  const auto row = [&](int64_t index) { return pointer(through) + index * s.per_step(); };
  const cuda::StepGradients<T> step_grads{row(0), row(1), row(2), row(3)};
  const Tensor product_grads = at::bmm(g, s.inputs_by_head.transpose(1, 2));  // (c b h, Q, Q)
  const Tensor mixing = at::empty_like(product_grads);
  check(cuda::ssd_mixing_gradient<E>(slab, operand(s.products), s.steps, operand(product_grads), operand(mixing),
                                     step_grads, call.stream));
  const Tensor within = at::bmm(mixing.transpose(1, 2), g);  // (c b h, Q, P)
  const cuda::InputGradientInputs<E> in{view<const E>(call.x), operand(g), operand(within),
                                        operand(read),         operand(passed), call.skip};
  check(cuda::ssd_input_gradient<E>(slab, in, s.steps, view<E>(grads.x), step_grads, call.stream));

  const Tensor dG = across_heads(product_grads);
  store_tokens(slab, at::baddbmm(at::bmm(dG, s.B), asked, states.transpose(1, 2)), grads.C);
  store_tokens(slab, at::baddbmm(at::bmm(dG.transpose(1, 2), s.C), s.written, state_grads.transpose(1, 2)), grads.B);

  const Tensor through_total = call.empty({slab.chunks * slab.batch * slab.heads});
  check(cuda::ssd_total_gradient<E>(slab, s.steps.enter, operand(states), operand(state_grads), pointer(through_total),
                                    call.stream));
  check(cuda::ssd_step_gradient<T>(slab, call.steps, s.steps, step_grads, pointer(through_total), pointer(grads.dt),
                                   data_of<double>(grads.A_sums.narrow(0, slab.first_chunk, slab.chunks)),
                                   call.stream));
  if (grads.D_sums.defined())
    check(cuda::ssd_skip_gradient<E>(slab, view<const E>(call.x), operand(g),
                                     pointer(grads.D_sums.narrow(0, slab.first_chunk, slab.chunks)), call.stream));
}

template <class E>
BackwardResult backward(const Tensor& grad_y_any, const Tensor& grad_final_state, const Tensor& chunk_states,
                        const Arguments& a) {
  const Call<E> call(a);
  const int64_t Q = call.chunk, P = call.head_dim, N = call.state_dim, rows = call.batch * call.groups;
  const Tensor grad_y = with_contiguous_last_dim(grad_y_any.to(a.x.scalar_type()));
  const Tensor carry = call.carry_of(grad_final_state);  // (b g, N, r P)
  const Gradients<E> grads(call, a);
  if (a.x.numel() == 0) {
    for (const Tensor* tensor : {&grads.dt, &grads.B, &grads.C, &grads.A_sums, &grads.D_sums})
      if (tensor->defined()) tensor->zero_();
  } else {
    for (int64_t end = call.chunks; end > 0;) {
      check_finished(!stop_requested(), "ssd_scan");
      Slab slab = call.slab_from(0, 2 * Q * Q + 8 * Q * P + N * P, 2 * Q * Q + 6 * Q * N);
      slab.chunks = std::min(slab.chunks, end);
      slab.first_chunk = end - slab.chunks;
      backward_slab(call, slab, grad_y, chunk_states.narrow(0, slab.first_chunk * rows, slab.chunks * rows), carry,
                    grads);
      end = slab.first_chunk;
    }
  }
  const Tensor dA = grads.A_sums.sum(at::IntArrayRef{0, 1});
  Tensor dD = grads.D_sums.defined() ? grads.D_sums.sum(at::IntArrayRef{0, 1}) : Tensor();
  if (dD.defined() && a.D.dim() == 1) dD = dD.sum(1);
  const Tensor dbias = a.dt_bias.defined() ? grads.dt.sum(at::IntArrayRef{0, 1}) : Tensor();
  const Tensor dinitial = a.initial_state.defined() ? call.state_of(carry) : Tensor();
  return {grads.x, in_type_of(grads.dt, a.dt), in_type_of(dA, a.A), grads.B, grads.C, in_type_of(dD, a.D),
          grads.z, in_type_of(dbias, a.dt_bias), in_type_of(dinitial, a.initial_state)};
}

BackwardResult backward_cuda(const Tensor& grad_y, const Optional<Tensor>& grad_final_state,
                             const Tensor& chunk_states, const Tensor& x, const Tensor& dt, const Tensor& A,
                             const Tensor& B, const Tensor& C, const Optional<Tensor>& D, const Optional<Tensor>& z,
                             const Optional<Tensor>& dt_bias, const Optional<Tensor>& initial_state, bool dt_softplus,
                             int64_t chunk_size) {
  const Scope scope(x);
  const Arguments a{x, dt, A, B, C, tensor_or_undefined(D), tensor_or_undefined(z), tensor_or_undefined(dt_bias),
                    tensor_or_undefined(initial_state), dt_softplus, chunk_size};
  return for_element(x, "ssd_scan", [&](auto element) {
    return backward<typename decltype(element)::type>(grad_y, tensor_or_undefined(grad_final_state), chunk_states, a);
  });
}

}  // namespace

TORCH_LIBRARY_IMPL(patchkit, CUDA, m) {
  m.impl("_ssd_scan_forward", TORCH_FN(forward_cuda));
  m.impl("_ssd_scan_backward", TORCH_FN(backward_cuda));
}

}  // namespace patchkit::ops
