// Stands before TorchSharp's native library under its name: forwards every native to it, and makes of an exception that
// comes out of one TorchSharp's last error, where it would end the process.
//
// TorchSharp's own catch knows c10::Error and std::runtime_error only, and 0.107 has none at all around 93 of its 1,164
// natives that call libtorch (matmul and autograd.grad among them). Others catch, but then return a pointer that was
// never set (randperm), which C# takes for a tensor: here the result after an error is null.
//
// No native is listed: natives.inc is made of what the library exports, and one shape of function forwards them all, by
// x86-64's calling convention. Six whole and eight real arguments are in registers, whichever the native takes; more
// lie on the stack in words of 8 bytes; a result is in rax or in xmm0. (TorchSharp has no library for Linux elsewhere.)
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

// The longest native takes 12 arguments, structures count twice: 12 words beyond the registers are room enough.
#define IN_REGISTERS                                                                                                \
  long a, long b, long c, long d, long e, long f, double x0, double x1, double x2, double x3, double x4, double x5, \
      double x6, double x7
#define ON_THE_STACK \
  long s0, long s1, long s2, long s3, long s4, long s5, long s6, long s7, long s8, long s9, long s10, long s11
#define ARGUMENTS a, b, c, d, e, f, x0, x1, x2, x3, x4, x5, x6, x7, s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11

constexpr bool starts(const char* text, const char* word) {
  return *word == 0 || (*text == *word && starts(text + 1, word + 1));
}
constexpr bool contains(const char* text, const char* word) {
  return *text != 0 && (starts(text, word) || contains(text + 1, word));
}

// What may be called between an error and the question for it, which leaves the error: what a scope's end gives back or
// sets back, and what TorchSharp's static constructor asks when the question is the first that is asked of it.
constexpr bool leaves_errors(const char* name) {
  return contains(name, "dispose") || contains(name, "delete") || contains(name, "Autograd_set") ||
         contains(name, "Cuda_is_available");
}

template <class Returned>
using Native = Returned(IN_REGISTERS, ON_THE_STACK);

void* find(const char* name) {
  static void* raw = dlopen("libRawTorchSharp.so", RTLD_LAZY | RTLD_NOLOAD);
  return dlsym(raw, name);
}

char* (*const their_last_error)() = reinterpret_cast<char* (*)()>(find("THSTorch_get_and_reset_last_err"));

thread_local char* last_error = nullptr;

void keep(char* sentence) {
  std::free(last_error);
  last_error = sentence;
}

void keep_the_exception() {
  try {
    throw;
  } catch (const std::exception& e) {
    keep(strdup(e.what()));
  } catch (...) {
    keep(strdup("an exception that is no std::exception came out of libtorch"));
  }
}

// The C++ stack that libtorch appends to a sentence says nothing to whom C# tells where the call was.
void cut_the_stack(char* sentence) {
  static const char* stacks = std::getenv("TORCH_SHOW_CPP_STACKTRACES");
  if (stacks != nullptr && std::strcmp(stacks, "1") == 0) return;
  if (char* end = std::strstr(sentence, "\nException raised from ")) *end = 0;
}

}  // namespace

#define NATIVE(name)                                                                                                \
  GUARD_API std::conditional_t<starts(#name, "THSAutograd_CSharpNode_ctor"), Pointers, Result> name(IN_REGISTERS,   \
                                                                                                    ON_THE_STACK) { \
    using Returned = decltype(name(ARGUMENTS));                                                                     \
    static auto* const native = reinterpret_cast<Native<Returned>*>(find(#name));                                   \
    if (!leaves_errors(#name) && last_error) keep(nullptr);                                                         \
    try {                                                                                                           \
      Returned result = native(ARGUMENTS);                                                                          \
      if (char* error = their_last_error()) {                                                                       \
        keep(error);                                                                                                \
        return {};                                                                                                  \
      }                                                                                                             \
      return result;                                                                                                \
    } catch (...) {                                                                                                 \
      keep_the_exception();                                                                                         \
      return {};                                                                                                    \
    }                                                                                                               \
  }
#include "natives.inc"

// A sentence in the place of libtorch's, or null: C# knows what its own backward passes threw.
using Explain = const char* (*)(const char* sentence);
static std::atomic<Explain> explain{nullptr};

GUARD_API void pkg_explain_errors(Explain explainer) { explain = explainer; }

// The sentence is the caller's until the next one: TorchSharp copies it at once, and frees none.
GUARD_API const char* THSTorch_get_and_reset_last_err() {
  if (last_error == nullptr) return nullptr;
  static thread_local char* given = nullptr;
  std::free(given);
  given = last_error;
  last_error = nullptr;
  const Explain explainer = explain;
  if (const char* better = explainer != nullptr ? explainer(given) : nullptr) return better;
  cut_the_stack(given);
  return given;
}

// Raised when an entry changes; C# checks it.
GUARD_API int pkg_guard_version() { return 3; }
