// The Mamba-2 scan's forward: what each chunk adds to the state, the state from chunk to chunk, the outputs.
#include "ssd.cuh"

namespace patchkit::cuda {
namespace {

template <class E>
struct ContributionTiles {
  using T = Operand<E>;

  __host__ __device__ ContributionTiles(char* start, int head_dim, int state_dim) {
    SharedCarver carver(start);
    steps = carver.take<Steps>(1);
    values = take_tile<T>(carver, chunk_tokens, head_dim);
    factors = take_tile<T>(carver, chunk_tokens, state_dim);
    bytes = carver.bytes();
  }

  Steps* steps;
  Tile<T> values, factors;
  int bytes;
};

// A block for each (c, b, h).
template <class E, Direction direction>
__global__ void __launch_bounds__(scan_threads)
    contribution_kernel(Scan<E> scan, TokenView<const E> grad_y, Operand<E>* states, float* totals) {
  const HeadChunk chunk(scan, blockIdx.x);
  const ContributionTiles<E> tiles(dynamic_shared(), scan.head_dim, scan.state_dim);
  Steps& steps = *tiles.steps;
  steps.load(scan, chunk);
  if constexpr (direction == Direction::onward) {
    stage_tokens(tiles.values, scan.x, chunk, chunk.head, scan.head_dim);
    stage_tokens(tiles.factors, scan.B, chunk, chunk.group, scan.state_dim);
  } else {
    stage_gradient(tiles.values, scan, grad_y, chunk);
    stage_tokens(tiles.factors, scan.C, chunk, chunk.group, scan.state_dim);
  }
  __syncthreads();
  // The weights go to the narrower operand's staged values, row by row.
  for (int row = threadIdx.x / warp_size; row < chunk_tokens; row += scan_warps) {
    const float weight = direction == Direction::onward ? steps.leave[row] * steps.size[row] : steps.enter[row];
    for (int column = threadIdx.x % warp_size; column < padded(scan.head_dim); column += warp_size) {
      Operand<E>& value = tiles.values.row(row)[column];
      value = narrow<Operand<E>>(widen(value) * weight);
    }
  }
  if (threadIdx.x == 0) totals[chunk.index] = steps.total();
  __syncthreads();

  Operand<E>* state = states + chunk.index * scan.state_size();
  const int rows = padded(scan.head_dim), columns = padded(scan.state_dim);
  for_parts(rows, columns, [&](int row, int column) {
    Part part;
    multiply<Side::transposed, Side::as_is, terms<E>>(part, row, column, columns, chunk_tokens, tiles.values,
                                                      tiles.factors);
    part.pairs(row, column, columns, [&](int p, int n, float first, float second) {
      if (p >= scan.head_dim || n >= scan.state_dim) return;
      Operand<E>* at = state + p * scan.state_dim + n;
      if (n + 1 < scan.state_dim)
        store_pair(at, first, second);
      else
        *at = narrow<Operand<E>>(first);
    });
  });
}

// A thread for each element of (b, h, P, N) walks through the chunks, a few of which are read ahead.
template <class E>
__global__ void passing_kernel(Scan<E> scan, Direction direction, const float* totals, Operand<E>* states,
                               const float* first, float* last) {
  constexpr int ahead = 8;
  const int64_t size = scan.state_size(), all = scan.batch * scan.heads * size;
  const int64_t element = int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (element >= all) return;
  const int64_t item = element / size;  // (b, h)
  float value = first ? first[element] : 0.0f;
  for (int64_t walked = 0; walked < scan.chunks; walked += ahead) {
    float added[ahead], total[ahead];
#pragma unroll
    for (int i = 0; i < ahead; ++i) {
      if (walked + i >= scan.chunks) continue;
      const int64_t c = direction == Direction::onward ? walked + i : scan.chunks - 1 - walked - i;
      added[i] = widen(states[c * all + element]);
      total[i] = totals[c * scan.batch * scan.heads + item];
    }
#pragma unroll
    for (int i = 0; i < ahead; ++i) {
      if (walked + i >= scan.chunks) continue;
      const int64_t c = direction == Direction::onward ? walked + i : scan.chunks - 1 - walked - i;
      states[c * all + element] = narrow<Operand<E>>(value);
      value = total[i] * value + added[i];
    }
  }
  if (last) last[element] = value;
}

template <class E>
struct OutputTiles {
  using T = Operand<E>;

