// Where the elements of a slab's buffers lie (ssd_scan.h has the layouts).
#pragma once

#include "device.cuh"
#include "ssd_scan.h"

namespace patchkit::cuda {

// One token, as the blocks that handle a token for all heads count them: (c, b, Q).
struct Token {
  __device__ Token(const Slab& slab, int64_t index)
      : index(index), item(index / slab.chunk), position(index % slab.chunk), batch(item % slab.batch),
        time((slab.first_chunk + item / slab.batch) * slab.chunk + position) {}

  __device__ bool exists(const Slab& slab) const { return time < slab.length; }

  template <class E>
  __device__ E* row(const TokenView<E>& view) const {
    return view.data + batch * view.batch + time * view.token;
  }

  int64_t index;
  int64_t item;      // (c, b)
  int64_t position;  // within the chunk
  int64_t batch, time;
};

// One head of one chunk, as the blocks that handle these count them: (c, b, h).
struct HeadChunk {
  __device__ HeadChunk(const Slab& slab, int64_t index)
      : index(index), head(index % slab.heads), item(index / slab.heads), batch(item % slab.batch),
        start((slab.first_chunk + item / slab.batch) * slab.chunk) {}

  // Into a buffer per step.
  __device__ int64_t step(const Slab& slab, int64_t position) const {
    return (item * slab.chunk + position) * slab.heads + head;
  }

  // Into a buffer with one matrix for each (c, b, g).
  __device__ int64_t group_matrix(const Slab& slab, int64_t size) const {
    return (item * slab.groups + head / (slab.heads / slab.groups)) * size;
  }

  int64_t index, head;
  int64_t item;  // (c, b)
  int64_t batch;
  int64_t start;  // time of the first token
};

// Finds the features of a token's head in a buffer by token or by head; heads are g r, or g where there is one each.
struct Places {
  __device__ Places(const Slab& slab, const Token& token, int heads, int features, Layout layout)
      : per_group(heads / static_cast<int>(slab.groups)), group_stride(slab.chunk * per_group * features),
        head_stride(layout == Layout::by_token ? features : slab.chunk * features),
        start(token.item * slab.groups * group_stride +
              token.position * (layout == Layout::by_token ? per_group * features : features)) {}

  __device__ int64_t of(int head) const {
    return start + head / per_group * group_stride + head % per_group * head_stride;
  }

  int per_group;
  int64_t group_stride, head_stride, start;
};

// Calls body(row, column) for all of a block's rows and columns: warps take turns at the rows, lanes at the columns, so
// that a row's part of an address is computed once.
template <class Body>
__device__ void for_rows(int rows, int columns, const Body& body) {
  for (int row = threadIdx.x / warp_size; row < rows; row += blockDim.x / warp_size)
    for (int column = threadIdx.x % warp_size; column < columns; column += warp_size) body(row, column);
}

template <class T>
__device__ T skip_of(const Skip<T>& skip, int head, int feature, int features) {
  if (!skip.D) return 0;
  return skip.D[skip.per_feature ? head * features + feature : head];
}

}  // namespace patchkit::cuda
