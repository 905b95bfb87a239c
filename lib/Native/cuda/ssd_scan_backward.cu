// The Mamba-2 scan's backward: what each chunk adds to the state's gradient, that gradient from chunk to chunk, then
// all gradients of a chunk at once.
#include "ssd.cuh"

namespace patchkit::cuda {
namespace {

// Where blocks leave what others add up: a share of heads its part of dB and dC, a chunk its part of dA and dD.
template <class E>
struct Gradients {
  TokenView<const E> y;
  TokenView<E> x, z;  // z where there is a gate
  float* dt;          // (b, l, h)
  float *B, *C;       // (shares, b, l, g, N)
  float* A;           // (c, b, h)
  float* D;           // (c, b, h, P); null without a skip connection
};

// Sums over a token's row, or a step's column, of a product whose parts lie with several warps.
template <int parts>
struct Sums {
  float at[parts][chunk_tokens];

  __device__ __forceinline__ float of(int token) const {
    float sum = 0;
    for (int part = 0; part < parts; ++part) sum += at[part][token];
    return sum;
  }
};

inline constexpr int widest = largest_state / part_columns;  // parts across a state

struct TokenSums {
  Sums<chunk_tokens / part_columns> crossing;  // what the decay of a step gets from paths inside the chunk
  Sums<chunk_tokens / part_rows> later;        // what its size gets from outputs after it
  float own[chunk_tokens];                     // and from its own output
  Sums<widest> entered;                        // of log enter
  Sums<widest> left;                           // of leave size
};

template <class E>
struct GradientTiles {
  using T = Operand<E>;

  __host__ __device__ GradientTiles(char* start, int head_dim, int state_dim) {
    SharedCarver carver(start);
    steps = carver.take<Steps>(1);
    sums = carver.take<TokenSums>(1);
    skip = carver.take<float>(chunk_tokens / part_rows * padded(head_dim));
    B = take_tile<T>(carver, chunk_tokens, state_dim);
    C = take_tile<T>(carver, chunk_tokens, state_dim);
    x = take_tile<T>(carver, chunk_tokens, head_dim);
    g = take_tile<T>(carver, chunk_tokens, head_dim);
    entering = take_tile<T>(carver, padded(head_dim), state_dim);
    leaving = take_tile<T>(carver, padded(head_dim), state_dim);
    mixing = take_tile<T>(carver, chunk_tokens, chunk_tokens);
    bytes = carver.bytes();
  }

