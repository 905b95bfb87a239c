#include <atomic>

#include "ssd_scan.h"
#include "ssd_scan_parts.h"
#include "stop.h"

namespace patchkit::kernels {
namespace ssd {
namespace {

template <class T>
struct BackwardScratch {
  BackwardScratch(Arena& arena, const Dims<T>& d, int64_t sequences)
      : group(arena, d), Ct(arena.take<T>(d.N * d.Q)), dG(arena.take<T>(d.Q * d.Q)), dBt(arena.take<T>(d.N * d.Q)),
        dCt(arena.take<T>(d.N * d.Q)), dtokens(arena.take<T>(d.Q * d.N)), decay(arena, d.Q),
        X(arena.take<T>(d.Q * d.P)), Xt(arena.take<T>(d.P * d.Q)), g(arena.take<T>(d.Q * d.P)),
        gt(arena.take<T>(d.P * d.Q)), V(arena.take<T>(d.Q * d.P)), Y(arena.take<T>(d.Q * d.P)),
        M(arena.take<T>(d.Q * d.Q)), L(arena.take<T>(d.Q * d.Q)), through_source(arena.take<T>(d.Q)),
        through_self(arena.take<T>(d.Q)), through_enter(arena.take<T>(d.Q)), through_leave(arena.take<T>(d.Q)),
        crossing(arena.take<T>(d.Q)), columns(arena.take<T>(d.Q)), D(arena.take<T>(d.P)), gate(arena.take<T>(d.P)),
        flipped(arena.take<T>(d.state)), R(arena.take<T>(sequences * d.state)) {}

  GroupChunk<T> group;
  T* Ct;         // (N, Q)
  T* dG;         // (Q, Q) summed over the group's heads, lower triangle
  T *dBt, *dCt;  // (N, Q) through the states, summed over the group's heads
  T* dtokens;    // (Q, N) dB or dC on their way out
  Decay<T> decay;
  T *X, *Xt;                         // (Q, P), (P, Q)
  T *g, *gt;                         // (Q, P), (P, Q) gradient of the ungated output
  T *V, *Y;                          // (Q, P) scaled operand, result on its way out
  T* M;                              // (Q, Q) G o decay
  T* L;                              // (Q, Q) the decays; then the gradient each carries times itself, strictly lower
  T *through_source, *through_self;  // (Q) d/d(dt_j) by later outputs of the chunk, by output j
  T *through_enter, *through_leave;  // (Q) d/d(log enter_i), d/d(dt_j) by what reaches the chunk's end
  T* crossing;                       // (Q) gradient of the log decay of each token, through paths inside the chunk
  T* columns;                        // (Q) running column sums of L
  T *D, *gate;                       // (P)
  T* flipped;                        // (P, N)
  T* R;                              // (sequences walked together, N, P) gradient of the running state
};

// Partial sums of the gradients that several tasks add to.
template <class T>
struct BackwardMemory : CallMemory<T, BackwardScratch<T>> {
  BackwardMemory(Arena& arena, const Dims<T>& d, const Plan& plan)
      : CallMemory<T, BackwardScratch<T>>(arena, d, plan), dA(arena.take<double>(plan.segments * d.sequences())),
        dD(arena.take<T>(plan.segments * d.sequences() * d.P)),
        partial(arena.take<T>((plan.ranges - 1) * 2 * d.length * d.n)) {}

  double* dA;  // (segments, sequences)
  T* dD;       // (segments, sequences, P)
  T* partial;  // (ranges - 1, dB and dC, l, n) for ranges that begin inside a group
};

template <class E>
class Backward {
  using T = Arithmetic<E>;
  using Memory = BackwardMemory<T>;
  using Scratch = BackwardScratch<T>;

 public:
  Backward(const SsdShape& shape, const SsdInputs<E>& in, TokenView<const E> grad_y, const T* grad_final_state,
           const T* chunk_states, const SsdGradients<E>& grads, int threads)
      : d_(shape), in_(in), grad_y_(grad_y), grad_final_state_(grad_final_state), chunk_states_(chunk_states),
        grads_(grads), plan_(threads, d_.sequences(), d_.chunks), memory_(place<Memory>(d_, plan_)) {}

