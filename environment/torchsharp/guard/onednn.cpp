// oneDNN 3.7.1, by which this libtorch computes convolutions, gives wrong values and gradients, off by half their size,
// where the channels are no multiple of a vector (16 with AVX-512, 8 with AVX2): what it pads them with is not zero.
// libtorch's own convolution over matrix products is right. PATCHKIT_ONEDNN=1 leaves libtorch its choice.
//
// NNPACK, which libtorch tries next, supports few processors and says so on each call that it does not.
#include <dlfcn.h>

#include <cstdlib>
#include <cstring>

#include "guard.h"

namespace {

bool wanted() {
  const char* wish = std::getenv("PATCHKIT_ONEDNN");
  return wish != nullptr && std::strcmp(wish, "1") == 0;
}

template <class Function>
Function* find(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

// libtorch_cpu.so, on which this library depends, is loaded and ready before this runs.
__attribute__((constructor)) void leave_out() {
  auto* const context = find<void*()>("_ZN2at13globalContextEv");
  auto* const enable_onednn = find<void(void*, bool)>("_ZN2at7Context20setUserEnabledMkldnnEb");
  auto* const enable_nnpack = find<void(void*, bool)>("_ZN2at7Context20setUserEnabledNNPACKEb");
  if (context == nullptr) return;
  if (enable_onednn != nullptr && !wanted()) enable_onednn(context(), false);
  if (enable_nnpack != nullptr) enable_nnpack(context(), false);
}

}  // namespace

// Whether libtorch may use oneDNN.
GUARD_API int pkg_onednn() {
  static auto* const context = find<void*()>("_ZN2at13globalContextEv");
  static auto* const enabled = find<bool(const void*)>("_ZNK2at7Context17userEnabledMkldnnEv");
  return context != nullptr && enabled != nullptr && enabled(context());
}
