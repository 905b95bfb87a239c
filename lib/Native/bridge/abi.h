// The C boundary between C# and libtorch. Everything that crosses it is declared here.
//
// A tensor handle is a c10::TensorImpl* that owns one reference. No C++ exception crosses: a function that can fail
// returns a value no success returns (-1, or a null pointer) and leaves a sentence for pk_error().
#pragma once
#include <cstdint>

#define PK_API extern "C" __attribute__((visibility("default")))

// What an argument carries. Mirrored by PatchKit's C# struct NativeArg.
enum PkKind : int32_t {
  PK_NONE = 0,
  PK_TENSOR = 1,
  PK_INT = 2,
  PK_DOUBLE = 3,
  PK_BOOL = 4,
  PK_INTS = 5,
  PK_DOUBLES = 6,
  PK_TENSORS = 7,
  PK_TEXT = 8,
  PK_DEVICE = 9,  // i: device type, n: device index
  PK_GENERATOR = 10,
};

struct PkArg {
  int32_t kind;
  int32_t n;  // length of a list, index of a device
  union {
    void* handle;
    int64_t i;
    double d;
    const int64_t* ints;
    const double* doubles;
    void* const* tensors;
    const char* text;
  };
};
static_assert(sizeof(PkArg) == 16, "C# lays PkArg out as 16 bytes");

struct PkResult {
  int32_t kind;
  int32_t n;
  union {
    void* handle;
    int64_t i;
    double d;
    void* const* tensors;  // valid until the thread's next call
  };
  int64_t bytes;  // storage that only this new tensor holds: what disposing it would free
};
static_assert(sizeof(PkResult) == 24, "C# lays PkResult out as 24 bytes");

// Kinds of failure, for the exception type on the C# side.
enum PkFailure : int32_t { PK_FAILED = 1, PK_OUT_OF_MEMORY = 2, PK_CANCELLED = 3 };