  bool run() {
    if (plan_.segments > 1) find_edges();
    parallel(plan_.tasks(), plan_.threads, [&](int64_t task) { scan(task); });
    if (stopped_) return false;
    sum_shared_tokens();
    sum_parameters();
    return true;
  }

 private:
  Range chunks_of(int64_t segment) const { return part_of(d_.chunks, plan_.segments, segment); }
  Range sequences_of(int64_t task) const { return part_of(d_.sequences(), plan_.ranges, task % plan_.ranges); }
  // Gradient of the state that leaves `segment`.
  T* edge(int64_t segment, int64_t sequence) const {
    return memory_.edges + (segment * d_.sequences() + sequence) * d_.state;
  }
  T& carry(int64_t segment, int64_t sequence) const { return memory_.carry[segment * d_.sequences() + sequence]; }

  bool stop() {
    if (stop_requested()) stopped_ = true;
    return stopped_;
  }

  bool begins_inside_group(int64_t range) const {
    return part_of(d_.sequences(), plan_.ranges, range).begin % d_.heads_per_group() != 0;
  }
  TokenView<T> whole(T* tokens) const { return {tokens, d_.length * d_.groups * d_.n, d_.groups * d_.n, d_.n}; }
  // dB (which = 0) or dC (1) of a range's first group, when an earlier range owns that group's place in the result.
  TokenView<T> partial(int64_t range, int which) const {
    return {memory_.partial + ((range - 1) * 2 + which) * d_.length * d_.n, 0, d_.n, 0};
  }

  void find_edges() {
    parallel(plan_.tasks() - plan_.ranges, plan_.threads, [&](int64_t task) { scan_state_gradients(task); });
    if (stopped_) return;
    parallel(plan_.ranges, plan_.threads, [&](int64_t task) {
      Scratch s = memory_.scratch(d_, task);
      const Range sequences = sequences_of(task);
      const int64_t last = plan_.segments - 2;
      for (int64_t q = sequences.begin; q < sequences.end; ++q) {
        if (grad_final_state_) {
          load_state(d_, grad_final_state_ + q * d_.p * d_.n, s.flipped, s.R);
          join_segments(d_, s.R, &carry(last, q), edge(last, q));
        }
        for (int64_t segment = last - 1; segment >= 0; --segment)
          join_segments(d_, edge(segment + 1, q), &carry(segment, q), edge(segment, q));
      }
    });
  }

  // What a segment's own outputs ask of the state that enters it.
  void scan_state_gradients(int64_t task) {
    Scratch s = memory_.scratch(d_, task);
    const int64_t segment = task / plan_.ranges;
    const Range chunks = chunks_of(segment + 1);
    for_groups(d_, sequences_of(task), [&](int64_t batch, int64_t group, Range sequences) {
      for (int64_t index = chunks.end - 1; index >= chunks.begin && !stop(); --index) {
        const Chunk c = chunk_at(d_, batch, group, index);
        const bool first = index == chunks.end - 1;
        load_tokens(in_.C, c, group, d_.n, s.group.C, d_.N);
        for (int64_t q = sequences.begin; q < sequences.end; ++q) {
          const int64_t head = q % d_.heads;
          load_decay(in_, c, head, s.decay);
          load_tokens(grad_y_, c, head, d_.p, s.g, d_.P);
          if (in_.z) apply_gate(d_, in_, c, head, s.gate, s.g);
          scale_rows(s.decay.enter, s.g, c.rows, d_.P, s.V);
          carry(segment, q) = first ? s.decay.total : carry(segment, q) * s.decay.total;
          advance(d_, c, s.decay.total, first ? nullptr : edge(segment, q), s.group.C, s.V, edge(segment, q));
        }
      }
    });
  }

