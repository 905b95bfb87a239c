// What the scan's forward and backward share (kernels/ssd_scan.h has the mathematics). Sequences are cut into chunks of
// 64 tokens; a chunk's products stay on one multiprocessor. The state goes from chunk to chunk in float; what a chunk
// adds to it, and what enters a chunk, lies in Operand<E>, (chunks, b, h, P, N). Padding is steps of size 0, which
// neither decay the state nor write to it.
//
// Sizes: b batch, l length, g groups, h heads, P head dim, N state dim, Q tokens of a chunk.
#pragma once

#include "launch.cuh"
#include "mma.cuh"

namespace patchkit::cuda {

inline constexpr int chunk_tokens = 64;  // Q
inline constexpr int scan_threads = 256;
inline constexpr int scan_warps = scan_threads / warp_size;
inline constexpr int largest_state = 128;
// Of a multiprocessor with sm_80 a block may have 163 KB.
inline constexpr int largest_shared = 160 * 1024;
// The parts of the products of a chunk's tokens with each other, one to a warp.
static_assert(chunk_tokens / part_rows * (chunk_tokens / part_columns) == scan_warps);

// exp of this is 0 even in double, and prefix sums of it stay exact enough to be subtracted.
inline constexpr double strongest_decay = -1e4;

// A (b, l, heads or groups, features) tensor whose features are contiguous; strides in elements.
template <class E>
struct TokenView {
  E* data;
  int64_t batch, token, head;

  __device__ __forceinline__ E* row(int64_t b, int64_t t, int64_t h) const {
    return data + b * batch + t * token + h * head;
  }
};

template <class E>
struct Scan {
  int64_t batch, length, chunks;
  int heads, groups, head_dim, state_dim;
  TokenView<const E> x, B, C, z;  // z optional
  TokenView<const float> dt;
  const float *A, *dt_bias, *D;  // the latter two optional
  bool D_per_feature, dt_softplus;

  explicit Scan(const api::SsdScanCall& call)
      : batch(call.batch), length(call.length), chunks((call.length + chunk_tokens - 1) / chunk_tokens),
        heads(static_cast<int>(call.heads)), groups(static_cast<int>(call.groups)),
        head_dim(static_cast<int>(call.head_dim)), state_dim(static_cast<int>(call.state_dim)),
        x(call.x.as<TokenView<const E>>()), B(call.B.as<TokenView<const E>>()), C(call.C.as<TokenView<const E>>()),
        z(call.z.as<TokenView<const E>>()), dt(call.dt.as<TokenView<const float>>()),
        A(static_cast<const float*>(call.A)), dt_bias(static_cast<const float*>(call.dt_bias)),
        D(static_cast<const float*>(call.D)), D_per_feature(call.D_per_feature != 0),
        dt_softplus(call.dt_softplus != 0) {}

  int64_t chunk_heads() const { return chunks * batch * heads; }
  __host__ __device__ __forceinline__ int64_t state_size() const { return int64_t{head_dim} * state_dim; }

  __device__ __forceinline__ float skip(int head, int feature) const {
    if (D == nullptr) return 0;
    return D_per_feature ? D[head * head_dim + feature] : D[head];
  }
};

// One head of one chunk, as blocks count them: (c, b, h).
struct HeadChunk {
  template <class E>
  __device__ HeadChunk(const Scan<E>& scan, int64_t index)
      : index(index), head(static_cast<int>(index % scan.heads)), batch(index / scan.heads % scan.batch),
        start(index / scan.heads / scan.batch * chunk_tokens),
        tokens(static_cast<int>(scan.length - start < chunk_tokens ? scan.length - start : chunk_tokens)),
        group(head / (scan.heads / scan.groups)) {}

  int64_t index;
  int head;
  int64_t batch;
  int64_t start;  // time of the first token
  int tokens;
  int group;
};

// What the tokens of a chunk have for a head. Decays are exp of differences of `sums`, the prefix sums of dt A: in
// double, so that the difference of two large sums keeps its digits.
struct Steps {
  double sums[chunk_tokens];
  float size[chunk_tokens];   // dt after bias and softplus
  float enter[chunk_tokens];  // decay from the chunk's start
  float leave[chunk_tokens];  // decay to the chunk's end

  // By the first warp; to be followed by __syncthreads.
  template <class E>
  __device__ __forceinline__ void load(const Scan<E>& scan, const HeadChunk& chunk) {
    if (threadIdx.x >= warp_size) return;
    const int lane = threadIdx.x;
    const float A = scan.A[chunk.head], bias = scan.dt_bias ? scan.dt_bias[chunk.head] : 0.0f;
    double total = 0;
    for (int t = lane; t < chunk_tokens; t += warp_size) {
      float step = 0;
      if (t < chunk.tokens) {
        step = *scan.dt.row(chunk.batch, chunk.start + t, chunk.head) + bias;
        if (scan.dt_softplus) step = softplus(step);
      }
      double log_decay = static_cast<double>(step) * A;
      if (!(log_decay > strongest_decay)) log_decay = strongest_decay;
      const double sum = total + warp_running_sum<Order::onward>(log_decay);
      size[t] = step;
      sums[t] = sum;
      enter[t] = expf(static_cast<float>(sum));
      total = __shfl_sync(0xffffffffu, sum, warp_size - 1);
    }
    for (int t = lane; t < chunk_tokens; t += warp_size) leave[t] = expf(static_cast<float>(total - sums[t]));
  }