  Steps* steps;
  TokenSums* sums;
  float* skip;  // (quarters of the chunk, P)
  Tile<T> B, C, x, g;
  Tile<T> entering;  // the state that enters the chunk
  Tile<T> leaving;   // the gradient of the one that leaves it
  Tile<T> mixing;
  int bytes;
};

// The sum over the lanes of a group: a row's.
__device__ __forceinline__ float row_sum(float value) {
  value += __shfl_xor_sync(0xffffffffu, value, 1);
  return value + __shfl_xor_sync(0xffffffffu, value, 2);
}

// The sum over this group and those after it: down a column.
__device__ __forceinline__ float sum_down(float value) {
  const int lane = threadIdx.x % warp_size;
#pragma unroll
  for (int distance = 4; distance < warp_size; distance *= 2) {
    const float other = __shfl_down_sync(0xffffffffu, value, distance);
    if (lane + distance < warp_size) value += other;
  }
  return value;
}

// products = C B^T and grads = g x^T, this warp's parts. Writes what token i takes from token j; adds the products'
// gradient; sums what step j's size gets. Leaves in grads what it gets from output i and those after it within the
// part.
template <class T>
__device__ __forceinline__ void mix(const Part& products, Part& grads, int own_row, int own_column, const Steps& steps,
                                    Tile<T> mixing, Part& product_grads, TokenSums& sums) {
  const int group = threadIdx.x % warp_size / 4, place = threadIdx.x % 4;
#pragma unroll
  for (int part = 0; part < 4; ++part) {
    const int j = own_column + 8 * part + 2 * place;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int i = own_row + group + 8 * half;
      float mixed[2] = {};
#pragma unroll
      for (int k = 0; k < 2; ++k) {
        float& grad = grads.at[part][2 * half + k];
        float later = 0;
        if (j + k <= i) {
          const float decay = steps.decay(j + k, i), size = steps.size[j + k];
          const float unsized = products.at[part][2 * half + k] * decay;
          mixed[k] = unsized * size;
          product_grads.at[part][2 * half + k] += grad * decay * size;
          if (j + k < i)
            later = grad * unsized;
          else
            sums.own[i] = grad * unsized;
        }
        grad = later;
      }
      store_pair(mixing.row(i) + j, mixed[0], mixed[1]);
    }
#pragma unroll
    for (int k = 0; k < 2; ++k) {
      float &upper = grads.at[part][k], &lower = grads.at[part][2 + k];
      lower = sum_down(lower);
      upper = sum_down(upper) + __shfl_sync(0xffffffffu, lower, place);
      if (group == 0) sums.later.at[own_row / part_rows][j + k] = upper;
    }
  }
}

// The paths inside the chunk that cross step i, from tokens before it to it and later ones: added up, as differences of
// prefix sums would lose the weak ones among the strong. Follows mix and __syncthreads.
__device__ __forceinline__ void cross(const Part& later, int own_row, int own_column, const Steps& steps,
                                      TokenSums& sums) {
  const int group = threadIdx.x % warp_size / 4, place = threadIdx.x % 4;
  float crossing[2] = {};
#pragma unroll
  for (int part = 0; part < 4; ++part)
#pragma unroll
    for (int k = 0; k < 2; ++k) {
      const int j = own_column + 8 * part + 2 * place + k;
      float below = 0;
      for (int rows = chunk_tokens / part_rows - 1; rows > own_row / part_rows; --rows) below += sums.later.at[rows][j];
#pragma unroll
      for (int half = 0; half < 2; ++half)
        if (j < own_row + group + 8 * half) crossing[half] += steps.size[j] * (later.at[part][2 * half + k] + below);
    }
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const float sum = row_sum(crossing[half]);
    if (place == 0) sums.crossing.at[own_column / part_columns][own_row + group + 8 * half] = sum;
  }
}

// What a product's part, (tokens, N), adds to a gradient: total += weight part, row by row; and the sums over its rows
// of part times `other`.
template <class T, int parts>
__device__ __forceinline__ void add_part(const Part& part, int row, int column, int columns, float upper, float lower,
                                         Tile<T> other, Part& total, Sums<parts>& sums) {
  const int group = threadIdx.x % warp_size / 4, place = threadIdx.x % 4;
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int i = row + group + 8 * half;
    float sum = 0;
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      if (column + 8 * j >= columns) continue;
#pragma unroll
      for (int k = 0; k < 2; ++k) {
        const float value = part.at[j][2 * half + k];
        sum += value * widen(other.row(i)[column + 8 * j + 2 * place + k]);
        total.at[j][2 * half + k] += (half == 0 ? upper : lower) * value;
      }
    }
    sum = row_sum(sum);
    if (place == 0) sums.at[column / part_columns][i] = sum;
  }
}

