// The fibers, warps and tensor cores of cuda_runtime.h.
#include <sys/mman.h>
#include <ucontext.h>

#include <csetjmp>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <vector>

#include "api/abi.h"
#include "cuda_bf16.h"
#include "cuda_runtime.h"

dim3 threadIdx, blockIdx, blockDim, gridDim;

namespace patchkit::emulator {
namespace {

constexpr int warp_size = 32;
constexpr size_t stack_bytes = 256 * 1024;

// Threads that wait until all of them have come.
struct Barrier {
  int alive = 0, arrived = 0;
  unsigned turn = 0;
};

enum class State { fresh, waiting, ended };

struct Fiber {
  State state;
  unsigned index;
  bool parity;  // of its exchanges: the bytes of the one before are still being looked at
  jmp_buf place;
  void* stack = nullptr;
};

struct Warp {
  Barrier barrier;
  unsigned char bytes[2][warp_size][exchanged_bytes];
};

// All that runs, one launch at a time.
struct Machine {
  std::mutex one_launch;
  std::vector<Fiber> fibers;
  std::vector<Warp> warps;
  Barrier block;
  jmp_buf scheduler;
  ucontext_t back;
  Fiber* current = nullptr;
  const std::function<void()>* body = nullptr;
  std::unique_ptr<char[]> shared;
  size_t shared_room = 0;
  uint64_t progress = 0;
  const char* refusal = nullptr;
  bool backwards = false;
};

Machine machine;

void switch_to_scheduler() {
  if (_setjmp(machine.current->place) == 0) _longjmp(machine.scheduler, 1);
}

void open_if_all_came(Barrier& barrier) {
  if (barrier.arrived < barrier.alive || barrier.arrived == 0) return;
  barrier.arrived = 0;
  ++barrier.turn;
  ++machine.progress;
}

void wait(Barrier& barrier) {
  const unsigned turn = barrier.turn;
  ++barrier.arrived;
  open_if_all_came(barrier);
  while (barrier.turn == turn) switch_to_scheduler();
}

Warp& warp_of(const Fiber& fiber) { return machine.warps[fiber.index / warp_size]; }

void enter() {
  (*machine.body)();
  Fiber& fiber = *machine.current;
  fiber.state = State::ended;
  ++machine.progress;
  --machine.block.alive;
  --warp_of(fiber).barrier.alive;
  open_if_all_came(machine.block);
  open_if_all_came(warp_of(fiber).barrier);
  _longjmp(machine.scheduler, 1);
}

// Runs the fiber until it waits or ends.
void resume(Fiber& fiber) {
  machine.current = &fiber;
  threadIdx.x = fiber.index;
  if (_setjmp(machine.scheduler) != 0) return;
  if (fiber.state == State::waiting) _longjmp(fiber.place, 1);
  fiber.state = State::waiting;
  ucontext_t context;
  getcontext(&context);
  context.uc_stack.ss_sp = fiber.stack;
  context.uc_stack.ss_size = stack_bytes;
  context.uc_link = nullptr;
  makecontext(&context, enter, 0);
  setcontext(&context);
}

void make_fibers(unsigned count) {
  const size_t before = machine.fibers.size();
  if (count > before) machine.fibers.resize(count);
  for (size_t i = before; i < machine.fibers.size(); ++i) {
    void* stack = mmap(nullptr, stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stack == MAP_FAILED) std::abort();
    machine.fibers[i].stack = stack;
  }
  machine.warps.resize((count + warp_size - 1) / warp_size);
}

bool run_block(unsigned threads, size_t shared) {
  for (size_t i = 0; i + sizeof(float) <= shared; i += sizeof(float))
    std::memset(machine.shared.get() + i, 0xff, sizeof(float));
  machine.block = {static_cast<int>(threads), 0, 0};
  for (auto& warp : machine.warps) warp.barrier = {warp_size, 0, 0};
  for (unsigned i = 0; i < threads; ++i) {
    Fiber& fiber = machine.fibers[i];
    fiber.state = State::fresh;
    fiber.index = i;
    fiber.parity = false;
  }
  while (machine.block.alive > 0) {
    const uint64_t before = machine.progress;
    for (unsigned i = 0; i < threads; ++i) {
      Fiber& fiber = machine.fibers[machine.backwards ? threads - 1 - i : i];
      if (fiber.state == State::ended) continue;
      resume(fiber);
      if (machine.refusal) return false;
    }
    if (machine.progress == before) {
      machine.refusal = "threads wait at different places, or for one that ended";
      return false;
    }
  }
  return true;
}

}  // namespace

cudaError_t run(dim3 grid, dim3 block, size_t shared, const std::function<void()>& body) {
  const std::lock_guard<std::mutex> lock(machine.one_launch);
  if (block.x == 0 || block.x > 1024 || block.x % warp_size != 0 || shared > 227 * 1024)
    return cudaErrorInvalidConfiguration;
  make_fibers(block.x);
  if (shared > machine.shared_room) {
    machine.shared.reset(new char[shared]);
    machine.shared_room = shared;
  }
  machine.body = &body;
  machine.refusal = nullptr;
  blockDim = block;
  gridDim = grid;
  for (blockIdx.x = 0; blockIdx.x < grid.x; ++blockIdx.x)
    if (!run_block(block.x, shared)) return cudaErrorLaunchFailure;
  return cudaSuccess;
}

void sync_block() { wait(machine.block); }

char* dynamic_shared() { return machine.shared.get(); }

void refuse(const char* sentence) {
  machine.refusal = sentence;
  _longjmp(machine.scheduler, 1);
}

const unsigned char (*exchange(const void* bytes, size_t size))[exchanged_bytes] {
  Fiber& fiber = *machine.current;
  Warp& warp = warp_of(fiber);
  if (warp.barrier.alive < warp_size) refuse("lanes of a warp work together after one of them has ended");
  const bool parity = fiber.parity;
  fiber.parity = !parity;
  std::memcpy(warp.bytes[parity][fiber.index % warp_size], bytes, size);
  wait(warp.barrier);
  return warp.bytes[parity];
}

namespace {

struct Fragments {
  uint32_t a[4], b[2];
};

float bfloat16_at(const uint32_t* words, int half) {
  return __bfloat162float({static_cast<uint16_t>(words[0] >> 16 * half)});
}

// d += a b over `depth`; of_a(lane's fragments, row half, k) and of_b(lane's fragments, k) find the elements.
template <class A, class B>
void mma(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], int depth, const A& of_a, const B& of_b) {
  Fragments own;
  std::memcpy(own.a, a, sizeof own.a);
  std::memcpy(own.b, b, sizeof own.b);
  const auto* all = exchange(&own, sizeof own);
  const int lane = static_cast<int>(threadIdx.x % warp_size), group = lane / 4, place = lane % 4;
  for (int at = 0; at < 4; ++at) {
    double sum = d[at];
    for (int k = 0; k < depth; ++k)
      sum += static_cast<double>(of_a(all, group, at / 2, k)) * of_b(all, 2 * place + at % 2, k);
    d[at] = static_cast<float>(sum);
  }
}

}  // namespace
}  // namespace patchkit::emulator

