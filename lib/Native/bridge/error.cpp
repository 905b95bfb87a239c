#include <cstring>

#include "bridge/guard.h"
#include "kernels/stop.h"

namespace patchkit {

namespace {
thread_local std::string last_sentence;
thread_local PkFailure last_failure = PK_FAILED;
}  // namespace

void set_error(PkFailure failure, const char* sentence) noexcept {
  try {
    last_sentence = sentence;
    // libtorch appends its own location to some messages; the reader wants the sentence.
    auto location = last_sentence.find("\nException raised from");
    if (location != std::string::npos) last_sentence.resize(location);
    // Nor does the reader want the places where all other backends registered the operator.
    auto backends = last_sentence.find(" This could be because the operator doesn't exist for this backend");
    if (backends != std::string::npos) {
      last_sentence.resize(backends);
      last_sentence += " This libtorch has no kernel for it there; `patchkit doctor` lists the devices it has.";
    }
    // Until 2.x the CPU allocator throws a plain error, with its own source line in front.
    auto allocator = last_sentence.find("DefaultCPUAllocator: ");
    if (allocator != std::string::npos) {
      last_sentence.erase(0, allocator);
      failure = PK_OUT_OF_MEMORY;
    }
  } catch (...) {
    last_sentence.clear();
  }
  // The autograd engine may have re-thrown a cancellation as something else: the flag knows.
  last_failure = stop_requested() ? PK_CANCELLED : failure;
}

}  // namespace patchkit

// The thread's last failure: its sentence, and in *failure its kind (PkFailure).
PK_API const char* pk_error(int32_t* failure) {
  *failure = patchkit::last_failure;
  return patchkit::last_sentence.c_str();
}

// While set, PatchKit's own long-running operators stop at their next tile and fail as cancelled.
PK_API void pk_request_stop(int32_t stop) { patchkit::request_stop(stop != 0); }
