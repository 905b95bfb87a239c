// Collectives between the processes of a group. Each must be called by all ranks, in the same order.
#include "distributed/group.h"

#include <cstdlib>
#include <memory>
#include <thread>

#include "bridge/guard.h"
#include "distributed/abi.h"
#include "distributed/store.h"

namespace patchkit {

void Group::await(const WorkPtr& work) {
  using namespace std::chrono_literals;
  if (!on_device) {
    for (int asked = 0; !work->isCompleted(); asked++) {
      TORCH_CHECK(!abandoned, "the wait for the other ranks was given up");
      if (asked < 200) {
        std::this_thread::yield();
      } else {
        std::this_thread::sleep_for(asked < 2000 ? 50us : 1000us);
      }
    }
  }
  TORCH_CHECK(!abandoned, "the wait for the other ranks was given up");
  work->wait();
}

namespace {

#ifdef USE_C10D_GLOO
c10::intrusive_ptr<BackendBase> make_gloo(const c10::intrusive_ptr<c10d::Store>& store, int rank, int size, std::chrono::milliseconds timeout) {
  auto options = c10d::ProcessGroupGloo::Options::create(timeout);
  // As in PyTorch, GLOO_SOCKET_IFNAME names the network interface; else the host's name says it.
  const char* interface = std::getenv("GLOO_SOCKET_IFNAME");
  options->devices.push_back(interface != nullptr && *interface != '\0' ? c10d::ProcessGroupGloo::createDeviceForInterface(interface)
                                                                        : c10d::ProcessGroupGloo::createDefaultDevice());
  return c10::make_intrusive<c10d::ProcessGroupGloo>(store, rank, size, options);
}
#endif

#ifdef USE_C10D_NCCL
c10::intrusive_ptr<BackendBase> make_nccl(const c10::intrusive_ptr<c10d::Store>& store, int rank, int size, std::chrono::milliseconds timeout) {
  auto options = c10d::ProcessGroupNCCL::Options::create();
  options->timeout = timeout;
  return c10::make_intrusive<c10d::ProcessGroupNCCL>(store, rank, size, options);
}
#endif

}  // namespace
}  // namespace patchkit

using namespace patchkit;

PK_API int32_t pkd_backends() {
  int32_t backends = 0;
#ifdef USE_C10D_GLOO
  backends |= PKD_GLOO;
#endif
#ifdef USE_C10D_NCCL
  backends |= PKD_NCCL;
#endif
  return backends;
}

// A group over a connection of its own, which it keeps.
PK_API void* pkd_group(void* store, int32_t rank, int32_t size, int32_t backend, int64_t timeout_ms) {
  return guarded(static_cast<void*>(nullptr), [&] {
    auto connection = static_cast<StoreHandle*>(store)->store;
    std::chrono::milliseconds timeout(timeout_ms);
    auto group = std::make_unique<Group>();
    group->rank = rank;
    group->size = size;
#ifdef USE_C10D_GLOO
    if (backend == PKD_GLOO) group->backend = make_gloo(connection, rank, size, timeout);
#endif
#ifdef USE_C10D_NCCL
    if (backend == PKD_NCCL) group->backend = make_nccl(connection, rank, size, timeout);
    group->on_device = backend == PKD_NCCL;
#endif
    TORCH_CHECK(group->backend, "this libpatchkit_distributed.so was built without ", backend == PKD_NCCL ? "NCCL" : "Gloo");
    return static_cast<void*>(group.release());
  });
}

// Frees a group with which all is well; one that was abandoned has threads inside a collective, and stays until the process ends.
PK_API void pkd_group_free(void* handle) {
  auto group = static_cast<Group*>(handle);
  if (!group->abandoned) delete group;
}

// Ends the wait that another thread is in, and all later ones, with a failure.
PK_API void pkd_abandon(void* group) { static_cast<Group*>(group)->abandoned = true; }

PK_API int32_t pkd_all_reduce(void* handle, void* tensor, int32_t reduce) {
  return guarded(-1, [&] {
    auto group = static_cast<Group*>(handle);
    std::vector<at::Tensor> tensors{borrow(tensor)};
    c10d::AllreduceOptions options;
    options.reduceOp = reduce == PKD_MAX ? c10d::ReduceOp::MAX : reduce == PKD_MIN ? c10d::ReduceOp::MIN : c10d::ReduceOp::SUM;
    group->await(group->backend->allreduce(tensors, options));
    return 0;
  });
}

PK_API int32_t pkd_broadcast(void* handle, void* tensor, int32_t root) {
  return guarded(-1, [&] {
    auto group = static_cast<Group*>(handle);
    std::vector<at::Tensor> tensors{borrow(tensor)};
    c10d::BroadcastOptions options;
    options.rootRank = root;
    group->await(group->backend->broadcast(tensors, options));
    return 0;
  });
}

// Writes every rank's tensor, in the order of ranks, into tensors like it.
PK_API int32_t pkd_all_gather(void* handle, void* tensor, void* const* results) {
  return guarded(-1, [&] {
    auto group = static_cast<Group*>(handle);
    std::vector<at::Tensor> own{borrow(tensor)};
    std::vector<std::vector<at::Tensor>> all(1);
    for (int rank = 0; rank < group->size; rank++) all[0].push_back(borrow(results[rank]));
    group->await(group->backend->allgather(all, own));
    return 0;
  });
}

PK_API int32_t pkd_barrier(void* handle) {
  return guarded(-1, [&] {
    auto group = static_cast<Group*>(handle);
    group->await(group->backend->barrier());
    return 0;
  });
}

// Ends the process at once: what is left where a rank is gone and the main thread waits inside the GPU's driver, which nothing interrupts.
PK_API void pkd_exit(int32_t code) { std::_Exit(code); }
