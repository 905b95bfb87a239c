#include "adamw.h"

#include <cmath>

namespace patchkit::kernels {

template <class T>
void adamw(T* __restrict parameter, const T* __restrict gradient, T* __restrict mean, T* __restrict square, int64_t n,
           const AdamWStep<T>& step) {
  const auto [keep, beta1, beta2, eps, step_size] = step;
#pragma omp parallel for simd if (n > 65536) schedule(static)
  for (int64_t i = 0; i < n; i++) {
    const T g = gradient[i];
    const T m = beta1 * mean[i] + (1 - beta1) * g;
    const T v = beta2 * square[i] + (1 - beta2) * g * g;
    mean[i] = m;
    square[i] = v;
    parameter[i] = keep * parameter[i] - step_size * m / (std::sqrt(v) + eps);
  }
}

template void adamw(float*, const float*, float*, float*, int64_t, const AdamWStep<float>&);
template void adamw(double*, const double*, double*, double*, int64_t, const AdamWStep<double>&);

}  // namespace patchkit::kernels
