#include "attention.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <vector>

#include "functions.h"
#include "memory.h"
#include "parallel.h"
#include "stop.h"
#include "storage.h"
#include "tile.h"

// Scores are kept transposed, (keys, queries): the softmax then runs down the lanes of vectors, and of
// all operands only q and grad_out have to be turned, once per block of queries. K and V of a head are
// copied to rows padded to whole vectors: as slices of a fused projection each row has a page of its own.

namespace patchkit::kernels {
namespace {

constexpr int64_t query_block = 128;
constexpr int64_t key_block = 256;

// Stride of a score tile: one cache line more than a power of two, so that rows fall in different cache sets.
template <class T>
constexpr int64_t score_stride = query_block + 64 / sizeof(T);

// One piece of the work: some query blocks of one head.
struct Task {
  int64_t batch, head;
  Range blocks;
};

struct Schedule {
  AttentionShape shape;
  int64_t blocks, parts, tasks;

  explicit Schedule(const AttentionShape& shape)
      : shape(shape), blocks((shape.queries + query_block - 1) / query_block),
        parts(parts_per_item(shape.batch * shape.heads, blocks, shape.threads)),
        tasks(shape.batch * shape.heads * parts) {}

  Task task(int64_t index) const {
    const int64_t head = index / parts;
    return {head / shape.heads, head % shape.heads, part_of(blocks, parts, index % parts)};
  }

  // One workspace for each thread that will run.
  int64_t workspaces() const { return std::min<int64_t>(tasks, shape.threads); }
};

int64_t visible_keys(const AttentionShape& shape, int64_t query_end) {
  return shape.causal ? std::min(shape.keys, query_end) : shape.keys;
}

// (rows, dim) -> (rows, stride), the columns beyond dim set to zero
template <class T>
void pack_rows(const T* from, int64_t row_stride, int64_t rows, int64_t dim, T* to, int64_t stride) {
  for (int64_t i = 0; i < rows; ++i) unpack_row(from + i * row_stride, dim, to + i * stride, stride);
}

// (rows, dim) -> (dim, columns) times factor, the columns beyond rows set to zero
template <class T>
void pack_transposed(const T* from, int64_t row_stride, int64_t rows, int64_t dim, T factor, T* to, int64_t columns) {
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t d = 0; d < dim; ++d) to[d * score_stride<T> + i] = factor * from[i * row_stride + d];
  for (int64_t d = 0; d < dim; ++d)
    std::fill(to + d * score_stride<T> + rows, to + d * score_stride<T> + columns, T(0));
}

template <class T>
void unpack_rows(const T* from, int64_t stride, int64_t rows, int64_t dim, T factor, T* to, int64_t row_stride) {
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t d = 0; d < dim; ++d) to[i * row_stride + d] = factor * from[i * stride + d];
}

// Scores (keys, queries) of keys that come after their query become -inf.
template <class T>
void hide_future(T* scores, int64_t first_key, int64_t keys, int64_t first_query, int64_t columns) {
  for (int64_t k = 0; k < keys; ++k) {
    const int64_t hidden = std::clamp<int64_t>(first_key + k - first_query, 0, columns);
    std::fill_n(scores + k * score_stride<T>, hidden, -std::numeric_limits<T>::infinity());
  }
}

// Scores (keys, columns) become exp(score - maximum); maximum and sum follow, and `rescale` is what
// everything accumulated under the old maximum has to be multiplied with.
template <class T>
void online_softmax(T* scores, int64_t keys, int64_t columns, T* maximum, T* sum, T* rescale) {
  for (int64_t q = 0; q < columns; q += lanes<T>) {
    const Vector<T> before = load(maximum + q);
    Vector<T> top = before;
    for (int64_t k = 0; k < keys; ++k) {
      const Vector<T> score = load(scores + k * score_stride<T> + q);
      top = score > top ? score : top;
    }
    Vector<T> added{};
    for (int64_t k = 0; k < keys; ++k) {
      T* cell = scores + k * score_stride<T> + q;
      const Vector<T> weight = exponential(load(cell) - top);
      store(cell, weight);
      added += weight;
    }
    const Vector<T> shrink = exponential(before - top);
    store(maximum + q, top);
    store(sum + q, load(sum + q) * shrink + added);
    store(rescale + q, shrink);
  }
}

template <class T>
struct ForwardWorkspace {
  Buffer<T> k, v;          // (keys, stride)
  Buffer<T> q_transposed;  // (dim, score_stride)
  Buffer<T> scores;        // (keys of a tile, score_stride)
  Buffer<T> out;           // (queries, stride)
  alignas(64) T maximum[query_block], sum[query_block], rescale[query_block];

  ForwardWorkspace(const AttentionShape& shape, int64_t stride)
      : k(shape.keys * stride), v(shape.keys * stride), q_transposed(shape.dim * score_stride<T>),
        scores(std::min(key_block, shape.keys) * score_stride<T>), out(query_block * stride) {}
};

