#include "ssd_scan.h"

#include <atomic>

#include "ssd_scan_parts.h"
#include "stop.h"

namespace patchkit::kernels {
namespace ssd {
namespace {

template <class T>
struct ForwardScratch {
  ForwardScratch(Arena& arena, const Dims<T>& d, int64_t sequences)
      : group(arena, d), decay(arena, d.Q), X(arena.take<T>(d.Q * d.P)), V(arena.take<T>(d.Q * d.P)),
        Y(arena.take<T>(d.Q * d.P)), M(arena.take<T>(d.Q * d.Q)), D(arena.take<T>(d.P)), gate(arena.take<T>(d.P)),
        flipped(arena.take<T>(d.state)), running(arena.take<T>(sequences * d.state)) {}

  GroupChunk<T> group;
  Decay<T> decay;
  T *X, *V, *Y;  // (Q, P) inputs, inputs as they reach the chunk's end, outputs
  T* M;          // (Q, Q) what token i takes from token j
  T *D, *gate;   // (P)
  T* flipped;    // (P, N)
  T* running;    // (sequences walked together, N, P)
};

template <class E>
class Forward {
  using T = Arithmetic<E>;
  using Memory = CallMemory<T, ForwardScratch<T>>;

 public:
  Forward(const SsdShape& shape, const SsdInputs<E>& in, const SsdOutputs<E>& out, int threads)
      : d_(shape), in_(in), out_(out), plan_(threads, d_.sequences(), d_.chunks), memory_(place<Memory>(d_, plan_)) {}

  bool run() {
    if (plan_.segments > 1) find_edges();
    parallel(plan_.tasks(), plan_.threads, [&](int64_t task) { scan(task); });
    return !stopped_;
  }

 private:
  Range chunks_of(int64_t segment) const { return part_of(d_.chunks, plan_.segments, segment); }
  Range sequences_of(int64_t task) const { return part_of(d_.sequences(), plan_.ranges, task % plan_.ranges); }
  T* edge(int64_t segment, int64_t sequence) const {
    return memory_.edges + ((segment - 1) * d_.sequences() + sequence) * d_.state;
  }
  T& carry(int64_t segment, int64_t sequence) const { return memory_.carry[(segment - 1) * d_.sequences() + sequence]; }

  bool stop() {
    if (stop_requested()) stopped_ = true;
    return stopped_;
  }

  // Each segment's effect on a zero state, then the states in which the segments really begin.
  void find_edges() {
    parallel(plan_.tasks() - plan_.ranges, plan_.threads, [&](int64_t task) { scan_states(task); });
    if (stopped_) return;
    parallel(plan_.ranges, plan_.threads, [&](int64_t task) {
      ForwardScratch<T> s = memory_.scratch(d_, task);
      const Range sequences = sequences_of(task);
      for (int64_t q = sequences.begin; q < sequences.end; ++q) {
        if (in_.initial_state) {
          load_state(d_, in_.initial_state + q * d_.p * d_.n, s.flipped, s.running);
          join_segments(d_, s.running, &carry(1, q), edge(1, q));
        }
        for (int64_t segment = 2; segment < plan_.segments; ++segment)
          join_segments(d_, edge(segment - 1, q), &carry(segment, q), edge(segment, q));
      }
    });
  }

  void scan_states(int64_t task) {
    ForwardScratch<T> s = memory_.scratch(d_, task);
    const int64_t segment = task / plan_.ranges + 1;
    const Range chunks = chunks_of(segment - 1);
    for_groups(d_, sequences_of(task), [&](int64_t batch, int64_t group, Range sequences) {
      for (int64_t index = chunks.begin; index < chunks.end && !stop(); ++index) {
        const Chunk c = chunk_at(d_, batch, group, index);
        const bool first = index == chunks.begin;
        load_tokens(in_.B, c, group, d_.n, s.group.B, d_.N);
        for (int64_t q = sequences.begin; q < sequences.end; ++q) {
          load_head(c, q % d_.heads, s);
          carry(segment, q) = first ? s.decay.total : carry(segment, q) * s.decay.total;
          advance(d_, c, s.decay.total, first ? nullptr : edge(segment, q), s.group.B, s.V, edge(segment, q));
        }
      }
    });
  }

