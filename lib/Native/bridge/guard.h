// Turns C++ exceptions into a sentence for pk_error(); used by every exported function that can fail.
#pragma once
#include <ATen/core/Tensor.h>
#include <c10/util/Exception.h>

#include <exception>
#include <new>
#include <string>

#include "bridge/abi.h"

namespace patchkit {

void set_error(PkFailure failure, const char* sentence) noexcept;

template <class Body, class Result>
Result guarded(Result on_failure, Body&& body) noexcept {
  try {
    return body();
  } catch (const c10::OutOfMemoryError& e) {
    set_error(PK_OUT_OF_MEMORY, e.what_without_backtrace());
  } catch (const c10::Error& e) {
    set_error(PK_FAILED, e.what_without_backtrace());
  } catch (const std::bad_alloc&) {
    set_error(PK_OUT_OF_MEMORY, "the machine has no memory left for this tensor; use a smaller batch or a larger patch size");
  } catch (const std::exception& e) {
    set_error(PK_FAILED, e.what());
  } catch (...) {
    set_error(PK_FAILED, "an unknown C++ exception was thrown");
  }
  return on_failure;
}

// The handle's tensor, with a reference of its own.
inline at::Tensor borrow(void* handle) {
  return at::Tensor(c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>::reclaim_copy(
      static_cast<c10::TensorImpl*>(handle)));
}

// Gives the tensor's reference away as a handle; null for an undefined tensor.
inline void* give(at::Tensor&& tensor) {
  return tensor.defined() ? tensor.unsafeReleaseTensorImpl() : nullptr;
}

}  // namespace patchkit
