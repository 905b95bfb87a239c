// One step of AdamW over one parameter, in one pass over its memory.
#pragma once
#include <cstdint>

namespace patchkit::kernels {

template <class T>
struct AdamWStep {
  T keep;         // 1 - lr decay: what weight decay leaves of the parameter
  T beta1, beta2;
  T eps;          // eps sqrt(1 - beta2^t): the correction of v stands outside the root
  T step_size;    // lr sqrt(1 - beta2^t) / (1 - beta1^t)
};

// parameter, gradient, mean and square hold n numbers each, one after the other.
template <class T>
void adamw(T* parameter, const T* gradient, T* mean, T* square, int64_t n, const AdamWStep<T>& step);

}  // namespace patchkit::kernels
