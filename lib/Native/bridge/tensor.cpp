// What C# reads off a tensor without an operator call, and the copies between C# memory and tensors.
#include <ATen/ATen.h>

#include <cstring>

#include "bridge/guard.h"

using namespace patchkit;

namespace {
c10::TensorImpl* impl(void* handle) { return static_cast<c10::TensorImpl*>(handle); }
}  // namespace

PK_API void pk_release(void* handle) {
  c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>::reclaim(impl(handle));
}

PK_API int64_t pk_dim(void* handle) { return impl(handle)->dim(); }
PK_API int64_t pk_numel(void* handle) { return impl(handle)->numel(); }
PK_API int32_t pk_dtype(void* handle) { return static_cast<int32_t>(c10::typeMetaToScalarType(impl(handle)->dtype())); }
PK_API int64_t pk_item_size(void* handle) { return static_cast<int64_t>(impl(handle)->itemsize()); }
PK_API int32_t pk_is_contiguous(void* handle) { return impl(handle)->is_contiguous(); }

PK_API void pk_sizes(void* handle, int64_t* out) {
  auto sizes = impl(handle)->sizes();
  std::copy(sizes.begin(), sizes.end(), out);
}

PK_API void pk_strides(void* handle, int64_t* out) {
  auto strides = impl(handle)->strides();
  std::copy(strides.begin(), strides.end(), out);
}

PK_API void pk_device(void* handle, int32_t* type, int32_t* index) {
  auto device = impl(handle)->device();
  *type = static_cast<int32_t>(device.type());
  *index = device.index();
}

// Address of the first element; null for an empty tensor. Only a CPU tensor's may be read.
PK_API void* pk_data(void* handle) {
  return guarded(static_cast<void*>(nullptr), [&] { return borrow(handle).data_ptr(); });
}

// A second handle to the same tensor.
PK_API void* pk_alias(void* handle) { return give(borrow(handle)); }

// A new CPU tensor with a copy of n bytes.
PK_API void* pk_from_bytes(const void* bytes, int64_t n, const int64_t* sizes, int32_t dim, int32_t dtype) {
  return guarded(static_cast<void*>(nullptr), [&] {
    auto tensor = at::empty(at::IntArrayRef(sizes, dim), at::TensorOptions(static_cast<c10::ScalarType>(dtype)));
    TORCH_CHECK(static_cast<int64_t>(tensor.nbytes()) == n, "the shape needs ", tensor.nbytes(), " bytes, but ", n, " were given");
    if (n > 0) std::memcpy(tensor.data_ptr(), bytes, n);
    return give(std::move(tensor));
  });
}

// A CPU tensor over memory that C# owns; release(context) is called when the last reference goes.
PK_API void* pk_from_blob(void* data, const int64_t* sizes, int32_t dim, int32_t dtype, void (*release)(void*), void* context) {
  return guarded(static_cast<void*>(nullptr), [&] {
    return give(at::from_blob(data, at::IntArrayRef(sizes, dim), [release, context](void*) { release(context); },
                              at::TensorOptions(static_cast<c10::ScalarType>(dtype))));
  });
}
