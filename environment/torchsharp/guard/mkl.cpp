// MKL, which is part of libtorch_cpu.so, takes its AVX2 and AVX-512 paths on Intel's processors alone. On one of AMD's,
// matrix products take 2.3 times as long for it, with the same errors against float64. What it asks is this function,
// and it finds it here, for the guard comes before libtorch_cpu.so in its search. Undocumented, so PATCHKIT_MKL_FAST=0
// leaves MKL its own answer.
#include <dlfcn.h>

#include <atomic>
#include <cstdlib>
#include <cstring>

#include "guard.h"

namespace {
std::atomic<int> answer{-1};

int own_answer() {
  auto* own = reinterpret_cast<int (*)()>(dlsym(RTLD_NEXT, "mkl_serv_intel_cpu_true"));
  return own != nullptr && own() != 0;
}

bool asked_for() {
  const char* wish = std::getenv("PATCHKIT_MKL_FAST");
  return wish == nullptr || std::strcmp(wish, "0") != 0;
}
}  // namespace

GUARD_API int mkl_serv_intel_cpu_true() {
  static const int given = asked_for() || own_answer();
  answer.store(given, std::memory_order_relaxed);
  return given;
}

// 1: MKL was told to take its fast path; 0: it was not; -1: it has not asked yet (no matrix product was computed).
GUARD_API int pkg_mkl_fast() { return answer.load(); }
