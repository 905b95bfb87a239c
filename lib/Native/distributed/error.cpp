// The sentence of the last failure. libpatchkit.so has its own: the two libraries share no symbols.
#include "bridge/guard.h"
#include "distributed/abi.h"

namespace patchkit {

namespace {
thread_local std::string last_sentence;
thread_local PkFailure last_failure = PK_FAILED;
}  // namespace

void set_error(PkFailure failure, const char* sentence) noexcept {
  try {
    last_sentence = sentence;
    auto location = last_sentence.find("\nException raised from");
    if (location != std::string::npos) last_sentence.resize(location);
  } catch (...) {
    last_sentence.clear();
  }
  last_failure = failure;
}

}  // namespace patchkit

PK_API const char* pkd_error(int32_t* failure) {
  *failure = patchkit::last_failure;
  return patchkit::last_sentence.c_str();
}