  void scan(int64_t task) {
    Scratch s = memory_.scratch(d_, task);
    // Vectors above the diagonal are read with their tile but never written.
    std::fill_n(s.M, d_.Q * d_.Q, T(0));
    std::fill_n(s.L, d_.Q * d_.Q, T(0));
    const int64_t segment = task / plan_.ranges, range_index = task % plan_.ranges;
    const Range chunks = chunks_of(segment), range = sequences_of(task);
    std::fill_n(memory_.dA + segment * d_.sequences() + range.begin, range.end - range.begin, 0.0);
    std::fill_n(memory_.dD + (segment * d_.sequences() + range.begin) * d_.P, (range.end - range.begin) * d_.P, T(0));
    for_groups(d_, range, [&](int64_t batch, int64_t group, Range sequences) {
      const bool foreign = sequences.begin == range.begin && begins_inside_group(range_index);
      const TokenView<T> dB = foreign ? partial(range_index, 0) : whole(grads_.B);
      const TokenView<T> dC = foreign ? partial(range_index, 1) : whole(grads_.C);
      const auto R = [&](int64_t q) { return s.R + (q - sequences.begin) * d_.state; };
      for (int64_t q = sequences.begin; q < sequences.end; ++q) enter_segment(segment, q, s, R(q));
      for (int64_t index = chunks.end - 1; index >= chunks.begin && !stop(); --index) {
        const Chunk c = chunk_at(d_, batch, group, index);
        begin_group(c, s);
        for (int64_t q = sequences.begin; q < sequences.end; ++q) scan_head(c, segment, q, s, R(q));
        finish_group(c, s, dB, dC);
      }
      if (segment == 0 && grads_.initial_state && !stopped_)
        for (int64_t q = sequences.begin; q < sequences.end; ++q)
          store_state(d_, R(q), s.flipped, grads_.initial_state + q * d_.p * d_.n);
    });
  }

  void enter_segment(int64_t segment, int64_t sequence, const Scratch& s, T* R) const {
    if (segment + 1 < plan_.segments)
      std::copy_n(edge(segment, sequence), d_.state, R);
    else if (grad_final_state_)
      load_state(d_, grad_final_state_ + sequence * d_.p * d_.n, s.flipped, R);
  }

  void begin_group(const Chunk& c, const Scratch& s) const {
    load_group(d_, in_, c, s.group);
    transpose(s.group.C, d_.N, s.Ct, d_.Q, c.rows, d_.N);
    std::fill_n(s.dG, c.rows * d_.Q, T(0));
    std::fill_n(s.dBt, d_.N * d_.Q, T(0));
    std::fill_n(s.dCt, d_.N * d_.Q, T(0));
  }

  // dC = dG B + what came through the states; dB = dG^T C likewise.
  void finish_group(const Chunk& c, const Scratch& s, TokenView<T> dB, TokenView<T> dC) const {
    const auto add_to_tokens = [&](auto& tile, int64_t i, int64_t j) {
      each_register(tile, [&](int r, int v, Vector<T>& value) {
        T* at = s.dtokens + (i + r) * d_.N + j + v;
        store(at, load(at) + value);
      });
    };
    transpose(s.dCt, d_.Q, s.dtokens, d_.N, d_.N, c.rows);
    for_tiles<T>(c.rows, d_.N, [&](auto tile, int64_t i, int64_t j) {
      multiply_add(tile, RowMajor<T>{s.dG + i * d_.Q, d_.Q}, s.group.B + j, d_.N, std::min(i + tile_rows, c.count));
      add_to_tokens(tile, i, j);
    });
    store_tokens(s.dtokens, d_.N, c, c.group, d_.n, dC);

    transpose(s.dBt, d_.Q, s.dtokens, d_.N, d_.N, c.rows);
    for_tiles<T>(c.rows, d_.N, [&](auto tile, int64_t i, int64_t j) {
      multiply_add(tile, ColumnMajor<T>{s.dG + i * d_.Q + i, d_.Q}, s.group.C + i * d_.N + j, d_.N, c.count - i);
      add_to_tokens(tile, i, j);
    });
    store_tokens(s.dtokens, d_.N, c, c.group, d_.n, dB);
  }