  __host__ __device__ OutputTiles(char* start, int head_dim, int state_dim) {
    SharedCarver carver(start);
    steps = carver.take<Steps>(1);
    B = take_tile<T>(carver, chunk_tokens, state_dim);
    C = take_tile<T>(carver, chunk_tokens, state_dim);
    x = take_tile<T>(carver, chunk_tokens, head_dim);
    state = take_tile<T>(carver, padded(head_dim), state_dim);
    mixing = take_tile<T>(carver, chunk_tokens, chunk_tokens);
    bytes = carver.bytes();
  }

  Steps* steps;
  Tile<T> B, C, x, state, mixing;
  int bytes;
};

// A block for each (c, b, g, share of heads).
template <class E>
__global__ void __launch_bounds__(scan_threads, 2)
    output_kernel(Scan<E> scan, Shares shares, const Operand<E>* states, TokenView<E> y) {
  int heads;
  HeadChunk chunk = first_head(scan, shares, heads);
  const OutputTiles<E> tiles(dynamic_shared(), scan.head_dim, scan.state_dim);
  Steps& steps = *tiles.steps;
  const int width = padded(scan.head_dim), depth = padded(scan.state_dim);
  stage_tokens(tiles.B, scan.B, chunk, chunk.group, scan.state_dim);
  stage_tokens(tiles.C, scan.C, chunk, chunk.group, scan.state_dim);
  __syncthreads();

  // C B^T, this warp's part, for all heads
  const int warp = threadIdx.x / warp_size, own_row = warp / 2 * part_rows, own_column = warp % 2 * part_columns;
  Part products;
  multiply<Side::as_is, Side::transposed, terms<E>>(products, own_row, own_column, chunk_tokens, depth, tiles.C,
                                                    tiles.B);

  for (int walked = 0; walked < heads; ++walked, ++chunk.head, ++chunk.index) {
    if (walked > 0) __syncthreads();  // the head before has read its tiles
    steps.load(scan, chunk);
    stage_tokens(tiles.x, scan.x, chunk, chunk.head, scan.head_dim);
    stage_state(tiles.state, states + chunk.index * scan.state_size(), scan.head_dim, scan.state_dim);
    __syncthreads();

    // what token i takes from token j <= i
    products.pairs(own_row, own_column, chunk_tokens, [&](int i, int j, float first, float second) {
      const float one = j > i ? 0.0f : first * steps.decay(j, i) * steps.size[j];
      const float other = j + 1 > i ? 0.0f : second * steps.decay(j + 1, i) * steps.size[j + 1];
      store_pair(tiles.mixing.row(i) + j, one, other);
    });
    __syncthreads();

    for_parts(chunk_tokens, width, [&](int row, int column) {
      Part part;
      multiply<Side::as_is, Side::transposed, terms<E>>(part, row, column, width, depth, tiles.C, tiles.state);
      part.scale(steps.enter[row + threadIdx.x % warp_size / 4], steps.enter[row + threadIdx.x % warp_size / 4 + 8]);
      multiply<Side::as_is, Side::as_is, terms<E>>(part, row, column, width, row + part_rows, tiles.mixing, tiles.x);
      part.pairs(row, column, width, [&](int i, int p, float first, float second) {
        if (i >= chunk.tokens || p >= scan.head_dim) return;
        const bool both = p + 1 < scan.head_dim;
        first += scan.skip(chunk.head, p) * widen(tiles.x.row(i)[p]);
        if (both) second += scan.skip(chunk.head, p + 1) * widen(tiles.x.row(i)[p + 1]);
        if (scan.z.data) {
          const Two z = load_pair(scan.z.row(chunk.batch, chunk.start + i, chunk.head) + p, both);
          first *= silu(z.first);
          second *= silu(z.second);
        }
        E* at = y.row(chunk.batch, chunk.start + i, chunk.head) + p;
        if (both)
          store_pair(at, first, second);
        else
          *at = narrow<E>(first);
      });
    });
  }
}

template <class E>
int64_t states_bytes(const Scan<E>& scan) {
  return scan.chunk_heads() * scan.state_size() * static_cast<int64_t>(sizeof(Operand<E>));
}

template <class E>
int32_t forward(const api::SsdScanCall& call, const Place& place) {
  const Scan<E> scan(call);
  Launcher launch(place);
  Carver carver(place.workspace);
  float* totals = carver.take<float>(scan.chunk_heads());
  auto* states = static_cast<Operand<E>*>(call.chunk_states);
  launch_contributions<E>(launch, "ssd_scan: what chunks add to the state", scan, Direction::onward, {}, states,
                          totals);
  launch_passing<E>(launch, "ssd_scan: the state from chunk to chunk", scan, Direction::onward, totals, states,
                    static_cast<const float*>(call.initial_state), static_cast<float*>(call.final_state));
  const Shares shares(scan);
  launch("ssd_scan: outputs", output_kernel<E>, shares.blocks, scan_threads,
         OutputTiles<E>(nullptr, scan.head_dim, scan.state_dim).bytes, scan, shares, states, call.y.as<TokenView<E>>());
  return launch.result();
}

}  // namespace

template <class E>
void launch_contributions(Launcher& launch, const char* name, const Scan<E>& scan, Direction direction,
                          const TokenView<const E>& grad_y, Operand<E>* states, float* totals) {
  const auto kernel = direction == Direction::onward ? contribution_kernel<E, Direction::onward>
                                                     : contribution_kernel<E, Direction::backward>;
  launch(name, kernel, scan.chunk_heads(), scan_threads,
         ContributionTiles<E>(nullptr, scan.head_dim, scan.state_dim).bytes, scan, grad_y, states, totals);
}

template <class E>
void launch_passing(Launcher& launch, const char* name, const Scan<E>& scan, Direction direction, const float* totals,
                    Operand<E>* states, const float* first, float* last) {
  launch(name, passing_kernel<E>, blocks_for(scan.batch * scan.heads * scan.state_size(), largest_block), largest_block,
         0, scan, direction, totals, states, first, last);
}

#define PATCHKIT_INSTANTIATE(E)                                                                                       \
  template void launch_contributions<E>(Launcher&, const char*, const Scan<E>&, Direction, const TokenView<const E>&, \
                                        Operand<E>*, float*);                                                         \
  template void launch_passing<E>(Launcher&, const char*, const Scan<E>&, Direction, const float*, Operand<E>*,       \
                                  const float*, float*);
PATCHKIT_INSTANTIATE(float)
PATCHKIT_INSTANTIATE(__nv_bfloat16)
PATCHKIT_INSTANTIATE(__half)

}  // namespace patchkit::cuda

using namespace patchkit::cuda;
using patchkit::api::SsdScanCall;

// Numbers of float32 that chunk_states holds; the forward needs it too.
PK_API int64_t pk_cuda_ssd_scan_states_size(const SsdScanCall* call) {
  int64_t bytes = 0;
  of_type(call->type, [&](auto element) {
    bytes = states_bytes(Scan<decltype(element)>(*call));
    return 0;
  });
  return (bytes + 3) / 4;
}

PK_API int64_t pk_cuda_ssd_scan_forward_workspace(const SsdScanCall* call) {
  Carver carver(nullptr);
  carver.take<float>(Scan<float>(*call).chunk_heads());
  return carver.bytes();
}

PK_API int32_t pk_cuda_ssd_scan_forward(const SsdScanCall* call, const Place* place) {
  return of_type(call->type, [&](auto element) { return forward<decltype(element)>(*call, *place); });
}