template <class T>
bool forward_block(const AttentionShape& shape, int64_t stride, int64_t first_query, int64_t queries, int64_t columns,
                   ForwardWorkspace<T>& work) {
  std::fill_n(work.maximum, columns, -std::numeric_limits<T>::infinity());
  std::fill_n(work.sum, columns, T(0));
  std::fill_n(work.out.data(), columns * stride, T(0));

  const int64_t key_count = visible_keys(shape, first_query + queries);
  for (int64_t first_key = 0; first_key < key_count; first_key += key_block) {
    if (stop_requested()) return false;
    const int64_t keys = std::min(key_block, key_count - first_key);
    T* scores = work.scores.data();
    tile_product<false>(keys, columns, shape.dim, RowMajor<T>{work.k.data() + first_key * stride, stride},
                        work.q_transposed.data(), score_stride<T>, scores, score_stride<T>);  // (keys, columns)
    if (shape.causal && first_key + keys - 1 > first_query) hide_future(scores, first_key, keys, first_query, columns);
    online_softmax(scores, keys, columns, work.maximum, work.sum, work.rescale);
    scale_rows(work.rescale, work.out.data(), columns, stride, work.out.data());
    tile_product<true>(columns, stride, keys, ColumnMajor<T>{scores, score_stride<T>},
                       work.v.data() + first_key * stride, stride, work.out.data(), stride);  // (columns, stride)
  }
  return true;
}

template <class T>
bool forward_task(const AttentionShape& shape, int64_t stride, const Task& task, Heads<const T> q, Heads<const T> k,
                  Heads<const T> v, Heads<T> out, T* log_sum_exp, ForwardWorkspace<T>& work) {
  const int64_t key_count = visible_keys(shape, std::min(task.blocks.end * query_block, shape.queries));
  pack_rows(k.head(task.batch, task.head), k.row_stride, key_count, shape.dim, work.k.data(), stride);
  pack_rows(v.head(task.batch, task.head), v.row_stride, key_count, shape.dim, work.v.data(), stride);

  for (int64_t block = task.blocks.begin; block < task.blocks.end; ++block) {
    const int64_t first = block * query_block;
    const int64_t queries = std::min(query_block, shape.queries - first);
    const int64_t columns = padded<T>(queries);
    pack_transposed(q.head(task.batch, task.head) + first * q.row_stride, q.row_stride, queries, shape.dim,
                    static_cast<T>(shape.scale), work.q_transposed.data(), columns);
    if (!forward_block(shape, stride, first, queries, columns, work)) return false;

    T* out_rows = out.head(task.batch, task.head) + first * out.row_stride;
    T* statistics = log_sum_exp + (task.batch * shape.heads + task.head) * shape.queries + first;
    for (int64_t i = 0; i < queries; ++i) {
      unpack_rows(work.out.data() + i * stride, stride, 1, shape.dim, 1 / work.sum[i], out_rows + i * out.row_stride,
                  out.row_stride);
      statistics[i] = work.maximum[i] + std::log(work.sum[i]);
    }
  }
  return true;
}

template <class T>
struct BackwardWorkspace {
  Buffer<T> k, v;                               // (keys, stride)
  Buffer<T> q, grad_out;                        // (queries, stride)
  Buffer<T> q_transposed, grad_out_transposed;  // (dim, score_stride)
  Buffer<T> weights, grad_scores;               // (keys of a tile, score_stride)
  Buffer<T> grad_q;                             // (queries, stride)
  alignas(64) T log_sum_exp[query_block], delta[query_block];

  BackwardWorkspace(const AttentionShape& shape, int64_t stride)
      : k(shape.keys * stride), v(shape.keys * stride), q(query_block * stride), grad_out(query_block * stride),
        q_transposed(shape.dim * score_stride<T>), grad_out_transposed(shape.dim * score_stride<T>),
        weights(std::min(key_block, shape.keys) * score_stride<T>),
        grad_scores(std::min(key_block, shape.keys) * score_stride<T>), grad_q(query_block * stride) {}
};

// weights: scores -> exp(score - log_sum_exp); grad_scores: d weights -> d scores
template <class T>
void softmax_backward(T* weights, T* grad_scores, int64_t keys, int64_t columns, const T* log_sum_exp, const T* delta) {
  for (int64_t k = 0; k < keys; ++k)
    for (int64_t q = 0; q < columns; q += lanes<T>) {
      const int64_t cell = k * score_stride<T> + q;
      const Vector<T> weight = exponential(load(weights + cell) - load(log_sum_exp + q));
      store(weights + cell, weight);
      store(grad_scores + cell, weight * (load(grad_scores + cell) - load(delta + q)));
    }
}

