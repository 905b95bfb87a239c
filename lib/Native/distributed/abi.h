// The C boundary of libpatchkit_distributed.so: collectives between processes, over libtorch's c10d. Tensor handles, failures and
// sentences are as in bridge/abi.h; the sentence of this library's last failure is pkd_error()'s.
#pragma once
#include "bridge/abi.h"

// The backends of this build, as bits.
enum PkdBackend : int32_t { PKD_GLOO = 1, PKD_NCCL = 2 };

enum PkdReduce : int32_t { PKD_SUM = 0, PKD_MAX = 1, PKD_MIN = 2 };
