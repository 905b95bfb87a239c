#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <type_traits>

namespace patchkit::cuda {

// Tensors are stored as E (float, bfloat16, half); sums, states and small tensors are float. Matrix products are fed
// with Operand<E>: bfloat16 stays what it is, at half the memory traffic; half does not, whose range a product may
// leave, but a float takes TF32's 11 bits of it without loss.
template <class E>
using Operand = std::conditional_t<std::is_same_v<E, __nv_bfloat16>, __nv_bfloat16, float>;

}  // namespace patchkit::cuda
