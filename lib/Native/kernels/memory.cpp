#include "memory.h"

#include <new>

namespace patchkit::kernels {
namespace {

constexpr std::align_val_t alignment{64};

Allocator current{[](std::size_t bytes) { return ::operator new(bytes, alignment); },
                  [](void* block) { ::operator delete(block, alignment); }};

struct Block {
  char* data = nullptr;
  std::size_t size = 0;

  ~Block() { clear(); }
  void clear() {
    if (data) release(data);
    data = nullptr;
    size = 0;
  }
};

}  // namespace

void use_allocator(Allocator allocator) { current = allocator; }
void* allocate(std::size_t bytes) {
  try {
    return current.allocate(bytes);
  } catch (...) {
    throw std::bad_alloc();
  }
}
void release(void* block) { current.release(block); }

char* workspace(std::size_t bytes) {
  thread_local Block block;
  if (block.size < bytes) {
    block.clear();
    block.data = static_cast<char*>(allocate(bytes));
    block.size = bytes;
  }
  return block.data;
}

}  // namespace patchkit::kernels