  void scan(int64_t task) {
    ForwardScratch<T> s = memory_.scratch(d_, task);
    const int64_t segment = task / plan_.ranges;
    const Range chunks = chunks_of(segment);
    for_groups(d_, sequences_of(task), [&](int64_t batch, int64_t group, Range sequences) {
      const auto running = [&](int64_t q) { return s.running + (q - sequences.begin) * d_.state; };
      const auto entering = [&](int64_t q, int64_t index) {
        if (!out_.chunk_states) return running(q);
        return out_.chunk_states + ((batch * d_.chunks + index) * d_.heads + q % d_.heads) * d_.state;
      };
      for (int64_t q = sequences.begin; q < sequences.end; ++q) enter_segment(segment, q, s, entering(q, chunks.begin));
      for (int64_t index = chunks.begin; index < chunks.end && !stop(); ++index) {
        const Chunk c = chunk_at(d_, batch, group, index);
        load_group(d_, in_, c, s.group);
        for (int64_t q = sequences.begin; q < sequences.end; ++q)
          scan_head(c, q % d_.heads, s, entering(q, index),
                    index + 1 < chunks.end ? entering(q, index + 1) : running(q));
      }
      if (segment + 1 == plan_.segments && !stopped_)
        for (int64_t q = sequences.begin; q < sequences.end; ++q)
          store_state(d_, running(q), s.flipped, out_.final_state + q * d_.p * d_.n);
    });
  }

  void enter_segment(int64_t segment, int64_t sequence, const ForwardScratch<T>& s, T* state) const {
    if (segment > 0)
      std::copy_n(edge(segment, sequence), d_.state, state);
    else if (in_.initial_state)
      load_state(d_, in_.initial_state + sequence * d_.p * d_.n, s.flipped, state);
  }

  // X, the decay, and V = leave dt X
  void load_head(const Chunk& c, int64_t head, ForwardScratch<T>& s) const {
    load_decay(in_, c, head, s.decay);
    load_tokens(in_.x, c, head, d_.p, s.X, d_.P);
    for (int64_t t = 0; t < c.rows; ++t) s.decay.leave[t] *= s.decay.dt[t];
    scale_rows(s.decay.leave, s.X, c.rows, d_.P, s.V);
  }

  void scan_head(const Chunk& c, int64_t head, ForwardScratch<T>& s, const T* state, T* next) const {
    if (c.index == 0 && !in_.initial_state) state = nullptr;
    load_head(c, head, s);
    for_decays(s.decay, c.rows, d_.Q, [&](int64_t at, int64_t j, Vector<T> decay) {
      store(s.M + at, load(s.group.G + at) * decay * load(s.decay.dt + j));
    });
    chunk_outputs(d_, c, s.group.C, s.decay, state, s.M, s.X, load_D(d_, in_, head, s.D), s.X, s.Y);
    if (in_.z) apply_gate(d_, in_, c, head, s.gate, s.Y);
    store_tokens(s.Y, d_.P, c, head, d_.p, out_.y);
    advance(d_, c, s.decay.total, state, s.group.B, s.V, next);
  }

  const Dims<T> d_;
  const SsdInputs<E>& in_;
  const SsdOutputs<E>& out_;
  const Plan plan_;
  const Memory memory_;
  std::atomic<bool> stopped_{false};
};

}  // namespace
}  // namespace ssd

template <class E>
int64_t ssd_chunk_states_size(const SsdShape& shape) {
  const ssd::Dims<Arithmetic<E>> d(shape);
  return d.batch * d.chunks * d.heads * d.state;
}

template <class E>
bool ssd_scan_forward(const SsdShape& shape, const SsdInputs<E>& in, const SsdOutputs<E>& out, int threads) {
  return ssd::Forward<E>(shape, in, out, threads).run();
}

template int64_t ssd_chunk_states_size<float>(const SsdShape&);
template int64_t ssd_chunk_states_size<double>(const SsdShape&);
template int64_t ssd_chunk_states_size<bfloat16>(const SsdShape&);
template bool ssd_scan_forward(const SsdShape&, const SsdInputs<float>&, const SsdOutputs<float>&, int);
template bool ssd_scan_forward(const SsdShape&, const SsdInputs<double>&, const SsdOutputs<double>&, int);
template bool ssd_scan_forward(const SsdShape&, const SsdInputs<bfloat16>&, const SsdOutputs<bfloat16>&, int);

}  // namespace patchkit::kernels
