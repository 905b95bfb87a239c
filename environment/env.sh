# shellcheck shell=bash
# Sourced by the launchers in bin/ and by the scripts here: what a process must find in its environment before it
# starts. A value that you have set yourself always wins. `patchkit doctor` says when one of these is missing.

patchkit_home=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)

# Threads. libgomp's waiting threads spin for milliseconds by default and take the cores from whatever comes next: the
# loaders, .NET's own threads, a second pool. With PASSIVE alone they sleep at once, and small operators spend their
# time in waking them: training steps of the small nets on two cores take .55 to .85 of the time with some 50
# microseconds of spinning between (10,000 turns; `patchkit bench train`, and again with GOMP_SPINCOUNT=0).
export OMP_WAIT_POLICY=${OMP_WAIT_POLICY-PASSIVE}
export GOMP_SPINCOUNT=${GOMP_SPINCOUNT-10000}
# As many as this process may run on, also where a scheduler gave it some of the machine's cores.
export OMP_NUM_THREADS=${OMP_NUM_THREADS-$(nproc)}

# Memory. By default glibc maps a large block afresh on each allocation and gives it back when it is freed, so that a
# training step spends its time in page faults. Measured on one Zen core with libtorch 2.10, adding two tensors of 20,
# 40 and 128 MB: 5.2, 29 and 103 ms of processor time by default, 3.1, 10.5 and 35 ms with the settings below.
#   MALLOC_MMAP_THRESHOLD_   32 MB, the most that every glibc takes: smaller blocks stay in the heap for the next step.
#                            Larger ones are mapped and given back: kept in the heap too (MALLOC_MMAP_MAX_=0) they are
#                            a quarter faster, but the heap splinters: one checkpointed step of adventurer-tiny over
#                            50,177 tokens, with 2.6 GB of tensors, then takes 6.1 GB, against 2.9.
#   MALLOC_TRIM_THRESHOLD_   2^40 bytes: keep freed memory. A process holds the peak of what it used, as PyTorch's
#                            allocator does on a GPU.
#   MALLOC_ARENA_MAX=1       every other thread would get a heap of its own that ends at 64 MB, where mapping begins
#                            again. The price is a shared lock: 28 -> 235 ns per malloc while two threads do nothing
#                            else; blocks up to 1 KB keep their per-thread cache and pay nothing.
#   glibc.malloc.hugetlb=1   huge pages by madvise (glibc 2.35 or later, otherwise ignored): memory touched for the
#                            first time costs a fault per 2 MB, not per 4 KB; in the heap above 1-3% more.
export MALLOC_MMAP_THRESHOLD_=${MALLOC_MMAP_THRESHOLD_-33554432}
export MALLOC_TRIM_THRESHOLD_=${MALLOC_TRIM_THRESHOLD_-1099511627776}
export MALLOC_ARENA_MAX=${MALLOC_ARENA_MAX-1}
if [[ ${GLIBC_TUNABLES:-} != *glibc.malloc.hugetlb=* ]]; then
  export GLIBC_TUNABLES=${GLIBC_TUNABLES:+$GLIBC_TUNABLES:}glibc.malloc.hugetlb=1
fi

# Libraries. The loader looks through LD_LIBRARY_PATH before the folder of TorchSharp.dll, and would mix our libtorch
# with another one that lies there: such folders are left out for our processes. PATCHKIT_LIBTORCH names one that is to
# be taken (environment/gpu-check/dotnet.sh).
patchkit_library_path() {
  local folder kept=()
  while IFS= read -r -d: folder; do
    if [[ ! -e ${folder:-.}/libtorch_cpu.so && ! -e ${folder:-.}/libc10.so ]]; then kept+=("$folder"); fi
  done <<<"$LD_LIBRARY_PATH:"
  LD_LIBRARY_PATH=$(IFS=: && echo "${kept[*]-}")
}
if [[ -n ${LD_LIBRARY_PATH:-} ]]; then patchkit_library_path; fi
if [[ -n ${PATCHKIT_LIBTORCH:-} ]]; then
  export LD_LIBRARY_PATH=$PATCHKIT_LIBTORCH${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
fi

# cuBLAS repeats its bits only with workspaces of fixed size, and libtorch's deterministic mode refuses matrix products
# on a GPU without them.
export CUBLAS_WORKSPACE_CONFIG=${CUBLAS_WORKSPACE_CONFIG-:4096:8}

# The `dotnet` to run with: the one on the path, or one of the usual places. Prints its path; fails when there is none.
patchkit_dotnet() {
  local folder
  if [[ -n ${DOTNET_ROOT:-} && -x $DOTNET_ROOT/dotnet ]]; then
    echo "$DOTNET_ROOT/dotnet"
  elif command -v dotnet; then
    :
  else
    for folder in "${HOME:-/root}/.dotnet" /usr/share/dotnet /usr/lib/dotnet /usr/local/share/dotnet; do
      if [[ -x $folder/dotnet ]]; then
        echo "$folder/dotnet"
        return
      fi
    done
    echo "The .NET 10 SDK is missing: install it from https://dotnet.microsoft.com/download/dotnet/10.0, or run" \
      "'curl -sSL https://dot.net/v1/dotnet-install.sh | bash -s -- --channel 10.0', which puts it in ~/.dotnet." >&2
    return 1
  fi
}