// The gradients of a head's step sizes and of A, by the first warp. The decay of step t is crossed by the paths inside
// the chunk from before t to t or later; by those from the chunk's start to t or later; by those from before t to the
// chunk's end; and by the one from start to end.
template <class E>
__device__ __forceinline__ void step_gradients(const Scan<E>& scan, const HeadChunk& chunk, const Steps& steps,
                                               const TokenSums& sums, float through, const Gradients<E>& grads) {
  if (threadIdx.x >= warp_size) return;
  const int lane = threadIdx.x;
  const float A = scan.A[chunk.head], bias = scan.dt_bias ? scan.dt_bias[chunk.head] : 0.0f;
  constexpr int halves = chunk_tokens / warp_size;
  double later[halves], earlier[halves], after = 0, before = 0;
#pragma unroll
  for (int half = halves - 1; half >= 0; --half) {
    const int t = lane + half * warp_size;
    const double to_here = static_cast<double>(steps.enter[t]) * sums.entered.of(t);
    later[half] = after + warp_running_sum<Order::backward>(to_here);
    after = __shfl_sync(0xffffffffu, later[half], 0);
  }
#pragma unroll
  for (int half = 0; half < halves; ++half) {
    const int t = lane + half * warp_size;
    const double from_here = static_cast<double>(steps.leave[t]) * steps.size[t] * sums.left.of(t);
    const double sum = before + warp_running_sum<Order::onward>(from_here);
    earlier[half] = sum - from_here;
    before = __shfl_sync(0xffffffffu, sum, warp_size - 1);
  }
  double grad_A = 0;
#pragma unroll
  for (int half = 0; half < halves; ++half) {
    const int t = lane + half * warp_size;
    if (t >= chunk.tokens) continue;
    const double log_decay = sums.crossing.of(t) + later[half] + earlier[half] + through;
    grad_A += steps.size[t] * log_decay;
    float grad = sums.own[t] + sums.later.of(t) + steps.leave[t] * sums.left.of(t) + static_cast<float>(A * log_decay);
    if (scan.dt_softplus) grad *= softplus_slope(*scan.dt.row(chunk.batch, chunk.start + t, chunk.head) + bias);
    grads.dt[(chunk.batch * scan.length + chunk.start + t) * scan.heads + chunk.head] = grad;
  }
  grad_A = warp_sum(grad_A);
  if (lane == 0) grads.A[chunk.index] = static_cast<float>(grad_A);
}

