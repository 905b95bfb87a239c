#pragma once

// Where the kernels' own memory comes from. All of it is taken before a parallel region begins: inside one, nothing may
// throw.

#include <cstddef>
#include <cstdint>

namespace patchkit::kernels {

// Blocks of 64-byte alignment. allocate may throw anything where there is not enough memory.
struct Allocator {
  void* (*allocate)(std::size_t bytes);
  void (*release)(void* block);
};

// To be called before the first kernel: what is allocated with one allocator would be released with the other.
void use_allocator(Allocator allocator);

// Throws std::bad_alloc where there is not enough memory.
void* allocate(std::size_t bytes);
void release(void* block);

// A block for the calling thread that stays between calls: fresh pages cost more than the arithmetic done on them.
char* workspace(std::size_t bytes);

// An uninitialised array that lives as long as its owner.
template <class T>
class Buffer {
 public:
  explicit Buffer(int64_t count) : data_(count > 0 ? static_cast<T*>(allocate(count * sizeof(T))) : nullptr) {}
  Buffer(Buffer&& other) noexcept : data_(other.data_) { other.data_ = nullptr; }
  Buffer& operator=(Buffer&&) = delete;
  ~Buffer() {
    if (data_) release(data_);
  }

  T* data() const { return data_; }

 private:
  T* data_;
};

// Hands out aligned pieces of one block; over a null block it only measures.
class Arena {
 public:
  explicit Arena(char* block = nullptr) : block_(block) {}

  template <class T>
  T* take(int64_t count) {
    T* piece = block_ ? reinterpret_cast<T*>(block_ + used_) : nullptr;
    used_ += (count * sizeof(T) + 63) / 64 * 64 + 64;  // the extra line keeps equal matrices off equal cache sets
    return piece;
  }
  std::size_t used() const { return used_; }

 private:
  char* block_;
  std::size_t used_ = 0;
};

// A layout is a struct built from an arena: measured first, then placed in the workspace.
template <class Layout, class... Args>
Layout place(const Args&... args) {
  Arena measure;
  Layout(measure, args...);
  Arena arena(workspace(measure.used()));
  return Layout(arena, args...);
}

}  // namespace patchkit::kernels
