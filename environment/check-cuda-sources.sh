#!/usr/bin/env bash
# Compiles the CUDA kernels of lib/Native/cuda to PTX for sm_80 and sm_90 where there is no CUDA toolkit: by clang, with
# the few declarations that the kernels use of CUDA's headers written out here. It shows that they compile to PTX; that
# an assembler takes their instructions and that they work, nvcc and a GPU show (environment/gpu-check).
#
#   check-cuda-sources.sh [CLANG]     CLANG: clang++-16 or later (default: the newest on the path)
set -euo pipefail

home=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
clang=${1:-$(compgen -c clang++- | grep -E '^clang\+\+-[0-9]+$' | sort -t- -k2 -n | tail -n 1 || true)}
clang=${clang:-clang++}
found=$("$clang" -dumpversion 2>/dev/null || echo 0)
((${found%%.*} >= 16)) || {
  echo "check-cuda-sources.sh: there is no clang++ of version 16 or later, which knows sm_90 (found: $clang, version" \
    "$found); install one (Debian: apt-get install clang-16)." >&2
  exit 2
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/cuda_runtime_api.h" <<'HEADER'
#pragma once
#include <stddef.h>
struct CUstream_st;
typedef CUstream_st* cudaStream_t;
enum cudaError_t { cudaSuccess = 0, cudaErrorInvalidConfiguration = 9 };
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8 };
cudaError_t cudaGetDevice(int*);
cudaError_t cudaSetDevice(int);
cudaError_t cudaGetLastError();
const char* cudaGetErrorString(cudaError_t);
HEADER

cat >"$work/cuda_runtime.h" <<'HEADER'
#pragma once
#include "cuda_runtime_api.h"
#define __host__ __attribute__((host))
#define __device__ __attribute__((device))
#define __global__ __attribute__((global))
#define __shared__ __attribute__((shared))
#define __launch_bounds__(...) __attribute__((launch_bounds(__VA_ARGS__)))
#define __forceinline__ inline __attribute__((always_inline))
#include <__clang_cuda_builtin_vars.h>
struct dim3 {
  unsigned x, y, z;
  __host__ __device__ dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};
struct alignas(16) uint4 {
  unsigned x, y, z, w;
};
cudaError_t cudaLaunchKernel(const void*, dim3, dim3, void**, size_t, cudaStream_t);
template <class Kernel>
cudaError_t cudaFuncSetAttribute(Kernel*, cudaFuncAttribute, int) { return cudaSuccess; }
template <class... P>
cudaError_t cudaLaunchKernel(void (*kernel)(P...), dim3 grid, dim3 block, void** arguments, size_t shared,
                             cudaStream_t stream) {
  return cudaLaunchKernel(reinterpret_cast<const void*>(kernel), grid, block, arguments, shared, stream);
}
extern "C" {
#define ONE(name) __device__ float name##f(float); __device__ double name(double);
ONE(exp) ONE(log1p) ONE(sqrt) ONE(ceil) ONE(floor)
#undef ONE
}
__device__ inline float __fmul_rn(float a, float b) { return __nvvm_mul_rn_f(a, b); }
__device__ inline size_t __cvta_generic_to_shared(const void* at) {
  return (size_t)(__attribute__((address_space(3))) const void*)at;
}
__device__ inline float __uint_as_float(unsigned bits) { return __builtin_bit_cast(float, bits); }
// Lanes exchange words of 32 bits, as the instruction does.
#define EXCHANGE(name, builtin, clamp)                                                                     \
  template <class T>                                                                                       \
  __device__ T name(unsigned mask, T value, int lane) {                                                    \
    int words[(sizeof(T) + 3) / 4];                                                                        \
    __builtin_memcpy(words, &value, sizeof value);                                                         \
    for (int& word : words) word = builtin(mask, word, lane, clamp);                                       \
    __builtin_memcpy(&value, words, sizeof value);                                                         \
    return value;                                                                                          \
  }
EXCHANGE(__shfl_sync, __nvvm_shfl_sync_idx_i32, 31)
EXCHANGE(__shfl_xor_sync, __nvvm_shfl_sync_bfly_i32, 31)
EXCHANGE(__shfl_up_sync, __nvvm_shfl_sync_up_i32, 0)
EXCHANGE(__shfl_down_sync, __nvvm_shfl_sync_down_i32, 31)
#undef EXCHANGE
HEADER

cat >"$work/cuda_bf16.h" <<'HEADER'
#pragma once
struct __nv_bfloat16 { unsigned short bits; };
__attribute__((device)) float __bfloat162float(__nv_bfloat16);
__attribute__((device)) __nv_bfloat16 __float2bfloat16(float);
HEADER

cat >"$work/cuda_fp16.h" <<'HEADER'
#pragma once
struct __half { unsigned short bits; };
__attribute__((device)) float __half2float(__half);
__attribute__((device)) __half __float2half(float);
HEADER

# check SOURCE ARCHITECTURE: compiled to PTX, or, for the architecture "host", as the host's part.
check() {
  local name
  name=$(basename "$1" .cu)
  local flags=(-x cuda -nocudainc -nocudalib -std=c++17 -Wall -Wno-unknown-cuda-version -I"$work" -I"$home/lib/Native")
  if [[ $2 == host ]]; then
    "$clang" "${flags[@]}" --cuda-gpu-arch=sm_90 --cuda-host-only -fsyntax-only "$1"
    return
  fi
  # Functions of the toolkit stay calls; a kernel's local arrays and its shared memory are in the PTX.
  "$clang" "${flags[@]}" --cuda-gpu-arch="$2" --cuda-device-only -O2 -Xclang -target-feature -Xclang +ptx70 -S \
    -o "$work/$name.$2.ptx" "$1"
  echo "$name, $2: $(grep -c '\.entry' "$work/$name.$2.ptx") kernels"
}

export clang home work
export -f check
for source in "$home"/lib/Native/cuda/*.cu; do
  for architecture in sm_80 sm_90 host; do printf '%s\0%s\0' "$source" "$architecture"; done
done | xargs -0 -n 2 -P "$(nproc)" bash -euo pipefail -c 'check "$1" "$2"' check