// A block for each (c, b, g, share of heads). rounds: how many parts of a (tokens, N) product fall to a warp.
template <class E, int rounds>
__global__ void __launch_bounds__(scan_threads, rounds == 1 && sizeof(Operand<E>) == 2 ? 2 : 1)
    gradient_kernel(Scan<E> scan, Shares shares, const Operand<E>* entering, const Operand<E>* leaving,
                    Gradients<E> grads) {
  int heads;
  HeadChunk chunk = first_head(scan, shares, heads);
  const GradientTiles<E> tiles(dynamic_shared(), scan.head_dim, scan.state_dim);
  Steps& steps = *tiles.steps;
  TokenSums& sums = *tiles.sums;
  const int width = padded(scan.head_dim), depth = padded(scan.state_dim);
  const int across = (depth + part_columns - 1) / part_columns;
  const int features_across = (width + part_columns - 1) / part_columns;
  const int lane = threadIdx.x % warp_size, warp = threadIdx.x / warp_size, group = lane / 4;
  stage_tokens(tiles.B, scan.B, chunk, chunk.group, scan.state_dim);
  stage_tokens(tiles.C, scan.C, chunk, chunk.group, scan.state_dim);
  for (int at = threadIdx.x; at < widest * chunk_tokens; at += scan_threads)
    sums.entered.at[at / chunk_tokens][at % chunk_tokens] = sums.left.at[at / chunk_tokens][at % chunk_tokens] = 0;
  __syncthreads();

  const int own_row = warp / 2 * part_rows, own_column = warp % 2 * part_columns;
  Part products, product_grads, grad_B[rounds], grad_C[rounds];
  multiply<Side::as_is, Side::transposed, terms<E>>(products, own_row, own_column, chunk_tokens, depth, tiles.C,
                                                    tiles.B);

  for (int walked = 0; walked < heads; ++walked, ++chunk.head, ++chunk.index) {
    if (walked > 0) __syncthreads();  // the head before has read its tiles
    steps.load(scan, chunk);
    stage_tokens(tiles.x, scan.x, chunk, chunk.head, scan.head_dim);
    stage_gradient(tiles.g, scan, grads.y, chunk);
    stage_state(tiles.entering, entering + chunk.index * scan.state_size(), scan.head_dim, scan.state_dim);
    stage_state(tiles.leaving, leaving + chunk.index * scan.state_size(), scan.head_dim, scan.state_dim);
    __syncthreads();

    Part mixing_grads;
    multiply<Side::as_is, Side::transposed, terms<E>>(mixing_grads, own_row, own_column, chunk_tokens, width, tiles.g,
                                                      tiles.x);
    mix(products, mixing_grads, own_row, own_column, steps, tiles.mixing, product_grads, sums);
    __syncthreads();
    cross(mixing_grads, own_row, own_column, steps, sums);

    // y += enter C state; state += leave size x B^T
#pragma unroll
    for (int round = 0; round < rounds; ++round) {
      const int at = warp + round * scan_warps;
      if (at >= chunk_tokens / part_rows * across) continue;
      const int row = at / across * part_rows, column = at % across * part_columns, i = row + group;
      Part read, written;
      multiply<Side::as_is, Side::as_is, terms<E>>(read, row, column, depth, width, tiles.g, tiles.entering);
      add_part(read, row, column, depth, steps.enter[i], steps.enter[i + 8], tiles.C, grad_C[round], sums.entered);
      multiply<Side::as_is, Side::as_is, terms<E>>(written, row, column, depth, width, tiles.x, tiles.leaving);
      add_part(written, row, column, depth, steps.leave[i] * steps.size[i], steps.leave[i + 8] * steps.size[i + 8],
               tiles.B, grad_B[round], sums.left);
    }
    float through = 0;
    for (int p = warp; p < scan.head_dim; p += scan_warps)
      for (int n = lane; n < scan.state_dim; n += warp_size)
        through += widen(tiles.entering.row(p)[n]) * widen(tiles.leaving.row(p)[n]);
    if (grads.D)
      for (int at = threadIdx.x; at < chunk_tokens / part_rows * width; at += scan_threads) {
        const int first = at / width * part_rows, p = at % width;
        float sum = 0;
        for (int t = first; t < first + part_rows; ++t) sum += widen(tiles.x.row(t)[p]) * widen(tiles.g.row(t)[p]);
        tiles.skip[at] = sum;
      }
    through = steps.total() * block_sum(through);  // here all have written what follows

    // A loop, as a function around so much would not be inlined.
    for (int at = warp; at < chunk_tokens / part_rows * features_across; at += scan_warps) {
      const int row = at / features_across * part_rows, column = at % features_across * part_columns, j = row + group;
      Part part;
      multiply<Side::as_is, Side::transposed, terms<E>>(part, row, column, width, depth, tiles.B, tiles.leaving);
      part.scale(steps.leave[j] * steps.size[j], steps.leave[j + 8] * steps.size[j + 8]);
      multiply<Side::transposed, Side::as_is, terms<E>>(part, row, column, width, chunk_tokens, tiles.mixing, tiles.g);
      part.pairs(row, column, width, [&](int t, int p, float first, float second) {
        if (t >= chunk.tokens || p >= scan.head_dim) return;
        const bool both = p + 1 < scan.head_dim;
        first += scan.skip(chunk.head, p) * widen(tiles.g.row(t)[p]);
        if (both) second += scan.skip(chunk.head, p + 1) * widen(tiles.g.row(t)[p + 1]);
        E* at = grads.x.row(chunk.batch, chunk.start + t, chunk.head) + p;
        if (both)
          store_pair(at, first, second);
        else
          *at = narrow<E>(first);
      });
      if (!scan.z.data) continue;

      // The output before the gate once more.
      Part output;
      multiply<Side::as_is, Side::transposed, terms<E>>(output, row, column, width, depth, tiles.C, tiles.entering);
      output.scale(steps.enter[j], steps.enter[j + 8]);
      multiply<Side::as_is, Side::as_is, terms<E>>(output, row, column, width, row + part_rows, tiles.mixing, tiles.x);
      output.pairs(row, column, width, [&](int t, int p, float first, float second) {
        if (t >= chunk.tokens || p >= scan.head_dim) return;
        const bool both = p + 1 < scan.head_dim;
        first += scan.skip(chunk.head, p) * widen(tiles.x.row(t)[p]);
        if (both) second += scan.skip(chunk.head, p + 1) * widen(tiles.x.row(t)[p + 1]);
        const Two z = load_pair(scan.z.row(chunk.batch, chunk.start + t, chunk.head) + p, both);
        const Two grad = load_pair(grads.y.row(chunk.batch, chunk.start + t, chunk.head) + p, both);
        E* at = grads.z.row(chunk.batch, chunk.start + t, chunk.head) + p;
        first *= grad.first * silu_slope(z.first);
        second *= grad.second * silu_slope(z.second);
        if (both)
          store_pair(at, first, second);
        else
          *at = narrow<E>(first);
      });
    }
    step_gradients(scan, chunk, steps, sums, through, grads);
    if (grads.D)
      for (int p = threadIdx.x; p < scan.head_dim; p += scan_threads) {
        float sum = 0;
        for (int quarter = 0; quarter < chunk_tokens / part_rows; ++quarter) sum += tiles.skip[quarter * width + p];
        grads.D[chunk.index * scan.head_dim + p] = sum;
      }
  }

  // Through the products, of all heads at once.
  __syncthreads();
  product_grads.pairs(own_row, own_column, chunk_tokens, [&](int i, int j, float first, float second) {
    store_pair(tiles.mixing.row(i) + j, first, second);
  });
  __syncthreads();
  const int64_t share = blockIdx.x % shares.count;
#pragma unroll
  for (int round = 0; round < rounds; ++round) {
    const int at = warp + round * scan_warps;
    if (at >= chunk_tokens / part_rows * across) continue;
    const int row = at / across * part_rows, column = at % across * part_columns;
    multiply<Side::as_is, Side::as_is, terms<E>>(grad_C[round], row, column, depth, chunk_tokens, tiles.mixing,
                                                 tiles.B);
    multiply<Side::transposed, Side::as_is, terms<E>>(grad_B[round], row, column, depth, chunk_tokens, tiles.mixing,
                                                      tiles.C);
    const auto write = [&](float* target, Part& part) {
      part.pairs(row, column, depth, [&](int t, int n, float first, float second) {
        if (t >= chunk.tokens || n >= scan.state_dim) return;
        const int64_t token = (share * scan.batch + chunk.batch) * scan.length + chunk.start + t;
        float* place = target + (token * scan.groups + chunk.group) * scan.state_dim + n;
        if (n + 1 < scan.state_dim)
          store_pair(place, first, second);
        else
          *place = first;
      });
    };
    write(grads.C, grad_C[round]);
    write(grads.B, grad_B[round]);
  }
}