  void scan_head(const Chunk& c, int64_t segment, int64_t sequence, Scratch& s, T* R) const {
    const int64_t head = sequence % d_.heads, slot = segment * d_.sequences() + sequence;
    const bool enters = c.index > 0 || in_.initial_state, leaves = c.index + 1 < d_.chunks || grad_final_state_;
    const T* state = enters ? chunk_states_ + ((c.batch * d_.chunks + c.index) * d_.heads + head) * d_.state : nullptr;
    const T* later = leaves ? R : nullptr;
    const T* D = load_D(d_, in_, head, s.D);

    load_decay(in_, c, head, s.decay);
    load_tokens(in_.x, c, head, d_.p, s.X, d_.P);
    load_tokens(grad_y_, c, head, d_.p, s.g, d_.P);
    for_decays(s.decay, c.rows, d_.Q, [&](int64_t at, int64_t, Vector<T> decay) {
      store(s.L + at, decay);
      store(s.M + at, load(s.group.G + at) * decay);
    });
    if (in_.z) {
      scale_rows(s.decay.dt, s.X, c.rows, d_.P, s.V);
      chunk_outputs(d_, c, s.group.C, s.decay, state, s.M, s.V, D, s.X, s.Y);
      gate_gradient(c, head, s);
    }
    transpose(s.X, d_.P, s.Xt, d_.Q, c.rows, d_.P);
    transpose(s.g, d_.P, s.gt, d_.Q, c.rows, d_.P);

    mixing_gradient(c, s);
    input_gradient(c, s, later, D, grads_.D ? memory_.dD + slot * d_.P : nullptr);
    store_tokens(s.Y, d_.P, c, head, d_.p, grads_.x);
    state_read_gradient(c, s, state);
    state_write_gradient(c, s, later);
    const T through_total = state && later ? s.decay.total * dot(state, later) : T(0);
    memory_.dA[slot] += step_gradient(c, head, s, through_total);
    scale_rows(s.decay.enter, s.g, c.rows, d_.P, s.V);
    advance(d_, c, s.decay.total, later, s.group.C, s.V, R);
  }

  // g = dy silu(z), dz = dy y silu'(z), with the ungated output in Y.
  void gate_gradient(const Chunk& c, int64_t head, const Scratch& s) const {
    for (int64_t t = 0; t < c.count; ++t) {
      unpack_row(in_.z.row(c.batch, c.start + t, head), d_.p, s.gate, d_.P);
      for (int64_t j = 0; j < d_.P; j += lanes<T>) {
        const Vector<T> z = load(s.gate + j), open = sigmoid(z), grad = load(s.g + t * d_.P + j);
        store(s.gate + j, grad * load(s.Y + t * d_.P + j) * silu_slope(z, open));
        store(s.g + t * d_.P + j, grad * z * open);
      }
      pack_row<E>(s.gate, d_.p, grads_.z.row(c.batch, c.start + t, head));
    }
  }

  // dM = g X^T on the lower triangle, and at once what follows from it: dG, the share of dt, the share of the decays.
  void mixing_gradient(const Chunk& c, const Scratch& s) const {
    std::fill_n(s.through_source, c.rows, T(0));
    std::fill_n(s.through_self, c.rows, T(0));
    for_tiles<T>(c.rows, c.rows, [&](auto tile, int64_t i, int64_t j) {
      if (j >= i + tile_rows) return;
      multiply_add(tile, RowMajor<T>{s.g + i * d_.P, d_.P}, s.Xt + j, d_.Q, d_.p);
      const bool diagonal = j + tile.vectors * lanes<T> > i;
#pragma GCC unroll 2
      for (int v = 0; v < tile.vectors; ++v) {
        const int64_t column = j + v * lanes<T>;
        const Vector<T> dt = load(s.decay.dt + column);
        Vector<T> later = load(s.through_source + column), self = load(s.through_self + column);
#pragma GCC unroll 8
        for (int r = 0; r < tile_rows; ++r) {
          const int64_t at = (i + r) * d_.Q + column;
          const Vector<T> dM = tile.at[r][v];
          store(s.dG + at, load(s.dG + at) + dM * load(s.L + at) * dt);
          Vector<T> flow = dM * load(s.M + at);
          if (diagonal) {
            const Mask<T> ahead = count_from<T>(column - i - r);
            self += ahead == 0 ? flow : Vector<T>{};
            flow = ahead < 0 ? flow : Vector<T>{};
          }
          later += flow;
          store(s.L + at, flow * dt);
        }
        store(s.through_source + column, later);
        store(s.through_self + column, self);
      }
    });
  }

