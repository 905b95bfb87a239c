// The stages that make the scan's outputs, most of which the backward needs too (ssd_scan.h says what each does).
#include "ssd_scan.h"

#include "ssd_slab.cuh"

namespace patchkit::cuda {
namespace {

// A warp for each (c, b, h), whose lanes take a chunk's steps, 32 at a time.
template <class T>
__global__ void steps_kernel(Slab slab, StepInputs<T> in, Steps<T> steps) {
  const int64_t index = (int64_t{blockIdx.x} * blockDim.x + threadIdx.x) / warp_size;
  const int lane = threadIdx.x % warp_size;
  if (index >= slab.chunks * slab.batch * slab.heads) return;
  const HeadChunk chunk(slab, index);
  const T* dt = in.dt.data + chunk.batch * in.dt.batch + chunk.head * in.dt.head;
  const T A = in.A[chunk.head], bias = in.dt_bias ? in.dt_bias[chunk.head] : T(0);

  double total = 0;
  for (int64_t first = 0; first < slab.chunk; first += warp_size) {
    const int64_t t = first + lane;
    T size = 0;
    if (t < slab.chunk && chunk.start + t < slab.length) {
      size = dt[(chunk.start + t) * in.dt.token] + bias;
      if (in.dt_softplus) size = softplus(size);
    }
    const double log_decay = static_cast<double>(size) * A;
    const double sum =
        total + warp_running_sum<Order::onward>(log_decay > strongest_decay ? log_decay : strongest_decay);
    if (t < slab.chunk) {
      const int64_t at = chunk.step(slab, t);
      steps.size[at] = size;
      steps.sums[at] = sum;
      steps.enter[at] = exponential(static_cast<T>(sum));
    }
    total = __shfl_sync(0xffffffffu, sum, warp_size - 1);
  }
  for (int64_t t = lane; t < slab.chunk; t += warp_size) {
    const int64_t at = chunk.step(slab, t);
    const T leave = exponential(static_cast<T>(total - steps.sums[at]));
    steps.leave[at] = leave;
    steps.write[at] = leave * steps.size[at];
  }
}

// A block for each token.
template <class E>
__global__ void pack_kernel(Slab slab, PackInputs<E> in, Layout layout, Operand<E>* target) {
  using T = Arithmetic<E>;
  const Token token(slab, blockIdx.x);
  const int heads = static_cast<int>(in.heads), features = static_cast<int>(in.features);
  const Places places(slab, token, heads, features, layout);
  for_rows(heads, features, [&](int head, int feature) {
    T value = 0;
    if (token.exists(slab)) {
      value = widen(token.row(in.source)[head * in.source.head + feature]);
      if (in.scale) value *= in.scale[token.index * heads + head];
      if (in.gate.data) value *= silu<T>(widen(token.row(in.gate)[head * in.gate.head + feature]));
    }
    target[places.of(head) + feature] = narrow<Operand<E>>(value);
  });
}

// A block for each (c, b, h).
template <class E>
__global__ void mixing_kernel(Slab slab, const Operand<E>* products, Steps<Arithmetic<E>> steps, Operand<E>* mixing) {
  using T = Arithmetic<E>;
  __shared__ double sums[longest_chunk];
  __shared__ T sizes[longest_chunk];
  const HeadChunk chunk(slab, blockIdx.x);
  const int Q = static_cast<int>(slab.chunk);
  for (int t = threadIdx.x; t < Q; t += blockDim.x) {
    sums[t] = steps.sums[chunk.step(slab, t)];
    sizes[t] = steps.size[chunk.step(slab, t)];
  }
  __syncthreads();

  products += chunk.group_matrix(slab, slab.chunk * slab.chunk);
  mixing += chunk.index * slab.chunk * slab.chunk;
  for_rows(Q, Q, [&](int i, int j) {
    const int at = i * Q + j;
    const T taken = j > i ? T(0) : widen(products[at]) * exponential(static_cast<T>(sums[i] - sums[j])) * sizes[j];
    mixing[at] = narrow<Operand<E>>(taken);
  });
}

// A thread for each element of (b, g, N, r, P) walks through the chunks.
template <class E>
__global__ void pass_states_kernel(Slab slab, Direction direction, const Arithmetic<E>* enter, Operand<E>* states,
                                   Arithmetic<E>* carry) {
  using T = Arithmetic<E>;
  const int64_t size = slab.batch * slab.heads * slab.head_dim * slab.state_dim;
  const int64_t element = int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (element >= size) return;
  const int64_t per_group = slab.heads / slab.groups, row = per_group * slab.head_dim;
  const int64_t group = element / (slab.state_dim * row);  // (b, g)
  const int64_t batch = group / slab.groups;
  const int64_t head = group % slab.groups * per_group + element % row / slab.head_dim;

  T value = carry[element];
  for (int64_t walked = 0; walked < slab.chunks; ++walked) {
    const int64_t c = direction == Direction::onward ? walked : slab.chunks - 1 - walked;
    const T total = enter[((c * slab.batch + batch) * slab.chunk + slab.chunk - 1) * slab.heads + head];
    Operand<E>* state = states + c * size + element;
    const T added = widen(*state);
    *state = narrow<Operand<E>>(value);
    value = total * value + added;
  }
  carry[element] = value;
}

// The output before the gate, for one feature of one token.
template <class E>
__device__ Arithmetic<E> ungated_output(const Slab& slab, const OutputInputs<E>& in, const Token& token,
                                        const Places& by_token, const Places& by_head, int head, int feature) {
  const int heads = static_cast<int>(slab.heads), features = static_cast<int>(slab.head_dim);
  return in.enter[token.index * heads + head] * widen(in.read[by_token.of(head) + feature]) +
         widen(in.within[by_head.of(head) + feature]) +
         skip_of(in.skip, head, feature, features) * widen(token.row(in.x)[head * in.x.head + feature]);
}

// A block for each token.
template <class E>
__global__ void outputs_kernel(Slab slab, OutputInputs<E> in, TokenView<E> y) {
  using T = Arithmetic<E>;
  const Token token(slab, blockIdx.x);
  if (!token.exists(slab)) return;
  const int heads = static_cast<int>(slab.heads), features = static_cast<int>(slab.head_dim);
  const Places by_token(slab, token, heads, features, Layout::by_token);
  const Places by_head(slab, token, heads, features, Layout::by_head);
  for_rows(heads, features, [&](int head, int feature) {
    T value = ungated_output(slab, in, token, by_token, by_head, head, feature);
    if (in.z.data) value *= silu<T>(widen(token.row(in.z)[head * in.z.head + feature]));
    token.row(y)[head * y.head + feature] = narrow<E>(value);
  });
}

// A block for each token.
template <class E>
__global__ void gate_gradient_kernel(Slab slab, OutputInputs<E> in, TokenView<const E> grad_y, TokenView<E> grad_z) {
  using T = Arithmetic<E>;
  const Token token(slab, blockIdx.x);
  if (!token.exists(slab)) return;
  const int heads = static_cast<int>(slab.heads), features = static_cast<int>(slab.head_dim);
  const Places by_token(slab, token, heads, features, Layout::by_token);
  const Places by_head(slab, token, heads, features, Layout::by_head);
  for_rows(heads, features, [&](int head, int feature) {
    const T slope = silu_slope<T>(widen(token.row(in.z)[head * in.z.head + feature]));
    const T grad = widen(token.row(grad_y)[head * grad_y.head + feature]);
    const T output = ungated_output(slab, in, token, by_token, by_head, head, feature);
    token.row(grad_z)[head * grad_z.head + feature] = narrow<E>(grad * output * slope);
  });
}

}  // namespace

template <class T>
cudaError_t ssd_steps(const Slab& slab, const StepInputs<T>& in, const Steps<T>& steps, cudaStream_t stream) {
  return launch(steps_kernel<T>, blocks_for(slab.chunks * slab.batch * slab.heads * warp_size, largest_block),
                largest_block, stream, slab, in, steps);
}

template <class E>
cudaError_t ssd_pack(const Slab& slab, const PackInputs<E>& in, Layout layout, Operand<E>* target,
                     cudaStream_t stream) {
  return launch(pack_kernel<E>, slab.chunks * slab.batch * slab.chunk, threads_for(in.heads * warp_size), stream, slab,
                in, layout, target);
}

template <class E>
cudaError_t ssd_mixing(const Slab& slab, const Operand<E>* products, const Steps<Arithmetic<E>>& steps,
                       Operand<E>* mixing, cudaStream_t stream) {
  return launch(mixing_kernel<E>, slab.chunks * slab.batch * slab.heads, threads_for(slab.chunk * warp_size), stream,
                slab, products, steps, mixing);
}

template <class E>
cudaError_t ssd_pass_states(const Slab& slab, Direction direction, const Arithmetic<E>* enter, Operand<E>* states,
                            Arithmetic<E>* carry, cudaStream_t stream) {
  const int64_t elements = slab.batch * slab.heads * slab.head_dim * slab.state_dim;
  return launch(pass_states_kernel<E>, blocks_for(elements, largest_block), largest_block, stream, slab, direction,
                enter, states, carry);
}

template <class E>
cudaError_t ssd_outputs(const Slab& slab, const OutputInputs<E>& in, TokenView<E> y, cudaStream_t stream) {
  return launch(outputs_kernel<E>, slab.chunks * slab.batch * slab.chunk, threads_for(slab.heads * warp_size), stream,
                slab, in, y);
}

template <class E>
cudaError_t ssd_gate_gradient(const Slab& slab, const OutputInputs<E>& in, TokenView<const E> grad_y,
                              TokenView<E> grad_z, cudaStream_t stream) {
  return launch(gate_gradient_kernel<E>, slab.chunks * slab.batch * slab.chunk,
                threads_for(slab.heads * warp_size), stream, slab, in, grad_y, grad_z);
}

template cudaError_t ssd_steps(const Slab&, const StepInputs<float>&, const Steps<float>&, cudaStream_t);
template cudaError_t ssd_steps(const Slab&, const StepInputs<double>&, const Steps<double>&, cudaStream_t);

#define PATCHKIT_INSTANTIATE(E)                                                                                     \
  template cudaError_t ssd_pack(const Slab&, const PackInputs<E>&, Layout, Operand<E>*, cudaStream_t);               \
  template cudaError_t ssd_mixing<E>(const Slab&, const Operand<E>*, const Steps<Arithmetic<E>>&, Operand<E>*,       \
                                     cudaStream_t);                                                                  \
  template cudaError_t ssd_pass_states<E>(const Slab&, Direction, const Arithmetic<E>*, Operand<E>*, Arithmetic<E>*, \
                                          cudaStream_t);                                                             \
  template cudaError_t ssd_outputs(const Slab&, const OutputInputs<E>&, TokenView<E>, cudaStream_t);                 \
  template cudaError_t ssd_gate_gradient(const Slab&, const OutputInputs<E>&, TokenView<const E>, TokenView<E>,      \
                                         cudaStream_t);
PATCHKIT_INSTANTIATE(float)
PATCHKIT_INSTANTIATE(double)
PATCHKIT_INSTANTIATE(__nv_bfloat16)
PATCHKIT_INSTANTIATE(__half)

}  // namespace patchkit::cuda
