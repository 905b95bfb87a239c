// Products of matrices in shared memory by the tensor cores, a warp at a time: bfloat16 as it is; float as TF32, once
// where the values are half's, whose 11 bits that holds; in three parts where they are float32's own, which brings the
// error to float32's (Ootomo and Yokota 2022, arXiv 2203.03341).
#pragma once

#include "device.cuh"

namespace patchkit::cuda {

// -- instructions: the emulator has its own ------------------------------------------------------------------------

#ifndef PATCHKIT_EMULATED
// d += a b, (16, 8) += (16, 16) (16, 8). Of a lane, with group = lane / 4 and place = lane % 4: d holds (group, 2
// place), (group, 2 place + 1), and the same of row group + 8.
__device__ __forceinline__ void mma_bfloat16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// d += a b, (16, 8) += (16, 8) (8, 8).
__device__ __forceinline__ void mma_tf32(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

__device__ __forceinline__ uint32_t to_tf32(float value) {
  uint32_t bits;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(value));
  return bits;
}

// Four matrices of 8 x 8 elements of 16 bits: lane i names row i % 8 of matrix i / 8, 16 bytes that are aligned; it
// gets of each matrix the elements (lane / 4, 2 (lane % 4)) and the next, or of its transpose.
template <bool transposed>
__device__ __forceinline__ void load_matrices(uint32_t (&words)[4], const void* row) {
  const auto at = static_cast<uint32_t>(__cvta_generic_to_shared(row));
  if constexpr (transposed)
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
                 : "r"(at)
                 : "memory");
  else
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
                 : "r"(at)
                 : "memory");
}

__device__ __forceinline__ float of_bits(uint32_t bits) { return __uint_as_float(bits); }
#endif

// -- tiles ---------------------------------------------------------------------------------------------------------

// A matrix in shared memory, row by row. Sides are multiples of 16; rows are apart by a little more than they hold, so
// that the rows of a column lie in different banks.
template <class T>
struct Tile {
  T* data;
  int stride;

  __device__ __forceinline__ T* row(int index) const { return data + index * stride; }
};

__host__ __device__ __forceinline__ int padded(int64_t side) { return static_cast<int>((side + 15) / 16 * 16); }

template <class T>
__host__ __device__ __forceinline__ int tile_stride(int columns) {
  return columns + 16 / static_cast<int>(sizeof(T));
}

// Whether an operand lies as the product reads it, or is its transpose.
enum class Side { as_is, transposed };

// A warp's part of a product: 16 rows, 32 columns. Lane's elements of part[j]: rows group and group + 8, columns
// 8 j + 2 place and the next.
inline constexpr int part_rows = 16, part_columns = 32;

struct Part {
  float at[4][4] = {};

  // This lane's two rows, group and group + 8, by their factors.
  __device__ __forceinline__ void scale(float upper, float lower) {
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      at[j][0] *= upper;
      at[j][1] *= upper;
      at[j][2] *= lower;
      at[j][3] *= lower;
    }
  }

  // body(row, column, first, second) for each pair of neighbours that this lane holds.
  template <class Body>
  __device__ __forceinline__ void pairs(int first_row, int first_column, int columns, const Body& body) {
    const int group = threadIdx.x % warp_size / 4, place = threadIdx.x % 4;
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      const int column = first_column + 8 * j + 2 * place;
      if (first_column + 8 * j >= columns) continue;
      body(first_row + group, column, at[j][0], at[j][1]);
      body(first_row + group + 8, column, at[j][2], at[j][3]);
    }
  }
};

// part += a b at the part's place, over `depth` (a multiple of 16); of b there are `columns`. terms: 1 or 3, of TF32.
template <Side side_a, Side side_b, int terms>
__device__ __forceinline__ void multiply(Part& part, int row, int column, int columns, int depth, Tile<__nv_bfloat16> a,
                                         Tile<__nv_bfloat16> b) {
  const int lane = threadIdx.x % warp_size, within = lane % 8, second = lane / 8 % 2 * 8, third = lane / 16 * 8;
  for (int k = 0; k < depth; k += 16) {
    uint32_t words_a[4];
    if constexpr (side_a == Side::as_is)
      load_matrices<false>(words_a, a.row(row + within + second) + k + third);
    else
      load_matrices<true>(words_a, a.row(k + within + third) + row + second);
#pragma unroll
    for (int j = 0; j < 4; j += 2) {
      if (column + 8 * j >= columns) continue;
      uint32_t words_b[4];
      if constexpr (side_b == Side::as_is)
        load_matrices<true>(words_b, b.row(k + within + second) + column + 8 * j + third);
      else
        load_matrices<false>(words_b, b.row(column + 8 * j + within + third) + k + second);
      const uint32_t left[2] = {words_b[0], words_b[1]}, right[2] = {words_b[2], words_b[3]};
      mma_bfloat16(part.at[j], words_a, left);
      mma_bfloat16(part.at[j + 1], words_a, right);
    }
  }
}

// A float as one TF32 number, or as the sum of two.
template <int terms, int count>
struct Split {
  uint32_t high[count], low[count];

  __device__ __forceinline__ void set(int i, float value) {
    high[i] = to_tf32(value);
    if constexpr (terms == 3) low[i] = to_tf32(value - of_bits(high[i]));
  }
};

template <Side side_a, Side side_b, int terms>
__device__ __forceinline__ void multiply(Part& part, int row, int column, int columns, int depth, Tile<float> a,
                                         Tile<float> b) {
  const int lane = threadIdx.x % warp_size, group = lane / 4, place = lane % 4;
  const auto of_a = [&](int i, int k) { return side_a == Side::as_is ? a.row(i)[k] : a.row(k)[i]; };
  const auto of_b = [&](int k, int j) { return side_b == Side::as_is ? b.row(k)[j] : b.row(j)[k]; };
  for (int k = 0; k < depth; k += 8) {
    Split<terms, 4> words_a;
#pragma unroll
    for (int i = 0; i < 4; ++i) words_a.set(i, of_a(row + group + i % 2 * 8, k + place + i / 2 * 4));
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      if (column + 8 * j >= columns) continue;
      Split<terms, 2> words_b;
#pragma unroll
      for (int i = 0; i < 2; ++i) words_b.set(i, of_b(k + place + i * 4, column + 8 * j + group));
      if constexpr (terms == 3) {
        mma_tf32(part.at[j], words_a.low, words_b.high);
        mma_tf32(part.at[j], words_a.high, words_b.low);
      }
      mma_tf32(part.at[j], words_a.high, words_b.high);
    }
  }
}

// Calls body(row, column) of each part of a (rows, columns) product that falls to this warp; all warps see the same
// parts.
template <class Body>
__device__ __forceinline__ void for_parts(int rows, int columns, const Body& body) {
  const int across = (columns + part_columns - 1) / part_columns, warps = blockDim.x / warp_size;
  for (int at = threadIdx.x / warp_size; at < rows / part_rows * across; at += warps)
    body(at / across * part_rows, at % across * part_columns);
}

}  // namespace patchkit::cuda
