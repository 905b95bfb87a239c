// Stands before TorchSharp's native library under its name: forwards every native to it, and makes of an exception that
// comes out of one TorchSharp's last error, where it would end the process.
//
// TorchSharp's own catch knows c10::Error and std::runtime_error, and 0.107 has no catch at all around 93 of its 1,164
// natives that call libtorch (matmul and autograd.grad among them). None is listed here: natives.inc is made from what the
// library exports, and one shape of function forwards them all, by x86-64's calling convention. Six whole and eight real
// arguments are in registers, whichever the native takes, and more lie on the stack in words of 8 bytes; a result is in rax
// or in xmm0. (TorchSharp has no library for Linux on another processor.)
#include "guard.h"

#include <dlfcn.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <type_traits>

#if !defined(__x86_64__)
#error "the guard forwards calls by the calling convention of Linux on x86-64"
#endif

namespace {

struct Result {
  long whole;   // rax
  double real;  // xmm0
};
struct Pointers {
  void *first, *second;  // rax and rdx: the one native that returns a structure
};

// The longest native takes 12 arguments, of which structures count twice; 12 words beyond the registers are room for all.
#define IN_REGISTERS                                                                                              \
  long a, long b, long c, long d, long e, long f, double x0, double x1, double x2, double x3, double x4, double x5, \
      double x6, double x7
#define ON_THE_STACK \
  long s0, long s1, long s2, long s3, long s4, long s5, long s6, long s7, long s8, long s9, long s10, long s11
#define ARGUMENTS \
  a, b, c, d, e, f, x0, x1, x2, x3, x4, x5, x6, x7, s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11

constexpr bool same(const char* a, const char* b) { return *a == *b && (*a == 0 || same(a + 1, b + 1)); }

template <class Returned>
using Native = Returned(IN_REGISTERS, ON_THE_STACK);

void* find(const char* name) {
  static void* raw = dlopen("libRawTorchSharp.so", RTLD_LAZY | RTLD_NOLOAD);
  return dlsym(raw, name);
}

// TorchSharp's own is thread-local too.
thread_local char* last_error = nullptr;

void keep(const char* sentence) {
  std::free(last_error);
  last_error = strdup(sentence);
}

void keep_the_exception() {
  try {
    throw;
  } catch (const std::exception& e) {
    keep(e.what());
  } catch (...) {
    keep("an exception that is no std::exception came out of libtorch");
  }
}

// The C++ stack that libtorch appends to a sentence says nothing to whom C# tells where the call was.
void cut_the_stack(char* sentence) {
  static const char* stacks = std::getenv("TORCH_SHOW_CPP_STACKTRACES");
  if (stacks != nullptr && std::strcmp(stacks, "1") == 0) return;
  if (char* end = std::strstr(sentence, "\nException raised from ")) *end = 0;
}

}  // namespace

#define NATIVE(name)                                                                                                  \
  GUARD_API std::conditional_t<same(#name, "THSAutograd_CSharpNode_ctor"), Pointers, Result> name(IN_REGISTERS,        \
                                                                                                  ON_THE_STACK) {     \
    using Returned = decltype(name(ARGUMENTS));                                                                       \
    static auto* const native = reinterpret_cast<Native<Returned>*>(find(#name));                                     \
    try {                                                                                                             \
      return native(ARGUMENTS);                                                                                       \
    } catch (...) {                                                                                                   \
      keep_the_exception();                                                                                           \
      return {};                                                                                                      \
    }                                                                                                                 \
  }
#include "natives.inc"

// A sentence in the place of libtorch's, or null: C# knows what its own backward passes threw.
using Explain = const char* (*)(const char* sentence);
static std::atomic<Explain> explain{nullptr};

GUARD_API void pkg_explain_errors(Explain explainer) { explain = explainer; }

// The newest sentence of this thread, ours or TorchSharp's; neither is left. It is the caller's until the next one.
GUARD_API const char* THSTorch_get_and_reset_last_err() {
  static auto* const theirs = reinterpret_cast<char* (*)()>(find("THSTorch_get_and_reset_last_err"));
  char* sentence = theirs();
  if (last_error != nullptr) {
    std::free(sentence);
    sentence = last_error;
    last_error = nullptr;
  }
  if (sentence == nullptr) return nullptr;
  static thread_local char* given = nullptr;
  std::free(given);  // TorchSharp copies a sentence at once, and frees none
  given = sentence;
  const Explain explainer = explain;
  if (const char* better = explainer != nullptr ? explainer(sentence) : nullptr) return better;
  cut_the_stack(sentence);
  return sentence;
}

// Raised when an entry changes; C# checks it.
GUARD_API int pkg_guard_version() { return 1; }