// grad_k and grad_v (keys, stride) are added to; grad_k and grad_q still lack the factor `scale`.
template <class T>
bool backward_block(const AttentionShape& shape, int64_t stride, int64_t first_query, int64_t queries, int64_t columns,
                    BackwardWorkspace<T>& work, T* grad_k, T* grad_v) {
  std::fill_n(work.grad_q.data(), columns * stride, T(0));
  T* weights = work.weights.data();
  T* grad_scores = work.grad_scores.data();

  const int64_t key_count = visible_keys(shape, first_query + queries);
  for (int64_t first_key = 0; first_key < key_count; first_key += key_block) {
    if (stop_requested()) return false;
    const int64_t keys = std::min(key_block, key_count - first_key);
    const T* k = work.k.data() + first_key * stride;
    const T* v = work.v.data() + first_key * stride;
    tile_product<false>(keys, columns, shape.dim, RowMajor<T>{k, stride}, work.q_transposed.data(), score_stride<T>,
                        weights, score_stride<T>);  // (keys, columns)
    tile_product<false>(keys, columns, shape.dim, RowMajor<T>{v, stride}, work.grad_out_transposed.data(),
                        score_stride<T>, grad_scores, score_stride<T>);  // (keys, columns)
    if (shape.causal && first_key + keys - 1 > first_query) hide_future(weights, first_key, keys, first_query, columns);
    softmax_backward(weights, grad_scores, keys, columns, work.log_sum_exp, work.delta);
    tile_product<true>(keys, stride, queries, RowMajor<T>{weights, score_stride<T>}, work.grad_out.data(), stride,
                       grad_v + first_key * stride, stride);  // (keys, stride)
    tile_product<true>(keys, stride, queries, RowMajor<T>{grad_scores, score_stride<T>}, work.q.data(), stride,
                       grad_k + first_key * stride, stride);  // (keys, stride)
    tile_product<true>(columns, stride, keys, ColumnMajor<T>{grad_scores, score_stride<T>}, k, stride,
                       work.grad_q.data(), stride);  // (columns, stride)
  }
  return true;
}

// delta = sum over dim of grad_out * out, which is also the sum over keys of weights * d weights
template <class T>
void load_statistics(const T* log_sum_exp, const T* out, int64_t out_stride, const T* grad_out, int64_t grad_stride,
                     int64_t queries, int64_t dim, BackwardWorkspace<T>& work) {
  std::fill_n(work.log_sum_exp, query_block, T(0));
  std::fill_n(work.delta, query_block, T(0));
  std::copy_n(log_sum_exp, queries, work.log_sum_exp);
  for (int64_t i = 0; i < queries; ++i)
    for (int64_t d = 0; d < dim; ++d) work.delta[i] += out[i * out_stride + d] * grad_out[i * grad_stride + d];
}

template <class T>
struct BackwardOperands {
  Heads<const T> q, k, v, out;
  const T* log_sum_exp;
  Heads<const T> grad_out;
  Heads<T> grad_q;
};

template <class T>
bool backward_task(const AttentionShape& shape, int64_t stride, const Task& task, const BackwardOperands<T>& in,
                   BackwardWorkspace<T>& work, T* grad_k, T* grad_v) {
  std::fill_n(grad_k, shape.keys * stride, T(0));
  std::fill_n(grad_v, shape.keys * stride, T(0));
  const int64_t key_count = visible_keys(shape, std::min(task.blocks.end * query_block, shape.queries));
  pack_rows(in.k.head(task.batch, task.head), in.k.row_stride, key_count, shape.dim, work.k.data(), stride);
  pack_rows(in.v.head(task.batch, task.head), in.v.row_stride, key_count, shape.dim, work.v.data(), stride);

  const T scale = static_cast<T>(shape.scale);
  for (int64_t block = task.blocks.begin; block < task.blocks.end; ++block) {
    const int64_t first = block * query_block;
    const int64_t queries = std::min(query_block, shape.queries - first);
    const int64_t columns = padded<T>(queries);
    const T* q = in.q.head(task.batch, task.head) + first * in.q.row_stride;
    const T* out = in.out.head(task.batch, task.head) + first * in.out.row_stride;
    const T* grad_out = in.grad_out.head(task.batch, task.head) + first * in.grad_out.row_stride;
    const T* log_sum_exp = in.log_sum_exp + (task.batch * shape.heads + task.head) * shape.queries + first;

    pack_rows(q, in.q.row_stride, queries, shape.dim, work.q.data(), stride);
    pack_rows(grad_out, in.grad_out.row_stride, queries, shape.dim, work.grad_out.data(), stride);
    pack_transposed(q, in.q.row_stride, queries, shape.dim, scale, work.q_transposed.data(), columns);
    pack_transposed(grad_out, in.grad_out.row_stride, queries, shape.dim, T(1), work.grad_out_transposed.data(),
                    columns);
    load_statistics(log_sum_exp, out, in.out.row_stride, grad_out, in.grad_out.row_stride, queries, shape.dim, work);
    if (!backward_block(shape, stride, first, queries, columns, work, grad_k, grad_v)) return false;
    unpack_rows(work.grad_q.data(), stride, queries, shape.dim, scale,
                in.grad_q.head(task.batch, task.head) + first * in.grad_q.row_stride, in.grad_q.row_stride);
  }
  return true;
}

