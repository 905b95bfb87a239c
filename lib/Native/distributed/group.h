// A group of processes and its collectives, over the backend classes of c10d.
#pragma once
#include <ATen/core/Tensor.h>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#ifdef USE_C10D_GLOO
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#endif
#ifdef USE_C10D_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

#include <atomic>
#include <type_traits>
#include <vector>

namespace patchkit {

#ifdef USE_C10D_GLOO
using AnyBackend = c10d::ProcessGroupGloo;
#else
using AnyBackend = c10d::ProcessGroupNCCL;
#endif
// What the backend classes derive from: ProcessGroup itself in libtorch 1, Backend since.
using BackendBase = std::conditional_t<std::is_base_of_v<c10d::Backend, AnyBackend>, c10d::Backend, c10d::ProcessGroup>;
using WorkPtr = decltype(std::declval<BackendBase&>().allreduce(std::declval<std::vector<at::Tensor>&>()));

struct Group {
  c10::intrusive_ptr<BackendBase> backend;
  int rank = 0;
  int size = 1;
  bool on_device = false;  // NCCL: waiting orders streams, and the host goes on
  std::atomic<bool> abandoned{false};

  // Waits for a collective; throws what it failed with, or once the group is abandoned. Asking again and again lets another thread end the wait, which none of c10d's own does.
  void await(const WorkPtr& work);
};

}  // namespace patchkit
