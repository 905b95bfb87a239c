#pragma once

#include <algorithm>
#include <cstdint>

#include "functions.h"
#include "memory.h"
#include "parallel.h"
#include "ssd_scan.h"
#include "tile.h"

// What the forward and the backward scan share: the plan of the work, workspaces, packing, decays, tiles.
namespace patchkit::kernels::ssd {

// exp of this is 0 even in double, and prefix sums of it stay exact enough to be subtracted.
constexpr double strongest_decay = -1e4;

// ---------------------------------------------------------------- sizes and shares of the work

template <class T>
struct Dims {
  explicit Dims(const SsdShape& s)
      : batch(s.batch), length(s.length), heads(s.heads), groups(s.groups), p(s.head_dim), n(s.state_dim),
        chunk(std::min(s.chunk, s.length)), chunks((s.length + chunk - 1) / chunk), P(padded<T>(p)), N(padded<T>(n)),
        Q(padded<T>(chunk)), state(N * P) {}

  int64_t sequences() const { return batch * heads; }
  int64_t heads_per_group() const { return heads / groups; }

  int64_t batch, length, heads, groups, p, n, chunk, chunks;
  int64_t P, N, Q;  // padded p, n and chunk
  int64_t state;    // elements of one packed (N, P) state
};

// One block of tokens of one (batch, group).
struct Chunk {
  int64_t batch, group, index, start, count, rows;  // rows: count, padded
};

template <class T>
Chunk chunk_at(const Dims<T>& d, int64_t batch, int64_t group, int64_t index) {
  const int64_t start = index * d.chunk, count = std::min(d.chunk, d.length - start);
  return {batch, group, index, start, count, padded<T>(count)};
}

// Threads take ranges of the batch x heads sequences; only when these are too few is time cut into segments.
struct Plan {
  Plan(int threads, int64_t sequences, int64_t chunks)
      : threads(threads), ranges(std::min<int64_t>(threads, sequences)), segments(std::min(threads / ranges, chunks)) {}
  int64_t tasks() const { return ranges * segments; }
  int64_t threads, ranges, segments;
};

// body(batch, group, sequences) for each run of sequences that share B and C.
template <class T, class Body>
void for_groups(const Dims<T>& d, Range sequences, const Body& body) {
  const int64_t per_group = d.heads_per_group();
  for (int64_t first = sequences.begin; first < sequences.end;) {
    const int64_t flat_group = first / per_group;
    const int64_t last = std::min(sequences.end, (flat_group + 1) * per_group);
    body(flat_group / d.groups, flat_group % d.groups, Range{first, last});
    first = last;
  }
}

// ---------------------------------------------------------------- packing

// Rows of one head of a chunk, (count, width) -> packed (rows, stride), zeros around.
template <class E, class T>
void load_tokens(TokenView<const E> view, const Chunk& c, int64_t head, int64_t width, T* target, int64_t stride) {
  for (int64_t t = 0; t < c.count; ++t)
    unpack_row(view.row(c.batch, c.start + t, head), width, target + t * stride, stride);
  std::fill(target + c.count * stride, target + c.rows * stride, T(0));
}

template <class E, class T>
void store_tokens(const T* source, int64_t stride, const Chunk& c, int64_t head, int64_t width, TokenView<E> view) {
  for (int64_t t = 0; t < c.count; ++t) pack_row<E>(source + t * stride, width, view.row(c.batch, c.start + t, head));
}

// A caller's (p, n) state -> packed (N, P).
template <class T>
void load_state(const Dims<T>& d, const T* source, T* flipped, T* state) {
  for (int64_t i = 0; i < d.P; ++i) {
    if (i < d.p)
      unpack_row(source + i * d.n, d.n, flipped + i * d.N, d.N);
    else
      std::fill_n(flipped + i * d.N, d.N, T(0));
  }
  transpose(flipped, d.N, state, d.P, d.P, d.N);
}

template <class T>
void store_state(const Dims<T>& d, const T* state, T* flipped, T* target) {
  transpose(state, d.P, flipped, d.N, d.N, d.P);
  for (int64_t i = 0; i < d.p; ++i) std::copy_n(flipped + i * d.N, d.n, target + i * d.n);
}

// ---------------------------------------------------------------- decays

// What time does to a head within a chunk. Prefix sums S_t of dt A are kept as high + low so that the difference of
// two large sums keeps its digits.
template <class T>
struct Decay {
  Decay(Arena& arena, int64_t Q)
      : dt(arena.take<T>(Q)), slope(arena.take<T>(Q)), high(arena.take<T>(Q)), low(arena.take<T>(Q)),
        enter(arena.take<T>(Q)), leave(arena.take<T>(Q)) {}