  // dX = dt (leave B R + M^T g) + D g into Y, and dD += sum over tokens of g X.
  void input_gradient(const Chunk& c, const Scratch& s, const T* R, const T* D, T* dD) const {
    for_tiles<T>(c.rows, d_.P, [&](auto tile, int64_t i, int64_t j) {
      if (R) {
        multiply_add(tile, RowMajor<T>{s.group.B + i * d_.N, d_.N}, R + j, d_.P, d_.n);
        each_register(tile, [&](int r, int, Vector<T>& value) { value *= s.decay.leave[i + r]; });
      }
      multiply_add(tile, ColumnMajor<T>{s.M + i * d_.Q + i, d_.Q}, s.g + i * d_.P + j, d_.P, c.count - i);
      each_register(tile, [&](int r, int v, Vector<T>& value) {
        const int64_t at = (i + r) * d_.P + j + v;
        value *= s.decay.dt[i + r];
        if (D) value += load(D + j + v) * load(s.g + at);
        if (dD) store(dD + j + v, load(dD + j + v) + load(s.g + at) * load(s.X + at));
        store(s.Y + at, value);
      });
    });
  }

  // dC^T += state g^T enter, and the share of log enter.
  void state_read_gradient(const Chunk& c, const Scratch& s, const T* state) const {
    std::fill_n(s.through_enter, c.rows, T(0));
    if (state) outer_gradient(c, state, s.gt, s.decay.enter, nullptr, s.Ct, s.dCt, s.through_enter);
  }

  // dB^T += R X^T leave dt, and the share of leave dt, per dt.
  void state_write_gradient(const Chunk& c, const Scratch& s, const T* R) const {
    std::fill_n(s.through_leave, c.rows, T(0));
    if (R) outer_gradient(c, R, s.Xt, s.decay.leave, s.decay.dt, s.group.Bt, s.dBt, s.through_leave);
  }

  // target (N, Q) += weights o (left right) [o steps]; through += column sums of operand o weights o (left right).
  void outer_gradient(const Chunk& c, const T* left, const T* right, const T* weights, const T* steps, const T* operand,
                      T* target, T* through) const {
    for_tiles<T>(d_.N, c.rows, [&](auto tile, int64_t i, int64_t j) {
      multiply_add(tile, RowMajor<T>{left + i * d_.P, d_.P}, right + j, d_.Q, d_.p);
#pragma GCC unroll 2
      for (int v = 0; v < tile.vectors; ++v) {
        const int64_t column = j + v * lanes<T>;
        const Vector<T> weight = load(weights + column), target_weight = steps ? weight * load(steps + column) : weight;
        Vector<T> sum{};
#pragma GCC unroll 8
        for (int r = 0; r < tile_rows; ++r) {
          const int64_t at = (i + r) * d_.Q + column;
          sum += load(operand + at) * tile.at[r][v];
          store(target + at, load(target + at) + target_weight * tile.at[r][v]);
        }
        store(through + column, load(through + column) + weight * sum);
      }
    });
  }

  T dot(const T* a, const T* b) const {
    Vector<T> sum{};
    for (int64_t i = 0; i < d_.state; i += lanes<T>) sum += load(a + i) * load(b + i);
    return sum_lanes<T>(sum);
  }

  // crossing[t] = sum of flow(i, j) over j < t <= i: the decay of token t multiplies exactly these paths, and adding
  // them up (instead of subtracting prefix sums) keeps the digits of weak ones.
  void cross(const Chunk& c, const Scratch& s) const {
    T* from = s.columns;
    std::fill_n(from, c.rows, T(0));
    for (int64_t t = c.count - 1; t >= 0; --t) {
      Vector<T> sum{};
      for (int64_t j = 0; j <= t; j += lanes<T>) {
        const Vector<T> flow = load(from + j) + load(s.L + t * d_.Q + j);
        store(from + j, flow);
        sum += count_from<T>(j - t) < 0 ? flow : Vector<T>{};
      }
      s.crossing[t] = sum_lanes<T>(sum);
    }
  }

