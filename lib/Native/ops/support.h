#pragma once

// What every operator file needs of libtorch, spelled so that it compiles against 1.13 and later alike.

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <utility>

namespace patchkit::ops {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// c10::optional or std::optional, whichever this libtorch speaks.
template <class T>
using Optional = decltype(std::declval<const c10::IValue&>().toOptional<T>());

template <class Signature>
c10::TypedOperatorHandle<Signature> find_operator(const char* name) {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, "").typed<Signature>();
}

// CPU kernels compute in float32 or float64; narrower types are widened on the way in.
inline at::ScalarType compute_type(const Tensor& tensor, at::ScalarType type) {
  const bool narrow = type == at::kBFloat16 || type == at::kHalf;
  return tensor.is_cpu() && narrow ? at::kFloat : type;
}

// A device without a kernel is refused in our words, not in the dispatcher's. `kernel` is the operator that has one for
// each device.
inline void check_has_kernel(const c10::OperatorHandle& kernel, const Tensor& tensor, const char* name) {
  TORCH_CHECK(tensor.is_cpu() || kernel.hasKernelForDispatchKey(tensor.options().computeDispatchKey()), "patchkit::",
              name, ": this build has no kernel for ", tensor.device(),
              "; use the form made of tensor operators, or, for CUDA, build lib/Native where nvcc is found.");
}

inline Tensor with_contiguous_last_dim(const Tensor& tensor) {
  return tensor.stride(-1) == 1 || tensor.size(-1) == 1 ? tensor : tensor.contiguous();
}

inline Tensor tensor_or_undefined(const Optional<Tensor>& tensor) { return tensor.has_value() ? *tensor : Tensor(); }

inline Optional<Tensor> defined_or_none(const Tensor& tensor) {
  return tensor.defined() ? Optional<Tensor>(tensor) : Optional<Tensor>();
}

inline void check_finished(bool finished, const char* name) {
  TORCH_CHECK(finished, "cancelled while running patchkit::", name);
}

inline void check_first_derivative(const char* name) {
  TORCH_CHECK(!at::GradMode::is_enabled(), "patchkit::", name,
              " has no second derivative, and create_graph=True asks for one; use the composed reference instead.");
}

}  // namespace patchkit::ops