  T *dt, *slope;     // (Q) the step after softplus, and softplus' derivative
  T *high, *low;     // (Q) S_t
  T *enter, *leave;  // (Q) exp(S_t) from the chunk's start, exp(S_last - S_t) to its end
  T total = 0;       // exp(S_last)
};

template <class E, class T>
void load_steps(const SsdInputs<E>& in, const Chunk& c, int64_t head, Decay<T>& decay) {
  const T bias = in.dt_bias ? in.dt_bias[head] : T(0);
  for (int64_t t = 0; t < c.count; ++t) decay.dt[t] = *in.dt.row(c.batch, c.start + t, head) + bias;
  std::fill(decay.dt + c.count, decay.dt + c.rows, T(0));
  if (!in.dt_softplus) return;
  for (int64_t t = 0; t < c.rows; t += lanes<T>) {
    const Vector<T> raw = load(decay.dt + t);
    store(decay.slope + t, raw > T(20) ? broadcast<T>(1) : sigmoid(raw));
    store(decay.dt + t, softplus(raw));
  }
  std::fill(decay.dt + c.count, decay.dt + c.rows, T(0));
}

template <class E, class T>
void load_decay(const SsdInputs<E>& in, const Chunk& c, int64_t head, Decay<T>& decay) {
  load_steps(in, c, head, decay);
  double sum = 0;
  for (int64_t t = 0; t < c.rows; ++t) {
    sum += std::max(double(decay.dt[t]) * in.A[head], strongest_decay);
    decay.high[t] = T(sum);
    decay.low[t] = T(sum - decay.high[t]);
  }
  const T last_high = decay.high[c.count - 1], last_low = decay.low[c.count - 1];
  for (int64_t t = 0; t < c.rows; t += lanes<T>) {
    const Vector<T> high = load(decay.high + t), low = load(decay.low + t);
    store(decay.enter + t, saturating_exponential(high + low));
    store(decay.leave + t, saturating_exponential((last_high - high) + (last_low - low)));
  }
  decay.total = decay.enter[c.count - 1];
}

// visit(offset, j, exp(S_i - S_j)) over the vectors of the lower triangle, zeros above the diagonal.
template <class T, class Visit>
void for_decays(const Decay<T>& decay, int64_t rows, int64_t stride, Visit visit) {
  for (int64_t i = 0; i < rows; ++i) {
    const int64_t columns = padded<T>(i + 1);
    for (int64_t j = 0; j < columns; j += lanes<T>) {
      const Vector<T> gap = (decay.high[i] - load(decay.high + j)) + (decay.low[i] - load(decay.low + j));
      visit(i * stride + j, j, count_from<T>(j - i) <= 0 ? saturating_exponential(gap) : Vector<T>{});
    }
  }
}

// ---------------------------------------------------------------- what the heads of a group share

template <class T>
struct GroupChunk {
  GroupChunk(Arena& arena, const Dims<T>& d)
      : B(arena.take<T>(d.Q * d.N)), C(arena.take<T>(d.Q * d.N)), Bt(arena.take<T>(d.N * d.Q)),
        G(arena.take<T>(d.Q * d.Q)) {}

