#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "elements.h"

/// The element-wise stages of the Mamba-2 scan (kernels/ssd_scan.h has the mathematics). Matrix products run between
/// them, over a slab: some consecutive chunks of all sequences, padded with steps of size 0, which neither decay the
/// state nor write to it. What the products take and give is in Operand<E>; everything else, the state that goes from
/// chunk to chunk among it, in Arithmetic<E>.
///
/// Sizes: c chunks, b batch, g groups, r heads per group, h = g r heads, Q tokens per chunk, P head dim, N state dim.
/// Layouts of a slab's buffers, all contiguous:
///   per step   (c, b, Q, h)        what a token has for each head
///   by token   (c, b, g, Q, r, P)  one matrix (Q, r P) per group: the heads of a group share B and C
///   by head    (c, b, h, Q, P)     one matrix (Q, P) per head
///   mixing     (c, b, h, Q, Q)     what token i takes from token j <= i
///   states     (c, b, g, N, r, P)
namespace patchkit::cuda {

// exp of this is 0 even in double, and prefix sums of it stay exact enough to be subtracted.
inline constexpr double strongest_decay = -1e4;

// A block of threads has one thread for each token of a chunk.
inline constexpr std::int64_t longest_chunk = 256;

struct Slab {
  std::int64_t batch, length, heads, groups, head_dim, state_dim;
  std::int64_t chunk;        // Q
  std::int64_t first_chunk;  // of the sequence's
  std::int64_t chunks;       // c
};

/// A (b, l, heads or groups, features) tensor whose features are contiguous; strides in elements.
template <class E>
struct TokenView {
  E* data = nullptr;
  std::int64_t batch = 0, token = 0, head = 0;
};

/// Per step. Decays are exp of differences of `sums`, the prefix sums of dt A within the chunk: in double, so that the
/// difference of two large sums keeps its digits.
template <class T>
struct Steps {
  double* sums;
  T* size;   // dt after bias and softplus
  T* enter;  // decay from the chunk's start
  T* leave;  // decay to the chunk's end
  T* write;  // leave size
};

template <class T>
struct StepInputs {
  TokenView<const T> dt;  // (b, l, h)
  const T* A;             // (h)
  const T* dt_bias;       // (h), optional
  bool dt_softplus;
};

template <class T>
struct Skip {
  const T* D = nullptr;  // (h), or (h, P) per feature; optional
  bool per_feature = false;
};

template <class T>
cudaError_t ssd_steps(const Slab& slab, const StepInputs<T>& in, const Steps<T>& steps, cudaStream_t stream);

enum class Layout { by_token, by_head };

/// target = source scale silu(gate), zeros in the padding. The source has `heads` heads of `features`; scale (per step)
/// and gate are optional.
template <class E>
struct PackInputs {
  TokenView<const E> source, gate;
  std::int64_t heads, features;
  const Arithmetic<E>* scale;
};

template <class E>
cudaError_t ssd_pack(const Slab& slab, const PackInputs<E>& in, Layout layout, Operand<E>* target,
                     cudaStream_t stream);

/// mixing = products decay size; products, C B^T, is (c, b, g, Q, Q).
template <class E>
cudaError_t ssd_mixing(const Slab& slab, const Operand<E>* products, const Steps<Arithmetic<E>>& steps,
                       Operand<E>* mixing, cudaStream_t stream);

enum class Direction { onward, backward };

/// The recurrence over chunks: states holds what each chunk adds, and in the end what reaches each chunk from the
/// others: its entering state, or (backward) the gradient of its leaving one. carry (b, g, N, r, P) comes from the slab
/// before and goes on to the next.
template <class E>
cudaError_t ssd_pass_states(const Slab& slab, Direction direction, const Arithmetic<E>* enter, Operand<E>* states,
                            Arithmetic<E>* carry, cudaStream_t stream);

/// y = (enter read + within + D x) silu(z). read, C state, is by token; within, mixing x, by head.
template <class E>
struct OutputInputs {
  TokenView<const E> x, z;  // z optional
  const Operand<E>*read, *within;
  const Arithmetic<E>* enter;
  Skip<Arithmetic<E>> skip;
};

template <class E>
cudaError_t ssd_outputs(const Slab& slab, const OutputInputs<E>& in, TokenView<E> y, cudaStream_t stream);

/// dz = dy silu'(z) times the output before the gate.
template <class E>
cudaError_t ssd_gate_gradient(const Slab& slab, const OutputInputs<E>& in, TokenView<const E> grad_y,
                              TokenView<E> grad_z, cudaStream_t stream);

/// Gradients of the log decays and step sizes, per step; each is summed over the paths that cross or touch the step.
template <class T>
struct StepGradients {
  T* crossing;  // of the log decay, from paths inside the chunk
  T* source;    // of the size, from outputs inside the chunk
  T* enter;     // of log enter
  T* leave;     // of size, from what reaches the chunk's end
};

/// grads holds dM = g x^T, and in the end the gradient of products from this head. mixing = products decay.
template <class E>
cudaError_t ssd_mixing_gradient(const Slab& slab, const Operand<E>* products, const Steps<Arithmetic<E>>& steps,
                                Operand<E>* grads, Operand<E>* mixing, const StepGradients<Arithmetic<E>>& through,
                                cudaStream_t stream);

/// dx = write passed + size within + D g, and what enter and leave contribute. g, the gradient before the gate, and
/// within, mixing^T g, are by head; read, C state, and passed, B R, by token.
template <class E>
struct InputGradientInputs {
  TokenView<const E> x;
  const Operand<E>*g, *within, *read, *passed;
  Skip<Arithmetic<E>> skip;
};

template <class E>
cudaError_t ssd_input_gradient(const Slab& slab, const InputGradientInputs<E>& in, const Steps<Arithmetic<E>>& steps,
                               TokenView<E> grad_x, const StepGradients<Arithmetic<E>>& through, cudaStream_t stream);

/// D's gradient: the sums of g x over each chunk, (c, b, h P). g is by head.
template <class E>
cudaError_t ssd_skip_gradient(const Slab& slab, TokenView<const E> x, const Operand<E>* g, Arithmetic<E>* sums,
                              cudaStream_t stream);

/// The gradient of the decay of a whole chunk, (c, b, h): <entering state, gradient of the leaving one> times it.
template <class E>
cudaError_t ssd_total_gradient(const Slab& slab, const Arithmetic<E>* enter, const Operand<E>* states,
                               const Operand<E>* state_grads, Arithmetic<E>* through, cudaStream_t stream);

/// Brings it all together: grad_dt (b, l, h), and A's gradient as sums over each chunk, (c, b, h).
template <class T>
cudaError_t ssd_step_gradient(const Slab& slab, const StepInputs<T>& in, const Steps<T>& steps,
                              const StepGradients<T>& through, const T* through_total, T* grad_dt, double* grad_A_sums,
                              cudaStream_t stream);

}  // namespace patchkit::cuda