  // The gradient of dt into the result; returns this chunk's share of dA.
  double step_gradient(const Chunk& c, int64_t head, const Scratch& s, T through_total) const {
    cross(c, s);
    double before = through_total;
    for (int64_t t = 0; t < c.count; ++t) {
      s.crossing[t] += T(before);
      before += double(s.decay.dt[t]) * s.through_leave[t];
    }
    double after = 0, dA = 0;
    for (int64_t t = c.count - 1; t >= 0; --t) {
      after += s.through_enter[t];
      const double log_decay = s.crossing[t] + after;
      dA += s.decay.dt[t] * log_decay;
      T ddt = s.through_source[t] + s.through_self[t] + s.through_leave[t] + T(in_.A[head] * log_decay);
      if (in_.dt_softplus) ddt *= s.decay.slope[t];
      grads_.dt[(c.batch * d_.length + c.start + t) * d_.heads + head] = ddt;
    }
    return dA;
  }

  // Adds the partial dB and dC in the order of the ranges, so that bits repeat.
  void sum_shared_tokens() const {
    parallel(plan_.tasks(), plan_.threads, [&](int64_t task) {
      const Range tokens = part_of(d_.length, plan_.tasks(), task);
      for (int64_t range = 1; range < plan_.ranges; ++range) {
        if (!begins_inside_group(range)) continue;
        const int64_t flat_group = part_of(d_.sequences(), plan_.ranges, range).begin / d_.heads_per_group();
        for (int which = 0; which < 2; ++which) {
          const TokenView<T> part = partial(range, which), sum = whole(which == 0 ? grads_.B : grads_.C);
          for (int64_t t = tokens.begin; t < tokens.end; ++t) {
            const T* from = part.row(0, t, 0);
            T* to = sum.row(flat_group / d_.groups, t, flat_group % d_.groups);
            for (int64_t j = 0; j < d_.n; ++j) to[j] += from[j];
          }
        }
      }
    });
  }

  void sum_parameters() const {
    for (int64_t head = 0; head < d_.heads; ++head) {
      double dA = 0;
      if (grads_.D) std::fill_n(grads_.D + head * d_.p, d_.p, T(0));
      for (int64_t slot = head; slot < plan_.segments * d_.sequences(); slot += d_.heads) {
        dA += memory_.dA[slot];
        if (grads_.D)
          for (int64_t j = 0; j < d_.p; ++j) grads_.D[head * d_.p + j] += memory_.dD[slot * d_.P + j];
      }
      grads_.A[head] = T(dA);
    }
  }

  const Dims<T> d_;
  const SsdInputs<E>& in_;
  const TokenView<const E> grad_y_;
  const T* grad_final_state_;
  const T* chunk_states_;
  const SsdGradients<E>& grads_;
  const Plan plan_;
  const Memory memory_;
  std::atomic<bool> stopped_{false};
};

}  // namespace
}  // namespace ssd

template <class E>
bool ssd_scan_backward(const SsdShape& shape, const SsdInputs<E>& in, TokenView<const E> grad_y,
                       const Arithmetic<E>* grad_final_state, const Arithmetic<E>* chunk_states,
                       const SsdGradients<E>& grads, int threads) {
  return ssd::Backward<E>(shape, in, grad_y, grad_final_state, chunk_states, grads, threads).run();
}

template bool ssd_scan_backward(const SsdShape&, const SsdInputs<float>&, TokenView<const float>, const float*,
                                const float*, const SsdGradients<float>&, int);
template bool ssd_scan_backward(const SsdShape&, const SsdInputs<double>&, TokenView<const double>, const double*,
                                const double*, const SsdGradients<double>&, int);
template bool ssd_scan_backward(const SsdShape&, const SsdInputs<bfloat16>&, TokenView<const bfloat16>, const float*,
                                const float*, const SsdGradients<bfloat16>&, int);

}  // namespace patchkit::kernels