  T *B, *C;  // (Q, N)
  T* Bt;     // (N, Q)
  T* G;      // (Q, Q) C B^T, tiles that touch the lower triangle
};

template <class E, class T>
void load_group(const Dims<T>& d, const SsdInputs<E>& in, const Chunk& c, const GroupChunk<T>& group) {
  load_tokens(in.B, c, c.group, d.n, group.B, d.N);
  load_tokens(in.C, c, c.group, d.n, group.C, d.N);
  transpose(group.B, d.N, group.Bt, d.Q, c.rows, d.N);
  for_tiles<T>(c.rows, c.rows, [&](auto tile, int64_t i, int64_t j) {
    if (j >= i + tile_rows) return;
    multiply_add(tile, RowMajor<T>{group.C + i * d.N, d.N}, group.Bt + j, d.Q, d.n);
    each_register(tile, [&](int r, int v, Vector<T>& value) { store(group.G + (i + r) * d.Q + j + v, value); });
  });
}

// ---------------------------------------------------------------- the two halves of the scan

// Y = diag(enter) C state + mixing source + D X, all packed; a null state counts as zero.
template <class T>
void chunk_outputs(const Dims<T>& d, const Chunk& c, const T* C, const Decay<T>& decay, const T* state, const T* mixing,
                   const T* source, const T* D, const T* X, T* Y) {
  for_tiles<T>(c.rows, d.P, [&](auto tile, int64_t i, int64_t j) {
    if (state) {
      multiply_add(tile, RowMajor<T>{C + i * d.N, d.N}, state + j, d.P, d.n);
      each_register(tile, [&](int r, int, Vector<T>& value) { value *= decay.enter[i + r]; });
    }
    multiply_add(tile, RowMajor<T>{mixing + i * d.Q, d.Q}, source + j, d.P, std::min(i + tile_rows, c.count));
    each_register(tile, [&](int r, int v, Vector<T>& value) {
      const int64_t at = (i + r) * d.P + j + v;
      if (D) value += load(D + j + v) * load(X + at);
      store(Y + at, value);
    });
  });
}

// next (N, P) = total state + left^T right over the chunk's tokens; state and next may be one.
template <class T>
void advance(const Dims<T>& d, const Chunk& c, T total, const T* state, const T* left, const T* right, T* next) {
  for_tiles<T>(d.N, d.P, [&](auto tile, int64_t i, int64_t j) {
    if (state)
      each_register(tile, [&](int r, int v, Vector<T>& value) { value = total * load(state + (i + r) * d.P + j + v); });
    multiply_add(tile, ColumnMajor<T>{left + i, d.N}, right + j, d.P, c.count);
    each_register(tile, [&](int r, int v, Vector<T>& value) { store(next + (i + r) * d.P + j + v, value); });
  });
}

// D of one head spread over (P), or null.
template <class E, class T>
const T* load_D(const Dims<T>& d, const SsdInputs<E>& in, int64_t head, T* buffer) {
  if (!in.D) return nullptr;
  for (int64_t j = 0; j < d.P; ++j) buffer[j] = j >= d.p ? T(0) : in.D_per_feature ? in.D[head * d.p + j] : in.D[head];
  return buffer;
}

// Y *= silu(z)
template <class E, class T>
void apply_gate(const Dims<T>& d, const SsdInputs<E>& in, const Chunk& c, int64_t head, T* gate, T* Y) {
  for (int64_t t = 0; t < c.count; ++t) {
    unpack_row(in.z.row(c.batch, c.start + t, head), d.p, gate, d.P);
    for (int64_t j = 0; j < d.P; j += lanes<T>) {
      const Vector<T> z = load(gate + j);
      store(Y + t * d.P + j, load(Y + t * d.P + j) * silu(z));
    }
  }
}

// to += carry from: a state computed from nothing becomes the true one.
template <class T>
void join_segments(const Dims<T>& d, const T* from, const T* carry, T* to) {
  for (int64_t i = 0; i < d.state; ++i) to[i] += *carry * from[i];
}

// Memory of one call: a scratch per task, and per segment the state that enters (or leaves) it.
template <class T, class Scratch>
struct CallMemory {
  CallMemory(Arena& arena, const Dims<T>& d, const Plan& plan) {
    const int64_t longest_range = (d.sequences() + plan.ranges - 1) / plan.ranges;
    together = std::min(longest_range, d.heads_per_group());
    Arena measure;
    Scratch(measure, d, together);
    task_bytes = measure.used();
    tasks = arena.take<char>(plan.tasks() * task_bytes);
    edges = arena.take<T>((plan.segments - 1) * d.sequences() * d.state);
    carry = arena.take<T>((plan.segments - 1) * d.sequences());
  }

  Scratch scratch(const Dims<T>& d, int64_t task) const {
    Arena arena(tasks + task * task_bytes);
    return Scratch(arena, d, together);
  }

  int64_t together;  // most sequences that a task walks side by side
  std::size_t task_bytes;
  char* tasks;
  T *edges, *carry;  // (segments - 1, sequences, N, P), (segments - 1, sequences)
};

}  // namespace patchkit::kernels::ssd
