// Reverse-mode differentiation: grad mode, leaves, backward and grad.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/function.h>

#include <vector>

#include "bridge/guard.h"

using namespace patchkit;

namespace {

std::vector<at::Tensor> borrow_all(void* const* handles, int32_t n) {
  std::vector<at::Tensor> tensors;
  tensors.reserve(n);
  for (int32_t i = 0; i < n; i++) tensors.push_back(handles[i] == nullptr ? at::Tensor() : borrow(handles[i]));
  return tensors;
}

}  // namespace

PK_API int32_t pk_grad_enabled() { return at::GradMode::is_enabled(); }
PK_API void pk_set_grad_enabled(int32_t enabled) { at::GradMode::set_enabled(enabled != 0); }

PK_API int32_t pk_requires_grad(void* handle) { return borrow(handle).requires_grad(); }
PK_API int32_t pk_is_leaf(void* handle) { return borrow(handle).is_leaf(); }

PK_API int32_t pk_set_requires_grad(void* handle, int32_t requires_grad) {
  return guarded(-1, [&] {
    auto tensor = borrow(handle);
    TORCH_CHECK(tensor.is_leaf() || requires_grad, "requires_grad of a computed tensor cannot be switched off; use detach()");
    TORCH_CHECK(!requires_grad || at::isFloatingType(tensor.scalar_type()), "only a floating-point tensor can require a gradient, "
                "but this one holds ", tensor.scalar_type());
    tensor.set_requires_grad(requires_grad != 0);
    return 0;
  });
}

PK_API int32_t pk_retain_grad(void* handle) {
  return guarded(-1, [&] { return borrow(handle).retain_grad(), 0; });
}

// The gradient, or null where none was computed.
PK_API void* pk_grad(void* handle) {
  return guarded(static_cast<void*>(nullptr), [&] { return give(at::Tensor(borrow(handle).mutable_grad())); });
}

PK_API int32_t pk_set_grad(void* handle, void* grad) {
  return guarded(-1, [&] {
    auto tensor = borrow(handle), gradient = grad == nullptr ? at::Tensor() : borrow(grad);
    if (gradient.defined()) {
      TORCH_CHECK(gradient.sizes() == tensor.sizes(), "the gradient's shape is ", gradient.sizes(), ", but the tensor's is ", tensor.sizes());
      TORCH_CHECK(gradient.scalar_type() == tensor.scalar_type() && gradient.device() == tensor.device(), "the gradient is ",
                  gradient.scalar_type(), " on ", gradient.device(), ", but the tensor is ", tensor.scalar_type(), " on ", tensor.device());
    }
    tensor.mutable_grad() = gradient;
    return 0;
  });
}

// Name of the node that computed the tensor; empty for a leaf. Valid until the thread's next call.
PK_API const char* pk_grad_fn(void* handle) {
  return guarded(static_cast<const char*>(nullptr), [&] {
    static thread_local std::string name;
    auto node = borrow(handle).grad_fn();
    name = node ? node->name() : std::string();
    return name.c_str();
  });
}

PK_API int32_t pk_backward(void* const* tensors, void* const* gradients, int32_t n, int32_t retain_graph, int32_t create_graph) {
  return guarded(-1, [&] {
    torch::autograd::backward(borrow_all(tensors, n), borrow_all(gradients, n), retain_graph != 0, create_graph != 0);
    return 0;
  });
}

// Gradients of the outputs with respect to the inputs, written as handles; null where an input was not used.
PK_API int32_t pk_gradients(void* const* outputs, void* const* gradients, int32_t n_outputs, void* const* inputs, int32_t n_inputs,
                            int32_t retain_graph, int32_t create_graph, int32_t allow_unused, void** results) {
  return guarded(-1, [&] {
    auto found = torch::autograd::grad(borrow_all(outputs, n_outputs), borrow_all(inputs, n_inputs), borrow_all(gradients, n_outputs),
                                       retain_graph != 0, create_graph != 0, allow_unused != 0);
    for (int32_t i = 0; i < n_inputs; i++) results[i] = give(std::move(found[i]));
    return 0;
  });
}
