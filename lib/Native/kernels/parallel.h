#pragma once

#include <omp.h>

#include <algorithm>
#include <cstdint>

namespace patchkit::kernels {

// body(task) for each task, on up to `threads` threads. The body must not throw, and so must not allocate.
template <class Body>
void parallel(int64_t tasks, int64_t threads, const Body& body) {
  const int team = static_cast<int>(std::max<int64_t>(1, std::min(tasks, threads)));
#pragma omp parallel for schedule(dynamic) num_threads(team) if (team > 1)
  for (int64_t task = 0; task < tasks; ++task) body(task);
}

// Which of the `threads` runs the body: bodies that run at the same time have different numbers.
inline int64_t thread_number() { return omp_get_thread_num(); }

// In how many parts to cut each of `items` equal pieces of work so that `threads` stay busy to the
// end: the fewest that keep 85% of them at work, since each part may cost a partial sum.
inline int64_t parts_per_item(int64_t items, int64_t most_parts, int threads) {
  const int64_t limit = std::max<int64_t>(1, std::min<int64_t>(most_parts, threads));
  for (int64_t parts = 1; parts < limit; ++parts) {
    const int64_t tasks = items * parts;
    const int64_t rounds = (tasks + threads - 1) / threads;
    if (tasks >= 0.85 * static_cast<double>(rounds * threads)) return parts;
  }
  return limit;
}

// The bounds of part `index` of `count` things cut into `parts`.
struct Range {
  int64_t begin, end;
};

inline Range part_of(int64_t count, int64_t parts, int64_t index) {
  return {count * index / parts, count * (index + 1) / parts};
}

}  // namespace patchkit::kernels
