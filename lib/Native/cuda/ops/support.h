#pragma once

// What the CUDA side of every operator needs besides ops/support.h.

#include <c10/core/DeviceGuard.h>
#include <c10/cuda/CUDAStream.h>

#include "../../ops/support.h"
#include "../elements.h"

namespace patchkit::ops {

using cuda::Arithmetic;
using cuda::Operand;

// For as long as an operator runs: on the tensor's device, with libtorch's operators in the types they are given, also
// under autocast.
struct Scope {
  explicit Scope(const Tensor& tensor) : device(tensor.device()), no_autocast(c10::autocast_dispatch_keyset) {}

  c10::DeviceGuard device;
  c10::impl::ExcludeDispatchKeyGuard no_autocast;
};

inline cudaStream_t stream_of(const Tensor& tensor) {
  return c10::cuda::getCurrentCUDAStream(tensor.device().index()).stream();
}

inline void check_started(cudaError_t status, const char* name) {
  TORCH_CHECK(status == cudaSuccess, "patchkit::", name, ": a CUDA kernel could not be started: ",
              cudaGetErrorString(status), ".");
}

template <class E>
struct Element {
  using type = E;
};

// Calls `run` with the stored type of a tensor, wrapped in an Element.
template <class Run>
auto for_element(const Tensor& tensor, const char* name, Run run) {
  switch (tensor.scalar_type()) {
    case at::kFloat: return run(Element<float>{});
    case at::kDouble: return run(Element<double>{});
    case at::kBFloat16: return run(Element<__nv_bfloat16>{});
    case at::kHalf: return run(Element<__half>{});
    default:
      TORCH_CHECK(false, "patchkit::", name, ": the input is ", tensor.scalar_type(),
                  ", but on CUDA it may be Float, Double, BFloat16 or Half; convert it to one of these.");
  }
}

template <class E>
constexpr at::ScalarType arithmetic_type = std::is_same_v<E, double> ? at::kDouble : at::kFloat;

template <class E>
constexpr at::ScalarType operand_type =
    std::is_same_v<Operand<E>, __nv_bfloat16> ? at::kBFloat16 : arithmetic_type<E>;

// A small tensor in the type of the arithmetic, contiguous; undefined stays undefined.
template <class E>
Tensor in_arithmetic(const Tensor& tensor) {
  return tensor.defined() ? tensor.to(arithmetic_type<E>).contiguous() : tensor;
}

// A gradient in the type of the tensor that it belongs to.
inline Tensor in_type_of(const Tensor& gradient, const Tensor& tensor) {
  return tensor.defined() ? gradient.to(tensor.scalar_type()) : Tensor();
}

// Null where the tensor is undefined.
template <class T>
T* data_of(const Tensor& tensor) {
  return tensor.defined() ? static_cast<T*>(tensor.data_ptr()) : nullptr;
}

}  // namespace patchkit::ops