template <class E>
struct Workspace {
  Workspace(void* start, const Scan<E>& scan, const Shares& shares, bool skip) : carver(start) {
    totals = carver.take<float>(scan.chunk_heads());
    states = carver.template take<Operand<E>>(scan.chunk_heads() * scan.state_size());
    A = carver.take<float>(scan.chunk_heads());
    D = skip ? carver.take<float>(scan.chunk_heads() * scan.head_dim) : nullptr;
    const int64_t numbers = shares.count > 1 ? shares.count * token_numbers(scan) : 0;
    B = carver.take<float>(numbers);
    C = carver.take<float>(numbers);
  }

  static int64_t token_numbers(const Scan<E>& scan) { return scan.batch * scan.length * scan.groups * scan.state_dim; }

  Carver carver;
  float *totals, *A, *D, *B, *C;
  Operand<E>* states;
};

template <class E>
int32_t backward(const api::SsdScanCall& call, const Place& place) {
  const Scan<E> scan(call);
  const Shares shares(scan);
  const Workspace<E> work(place.workspace, scan, shares, call.grad_D != nullptr);
  Launcher launch(place);
  const auto grad_y = call.grad_y.as<TokenView<const E>>();
  launch_contributions<E>(launch, "ssd_scan backward: what chunks add to the state's gradient", scan,
                          Direction::backward, grad_y, work.states, work.totals);
  launch_passing<E>(launch, "ssd_scan backward: the state's gradient from chunk to chunk", scan, Direction::backward,
                    work.totals, work.states, static_cast<const float*>(call.grad_final_state),
                    static_cast<float*>(call.grad_initial_state));
  auto *grad_B = static_cast<float*>(call.grad_B), *grad_C = static_cast<float*>(call.grad_C);
  const bool shared = shares.count > 1;
  const Gradients<E> grads{grad_y,
                           call.grad_x.as<TokenView<E>>(),
                           call.grad_z.as<TokenView<E>>(),
                           static_cast<float*>(call.grad_dt),
                           shared ? work.B : grad_B,
                           shared ? work.C : grad_C,
                           work.A,
                           work.D};
  const auto kernel = scan.state_dim <= largest_state / 2 ? gradient_kernel<E, 1> : gradient_kernel<E, 2>;
  launch("ssd_scan backward: gradients", kernel, shares.blocks, scan_threads,
         GradientTiles<E>(nullptr, scan.head_dim, scan.state_dim).bytes, scan, shares,
         static_cast<const Operand<E>*>(call.chunk_states), work.states, grads);

  const int64_t chunks = scan.chunks * scan.batch, numbers = Workspace<E>::token_numbers(scan);
  const int64_t features = int64_t{scan.heads} * scan.head_dim;
  sum_rows(launch, "ssd_scan backward: A", work.A, chunks, scan.heads, scan.heads, static_cast<float*>(call.grad_A),
           scan.heads, 1);
  if (work.D)
    sum_rows(launch, "ssd_scan backward: D", work.D, chunks, features, features, static_cast<float*>(call.grad_D),
             features, 1);
  if (shared) {
    sum_rows(launch, "ssd_scan backward: B", work.B, shares.count, numbers, numbers, grad_B, numbers, 1);
    sum_rows(launch, "ssd_scan backward: C", work.C, shares.count, numbers, numbers, grad_C, numbers, 1);
  }
  return launch.result();
}

}  // namespace
}  // namespace patchkit::cuda

using namespace patchkit::cuda;
using patchkit::api::SsdScanCall;

// Whether the sizes fit a multiprocessor's shared memory.
PK_API int64_t pk_cuda_ssd_scan_fits(const SsdScanCall* call) {
  if (call->state_dim > largest_state || call->head_dim > largest_state) return 0;
  return of_type(call->type, [&](auto element) {
           const GradientTiles<decltype(element)> tiles(nullptr, static_cast<int>(call->head_dim),
                                                        static_cast<int>(call->state_dim));
           return tiles.bytes <= largest_shared ? 1 : 0;
         }) == 1;
}

PK_API int64_t pk_cuda_ssd_scan_backward_workspace(const SsdScanCall* call) {
  int64_t bytes = 0;
  of_type(call->type, [&](auto element) {
    const Scan<decltype(element)> scan(*call);
    bytes = Workspace<decltype(element)>(nullptr, scan, Shares(scan), call->grad_D != nullptr).carver.bytes();
    return 0;
  });
  return bytes;
}

PK_API int32_t pk_cuda_ssd_scan_backward(const SsdScanCall* call, const Place* place) {
  return of_type(call->type, [&](auto element) { return backward<decltype(element)>(*call, *place); });
}