// Adds the later parts of a head to its first, always in the same order.
template <class T>
void sum_parts(T* parts, int64_t count, int64_t size) {
  for (int64_t part = 1; part < count; ++part)
    for (int64_t i = 0; i < size; ++i) parts[i] += parts[part * size + i];
}

template <class Workspace>
std::vector<Workspace> workspaces(const Schedule& schedule, int64_t stride) {
  std::vector<Workspace> made;
  made.reserve(schedule.workspaces());
  while (static_cast<int64_t>(made.size()) < schedule.workspaces()) made.emplace_back(schedule.shape, stride);
  return made;
}

}  // namespace

template <class T>
bool attention_forward(const AttentionShape& shape, Heads<const T> q, Heads<const T> k, Heads<const T> v, Heads<T> out,
                       T* log_sum_exp) {
  const Schedule schedule(shape);
  const int64_t stride = padded<T>(shape.dim);
  auto work = workspaces<ForwardWorkspace<T>>(schedule, stride);
  std::atomic<bool> finished{true};

  parallel(schedule.tasks, shape.threads, [&](int64_t index) {
    if (!forward_task(shape, stride, schedule.task(index), q, k, v, out, log_sum_exp, work[thread_number()]))
      finished = false;
  });
  return finished;
}

template <class T>
bool attention_backward(const AttentionShape& shape, Heads<const T> q, Heads<const T> k, Heads<const T> v,
                        Heads<const T> out, const T* log_sum_exp, Heads<const T> grad_out, Heads<T> grad_q,
                        Heads<T> grad_k, Heads<T> grad_v) {
  const Schedule schedule(shape);
  const int64_t stride = padded<T>(shape.dim);
  const int64_t size = shape.keys * stride;
  const BackwardOperands<T> operands{q, k, v, out, log_sum_exp, grad_out, grad_q};
  auto work = workspaces<BackwardWorkspace<T>>(schedule, stride);
  const bool whole_heads = schedule.parts == 1;
  const int64_t sums = whole_heads ? schedule.workspaces() : schedule.tasks;
  Buffer<T> sums_k(sums * size), sums_v(sums * size);
  std::atomic<bool> finished{true};

  const auto write_head = [&](int64_t head, const T* sum_k, const T* sum_v) {
    const int64_t b = head / shape.heads, h = head % shape.heads;
    const T scale = static_cast<T>(shape.scale);
    unpack_rows(sum_k, stride, shape.keys, shape.dim, scale, grad_k.head(b, h), grad_k.row_stride);
    unpack_rows(sum_v, stride, shape.keys, shape.dim, T(1), grad_v.head(b, h), grad_v.row_stride);
  };

  parallel(schedule.tasks, shape.threads, [&](int64_t index) {
    const int64_t sum = whole_heads ? thread_number() : index;
    T* sum_k = sums_k.data() + sum * size;
    T* sum_v = sums_v.data() + sum * size;
    if (!backward_task(shape, stride, schedule.task(index), operands, work[thread_number()], sum_k, sum_v))
      finished = false;
    else if (whole_heads)
      write_head(index, sum_k, sum_v);
  });
  if (whole_heads || !finished) return finished;

  parallel(shape.batch * shape.heads, shape.threads, [&](int64_t head) {
    T* sum_k = sums_k.data() + head * schedule.parts * size;
    T* sum_v = sums_v.data() + head * schedule.parts * size;
    sum_parts(sum_k, schedule.parts, size);
    sum_parts(sum_v, schedule.parts, size);
    write_head(head, sum_k, sum_v);
  });
  return true;
}

template bool attention_forward(const AttentionShape&, Heads<const float>, Heads<const float>, Heads<const float>,
                                Heads<float>, float*);
template bool attention_forward(const AttentionShape&, Heads<const double>, Heads<const double>, Heads<const double>,
                                Heads<double>, double*);
template bool attention_backward(const AttentionShape&, Heads<const float>, Heads<const float>, Heads<const float>,
                                 Heads<const float>, const float*, Heads<const float>, Heads<float>, Heads<float>,
                                 Heads<float>);
template bool attention_backward(const AttentionShape&, Heads<const double>, Heads<const double>, Heads<const double>,
                                 Heads<const double>, const double*, Heads<const double>, Heads<double>, Heads<double>,
                                 Heads<double>);

}  // namespace patchkit::kernels
