#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <type_traits>

namespace patchkit::cuda {

// Tensors are stored as E (float, double, bfloat16, half); sums, states and small tensors are in Arithmetic<E>.
template <class E>
using Arithmetic = std::conditional_t<std::is_same_v<E, double>, double, float>;

// What matrix products are fed with: bfloat16 stays what it is, for the tensor cores and half the memory traffic; half
// does not, whose range a product may leave.
template <class E>
using Operand = std::conditional_t<std::is_same_v<E, __nv_bfloat16>, __nv_bfloat16, Arithmetic<E>>;

}  // namespace patchkit::cuda
