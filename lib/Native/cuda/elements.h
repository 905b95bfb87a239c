#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <type_traits>

namespace patchkit::cuda {

// Tensors are stored as E (float, double, bfloat16, half); sums, states and small tensors are in Arithmetic<E>.
template <class E>
using Arithmetic = std::conditional_t<std::is_same_v<E, double>, double, float>;

}  // namespace patchkit::cuda
