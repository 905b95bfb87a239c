// The stages that make the scan's gradients (ssd_scan.h says what each does).
#include "ssd_scan.h"

#include "ssd_slab.cuh"

namespace patchkit::cuda {
namespace {

// A block for each (c, b, h), a thread for each column j, down the rows from the last. Of the paths from j to i, those
// with j < t <= i cross step t: `flow` is their sum over i, a row's sum over j is taken warp by warp. Adding the paths
// up (instead of subtracting prefix sums) keeps the digits of weak ones.
template <class E>
__global__ void mixing_gradient_kernel(Slab slab, const Operand<E>* products, Steps<Arithmetic<E>> steps,
                                       Operand<E>* grads, Operand<E>* mixing, StepGradients<Arithmetic<E>> through) {
  using T = Arithmetic<E>;
  __shared__ double sums[longest_chunk];
  __shared__ T warp_crossings[longest_chunk][longest_chunk / warp_size];
  const HeadChunk chunk(slab, blockIdx.x);
  const int Q = static_cast<int>(slab.chunk), j = threadIdx.x, warp = threadIdx.x / warp_size;
  if (j < Q) sums[j] = steps.sums[chunk.step(slab, j)];
  __syncthreads();

  products += chunk.group_matrix(slab, slab.chunk * slab.chunk);
  grads += chunk.index * slab.chunk * slab.chunk;
  mixing += chunk.index * slab.chunk * slab.chunk;
  const T size = j < Q ? steps.size[chunk.step(slab, j)] : T(0);
  T flow = 0, source = 0;
  for (int i = Q - 1; i >= 0; --i) {
    if (j < Q) {
      const int at = i * Q + j;
      T mixed = 0, product_grad = 0;
      if (j <= i) {
        const T decay = exponential(static_cast<T>(sums[i] - sums[j])), grad = widen(grads[at]);
        mixed = widen(products[at]) * decay;
        product_grad = grad * decay * size;
        source += grad * mixed;
        flow += grad * mixed * size;
      }
      mixing[at] = narrow<Operand<E>>(mixed);
      grads[at] = narrow<Operand<E>>(product_grad);
    }
    const T crossing = warp_sum(j < i ? flow : T(0));
    if (threadIdx.x % warp_size == 0) warp_crossings[i][warp] = crossing;
  }
  __syncthreads();

  if (j >= Q) return;
  T crossing = 0;
  for (int w = 0; w < static_cast<int>(blockDim.x) / warp_size; ++w) crossing += warp_crossings[j][w];
  const int64_t at = chunk.step(slab, j);
  through.crossing[at] = crossing;
  through.source[at] = source;
}

// A block for each token, whose warps take turns at the heads.
template <class E>
__global__ void input_gradient_kernel(Slab slab, InputGradientInputs<E> in, Steps<Arithmetic<E>> steps,
                                      TokenView<E> grad_x, StepGradients<Arithmetic<E>> through) {
  using T = Arithmetic<E>;
  const Token token(slab, blockIdx.x);
  const int heads = static_cast<int>(slab.heads), features = static_cast<int>(slab.head_dim);
  const int warps = blockDim.x / warp_size, lane = threadIdx.x % warp_size;
  const Places by_token(slab, token, heads, features, Layout::by_token);
  const Places by_head(slab, token, heads, features, Layout::by_head);
  const bool exists = token.exists(slab);

  for (int head = threadIdx.x / warp_size; head < heads; head += warps) {
    const int64_t step = token.index * heads + head;
    T enter = 0, leave = 0;
    if (exists) {
      const T size = steps.size[step], write = steps.write[step];
      for (int p = lane; p < features; p += warp_size) {
        const T x = widen(token.row(in.x)[head * in.x.head + p]), g = widen(in.g[by_head.of(head) + p]);
        const T passed = widen(in.passed[by_token.of(head) + p]);
        enter += g * widen(in.read[by_token.of(head) + p]);
        leave += x * passed;
        const T grad = write * passed + size * widen(in.within[by_head.of(head) + p]) +
                       skip_of(in.skip, head, p, features) * g;
        token.row(grad_x)[head * grad_x.head + p] = narrow<E>(grad);
      }
    }
    enter = warp_sum(enter);
    leave = warp_sum(leave);
    if (lane == 0) {
      through.enter[step] = steps.enter[step] * enter;
      through.leave[step] = steps.leave[step] * leave;
    }
  }
}

// Blocks of threads over the features (h P) of each (c, b); a thread walks through its chunk's tokens.
template <class E>
__global__ void skip_gradient_kernel(Slab slab, TokenView<const E> x, const Operand<E>* g, Arithmetic<E>* sums) {
  using T = Arithmetic<E>;
  const int features = static_cast<int>(slab.head_dim), width = static_cast<int>(slab.heads) * features;
  const int blocks = (width + blockDim.x - 1) / blockDim.x;
  const int64_t item = blockIdx.x / blocks;
  const int at = blockIdx.x % blocks * blockDim.x + threadIdx.x;
  if (at >= width) return;
  const int head = at / features, p = at % features;
  T sum = 0;
  for (int64_t t = 0; t < slab.chunk; ++t) {
    const Token token(slab, item * slab.chunk + t);
    if (!token.exists(slab)) break;
    sum += widen(g[(item * slab.heads + head) * slab.chunk * features + t * features + p]) *
           widen(token.row(x)[head * x.head + p]);
  }
  sums[item * width + at] = sum;
}

// A block for each (c, b, h).
template <class E>
__global__ void total_gradient_kernel(Slab slab, const Arithmetic<E>* enter, const Operand<E>* states,
                                      const Operand<E>* state_grads, Arithmetic<E>* through) {
  using T = Arithmetic<E>;
  const HeadChunk chunk(slab, blockIdx.x);
  const int per_group = static_cast<int>(slab.heads / slab.groups), features = static_cast<int>(slab.head_dim);
  const int64_t row = per_group * features;
  const int64_t start = chunk.group_matrix(slab, slab.state_dim * row) + chunk.head % per_group * features;
  T sum = 0;
  for (int at = threadIdx.x; at < static_cast<int>(slab.state_dim) * features; at += blockDim.x) {
    const int64_t place = start + at / features * row + at % features;
    sum += widen(states[place]) * widen(state_grads[place]);
  }
  sum = block_sum(sum);
  if (threadIdx.x == 0) through[chunk.index] = enter[chunk.step(slab, slab.chunk - 1)] * sum;
}

// A warp for each (c, b, h), whose lanes take a chunk's steps, 32 at a time, there and back.
template <class T>
__global__ void step_gradient_kernel(Slab slab, StepInputs<T> in, Steps<T> steps, StepGradients<T> through,
                                     const T* through_total, T* grad_dt, double* grad_A_sums) {
  const int64_t index = (int64_t{blockIdx.x} * blockDim.x + threadIdx.x) / warp_size;
  const int lane = threadIdx.x % warp_size;
  if (index >= slab.chunks * slab.batch * slab.heads) return;
  const HeadChunk chunk(slab, index);
  const T A = in.A[chunk.head], bias = in.dt_bias ? in.dt_bias[chunk.head] : T(0);
  const T* dt = in.dt.data + chunk.batch * in.dt.batch + chunk.head * in.dt.head;
  const int64_t rest = slab.length - chunk.start, count = rest < slab.chunk ? rest : slab.chunk;

  double before = through_total[index];  // what crosses a step on its way from earlier ones to the chunk's end
  for (int64_t first = 0; first < count; first += warp_size) {
    const int64_t t = first + lane, at = chunk.step(slab, t);
    const double added = t < count ? static_cast<double>(steps.size[at]) * through.leave[at] : 0;
    const double sum = before + warp_running_sum<Order::onward>(added);
    const double earlier = __shfl_up_sync(0xffffffffu, sum, 1);
    if (t < count) through.crossing[at] += static_cast<T>(lane == 0 ? before : earlier);
    before = __shfl_sync(0xffffffffu, sum, warp_size - 1);
  }
  double after = 0, grad_A = 0;  // after: what crosses a step on its way from the chunk's start to later ones
  for (int64_t first = (count - 1) / warp_size * warp_size; first >= 0; first -= warp_size) {
    const int64_t t = first + lane, at = chunk.step(slab, t), time = chunk.start + t;
    const double sum = after + warp_running_sum<Order::backward>(t < count ? static_cast<double>(through.enter[at]) : 0.0);
    after = __shfl_sync(0xffffffffu, sum, 0);
    if (t >= count) continue;
    const double log_decay = through.crossing[at] + sum;
    grad_A += steps.size[at] * log_decay;
    T grad = through.source[at] + through.leave[at] + static_cast<T>(A * log_decay);
    if (in.dt_softplus) grad *= softplus_slope(dt[time * in.dt.token] + bias);
    grad_dt[(chunk.batch * slab.length + time) * slab.heads + chunk.head] = grad;
  }
  grad_A = warp_sum(grad_A);
  if (lane == 0) grad_A_sums[index] = grad_A;
}

}  // namespace

template <class E>
cudaError_t ssd_mixing_gradient(const Slab& slab, const Operand<E>* products, const Steps<Arithmetic<E>>& steps,
                                Operand<E>* grads, Operand<E>* mixing, const StepGradients<Arithmetic<E>>& through,
                                cudaStream_t stream) {
  return launch(mixing_gradient_kernel<E>, slab.chunks * slab.batch * slab.heads, threads_for(slab.chunk), stream,
                slab, products, steps, grads, mixing, through);
}

template <class E>
cudaError_t ssd_input_gradient(const Slab& slab, const InputGradientInputs<E>& in, const Steps<Arithmetic<E>>& steps,
                               TokenView<E> grad_x, const StepGradients<Arithmetic<E>>& through, cudaStream_t stream) {
  return launch(input_gradient_kernel<E>, slab.chunks * slab.batch * slab.chunk, threads_for(slab.heads * warp_size),
                stream, slab, in, steps, grad_x, through);
}

template <class E>
cudaError_t ssd_skip_gradient(const Slab& slab, TokenView<const E> x, const Operand<E>* g, Arithmetic<E>* sums,
                              cudaStream_t stream) {
  const int64_t width = slab.heads * slab.head_dim;
  const int threads = threads_for(width);
  return launch(skip_gradient_kernel<E>, slab.chunks * slab.batch * blocks_for(width, threads), threads, stream, slab,
                x, g, sums);
}

template <class E>
cudaError_t ssd_total_gradient(const Slab& slab, const Arithmetic<E>* enter, const Operand<E>* states,
                               const Operand<E>* state_grads, Arithmetic<E>* through, cudaStream_t stream) {
  return launch(total_gradient_kernel<E>, slab.chunks * slab.batch * slab.heads,
                threads_for(slab.state_dim * slab.head_dim), stream, slab, enter, states, state_grads, through);
}

template <class T>
cudaError_t ssd_step_gradient(const Slab& slab, const StepInputs<T>& in, const Steps<T>& steps,
                              const StepGradients<T>& through, const T* through_total, T* grad_dt, double* grad_A_sums,
                              cudaStream_t stream) {
  return launch(step_gradient_kernel<T>, blocks_for(slab.chunks * slab.batch * slab.heads * warp_size, largest_block),
                largest_block, stream, slab, in, steps, through, through_total, grad_dt, grad_A_sums);
}

#define PATCHKIT_INSTANTIATE_ARITHMETIC(T)                                                                          \
  template cudaError_t ssd_step_gradient(const Slab&, const StepInputs<T>&, const Steps<T>&,                         \
                                         const StepGradients<T>&, const T*, T*, double*, cudaStream_t);
PATCHKIT_INSTANTIATE_ARITHMETIC(float)
PATCHKIT_INSTANTIATE_ARITHMETIC(double)

#define PATCHKIT_INSTANTIATE(E)                                                                                     \
  template cudaError_t ssd_mixing_gradient<E>(const Slab&, const Operand<E>*, const Steps<Arithmetic<E>>&,           \
                                              Operand<E>*, Operand<E>*, const StepGradients<Arithmetic<E>>&,         \
                                              cudaStream_t);                                                         \
  template cudaError_t ssd_input_gradient(const Slab&, const InputGradientInputs<E>&, const Steps<Arithmetic<E>>&,   \
                                          TokenView<E>, const StepGradients<Arithmetic<E>>&, cudaStream_t);          \
  template cudaError_t ssd_skip_gradient(const Slab&, TokenView<const E>, const Operand<E>*, Arithmetic<E>*,         \
                                         cudaStream_t);                                                              \
  template cudaError_t ssd_total_gradient<E>(const Slab&, const Arithmetic<E>*, const Operand<E>*,                   \
                                             const Operand<E>*, Arithmetic<E>*, cudaStream_t);
PATCHKIT_INSTANTIATE(float)
PATCHKIT_INSTANTIATE(double)
PATCHKIT_INSTANTIATE(__nv_bfloat16)
PATCHKIT_INSTANTIATE(__half)

}  // namespace patchkit::cuda