namespace patchkit::cuda {

using namespace patchkit::emulator;

void mma_bfloat16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  mma(
      d, a, b, 16,
      [](const auto* all, int group, int half, int k) {
        const auto from = of_lane<Fragments>(all, group * 4 + k % 8 / 2);
        return bfloat16_at(&from.a[half + k / 8 * 2], k % 2);
      },
      [](const auto* all, int column, int k) {
        const auto from = of_lane<Fragments>(all, column * 4 + k % 8 / 2);
        return bfloat16_at(&from.b[k / 8], k % 2);
      });
}

void mma_tf32(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  mma(
      d, a, b, 8,
      [](const auto* all, int group, int half, int k) {
        return of_bits(of_lane<Fragments>(all, group * 4 + k % 4).a[half + k / 4 * 2]);
      },
      [](const auto* all, int column, int k) { return of_bits(of_lane<Fragments>(all, column * 4 + k % 4).b[k / 4]); });
}

void load_matrices(uint32_t (&words)[4], const void* row, bool transposed) {
  if (reinterpret_cast<uintptr_t>(row) % 16 != 0) refuse("a row for a load of matrices is not aligned to 16 bytes");
  const auto* all = exchange(&row, sizeof row);
  const int lane = static_cast<int>(threadIdx.x % 32), group = lane / 4, place = lane % 4;
  for (int matrix = 0; matrix < 4; ++matrix) {
    uint16_t pair[2];
    for (int k = 0; k < 2; ++k) {
      const int from = transposed ? 2 * place + k : group, column = transposed ? group : 2 * place + k;
      std::memcpy(&pair[k], of_lane<const char*>(all, matrix * 8 + from) + 2 * column, sizeof pair[k]);
    }
    std::memcpy(&words[matrix], pair, sizeof pair);
  }
}

}  // namespace patchkit::cuda

const char* cudaGetErrorString(cudaError_t status) {
  switch (status) {
    case cudaSuccess: return "no error";
    case cudaErrorInvalidValue: return "invalid argument";
    case cudaErrorInvalidConfiguration: return "invalid configuration argument";
    default:
      return patchkit::emulator::machine.refusal ? patchkit::emulator::machine.refusal : "unspecified launch failure";
  }
}

// The last thread of each block goes first.
PK_API void pk_cuda_emulate_backwards(int32_t backwards) { patchkit::emulator::machine.backwards = backwards != 0; }
