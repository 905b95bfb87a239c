#include "kernels/vector_norm.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/parallel.h"

namespace patchkit::kernels {

namespace {

constexpr int64_t piece_length = 1 << 16, lanes = 16;

template <class T>
double squares(Vector<T> piece) {
  double sums[lanes] = {};
  int64_t i = 0;
  for (; i + lanes <= piece.length; i += lanes) {
    for (int64_t lane = 0; lane < lanes; ++lane) {
      const double number = piece.data[i + lane];
      sums[lane] += number * number;
    }
  }
  double sum = 0;
  for (; i < piece.length; ++i) sum += static_cast<double>(piece.data[i]) * piece.data[i];
  for (double lane : sums) sum += lane;
  return sum;
}

}  // namespace

template <class T>
double vector_norm(const Vector<T>* vectors, int64_t count, int threads) {
  std::vector<Vector<T>> pieces;
  for (const Vector<T>* vector = vectors; vector != vectors + count; ++vector) {
    for (int64_t first = 0; first < vector->length; first += piece_length) {
      pieces.push_back({vector->data + first, std::min(piece_length, vector->length - first)});
    }
  }
  std::vector<double> sums(pieces.size());
  const auto tasks = static_cast<int64_t>(pieces.size());
  // Vectors of a small net are done before a second thread has begun.
  const int64_t busy = tasks <= 2 * count ? 1 : threads;
  parallel(tasks, busy, [&](int64_t task) { sums[task] = squares(pieces[task]); });
  double sum = 0;
  for (double piece : sums) sum += piece;
  return std::sqrt(sum);
}

template double vector_norm(const Vector<float>* vectors, int64_t count, int threads);
template double vector_norm(const Vector<double>* vectors, int64_t count, int threads);

}  // namespace patchkit::kernels