  __device__ __forceinline__ float total() const { return enter[chunk_tokens - 1]; }

  __device__ __forceinline__ float decay(int from, int to) const {
    return expf(static_cast<float>(sums[to] - sums[from]));
  }
};

// Fills a tile whose first `rows` rows and `columns` columns exist, the rest with zeros: pair(row, column, both) gives
// two neighbours. Warps take turns at the rows.
template <class T, class Pairs>
__device__ __forceinline__ void stage(Tile<T> tile, int tile_rows, int rows, int columns, const Pairs& pair) {
  const int width = padded(columns);
  for (int row = threadIdx.x / warp_size; row < tile_rows; row += scan_warps)
    for (int column = threadIdx.x % warp_size * 2; column < width; column += 2 * warp_size) {
      Two value{0, 0};
      if (row < rows && column < columns) value = pair(row, column, column + 1 < columns);
      store_pair(tile.row(row) + column, value.first, value.second);
    }
}

// The tokens of a chunk, of one head or group.
template <class T, class E>
__device__ __forceinline__ void stage_tokens(Tile<T> tile, const TokenView<const E>& view, const HeadChunk& chunk,
                                             int head, int columns) {
  const E* first = view.row(chunk.batch, chunk.start, head);
  stage(tile, chunk_tokens, chunk.tokens, columns,
        [&](int row, int column, bool both) { return load_pair(first + row * view.token + column, both); });
}

// The gradient of the output before the gate.
template <class T, class E>
__device__ __forceinline__ void stage_gradient(Tile<T> tile, const Scan<E>& scan, const TokenView<const E>& grad_y,
                                               const HeadChunk& chunk) {
  const E* first = grad_y.row(chunk.batch, chunk.start, chunk.head);
  const E* gate = scan.z.data ? scan.z.row(chunk.batch, chunk.start, chunk.head) : nullptr;
  stage(tile, chunk_tokens, chunk.tokens, scan.head_dim, [&](int row, int column, bool both) {
    Two grad = load_pair(first + row * grad_y.token + column, both);
    if (gate != nullptr) {
      const Two z = load_pair(gate + row * scan.z.token + column, both);
      grad.first *= silu(z.first);
      grad.second *= silu(z.second);
    }
    return grad;
  });
}

// A state, (P, N).
template <class T>
__device__ __forceinline__ void stage_state(Tile<T> tile, const T* state, int head_dim, int state_dim) {
  stage(tile, padded(head_dim), head_dim, state_dim,
        [&](int row, int column, bool both) { return load_pair(state + row * state_dim + column, both); });
}

template <class T>
__host__ __device__ __forceinline__ Tile<T> take_tile(SharedCarver& carver, int rows, int columns) {
  const int stride = tile_stride<T>(padded(columns));
  return {carver.take<T>(rows * stride), stride};
}

// How many parts of TF32 the type's products are made of.
template <class E>
inline constexpr int terms = std::is_same_v<E, float> ? 3 : 1;

// A chunk's heads of a group share the products C B^T, so that one block goes through all of them, or, where there are
// few chunks, through a share. It depends on sizes alone: bits repeat.
struct Shares {
  template <class E>
  explicit Shares(const Scan<E>& scan) {
    const int64_t all = scan.chunks * scan.batch * scan.groups, wanted = 1024;
    const int group_heads = scan.heads / scan.groups;
    const int64_t most = all == 0 ? 1 : (wanted + all - 1) / all;
    heads = static_cast<int>((group_heads + most - 1) / most);
    count = (group_heads + heads - 1) / heads;
    blocks = all * count;
  }

  int heads;  // of a share
  int count;  // of shares of a group
  int64_t blocks;
};

// The place of a block: (c, b, g, share). The chunk of its first head, and how many heads it has.
template <class E>
__device__ __forceinline__ HeadChunk first_head(const Scan<E>& scan, const Shares& shares, int& heads) {
  const int group_heads = scan.heads / scan.groups, share = blockIdx.x % shares.count;
  const int group = blockIdx.x / shares.count % scan.groups;
  const int64_t item = blockIdx.x / shares.count / scan.groups;
  heads = group_heads - share * shares.heads < shares.heads ? group_heads - share * shares.heads : shares.heads;
  return HeadChunk(scan, item * scan.heads + group * group_heads + share * shares.heads);
}

enum class Direction { onward, backward };

// What a chunk adds to the state, x^T B weighted by the decay to its end; or (backward) to the gradient of the state
// that enters it, g^T C weighted by the decay from its start. `totals` gets the decay of the whole chunk.
template <class E>
void launch_contributions(Launcher& launch, const char* name, const Scan<E>& scan, Direction direction,
                          const TokenView<const E>& grad_y, Operand<E>* states, float* totals);

// The recurrence over chunks: `states` holds what each chunk adds, and in the end what reaches each chunk from the
// others. It begins with `first` (zero where null) and ends with `last` (which may be null), (b, h, P, N).
template <class E>
void launch_passing(Launcher& launch, const char* name, const Scan<E>& scan, Direction direction, const float* totals,
                    Operand<E>* states, const float* first, float* last);

}  // namespace patchkit::cuda
