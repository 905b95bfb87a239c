#pragma once

// Dense blocks that sit in cache: products in register tiles, transposes, scaled rows.

#include "simd.h"

namespace patchkit::kernels {

// The widest tile: enough accumulators to hide the latency of two multiply-adds per cycle, and registers to spare for
// one row of the right factor.
#if defined(__AVX512F__)
inline constexpr int tile_rows = 8;  // 8 x 2 accumulators of 32 registers
#else
inline constexpr int tile_rows = 4;  // 4 x 2 accumulators of 16 registers
#endif
inline constexpr int tile_vectors = 2;

// Packed matrices have their sides rounded up to this, so that neither tiles nor transposes meet an edge.
template <class T>
inline constexpr int side_multiple = lanes<T> > tile_rows ? lanes<T> : tile_rows;

template <class T>
constexpr int64_t padded(int64_t side) {
  return (side + side_multiple<T> - 1) / side_multiple<T> * side_multiple<T>;
}

// ---------------------------------------------------------------- register tiles

// Rows x Vectors accumulators.
template <class T, int Rows, int Vectors>
struct Tile {
  static constexpr int rows = Rows, vectors = Vectors;
  Vector<T> at[Rows][Vectors];
};

// The left factor of a product, element (row, k): rows contiguous in k, or k-th rows contiguous in `row`.
template <class T>
struct RowMajor {
  const T* data;
  int64_t stride;
  T operator()(int64_t row, int64_t k) const { return data[row * stride + k]; }
  RowMajor from_row(int64_t row) const { return {data + row * stride, stride}; }
};
template <class T>
struct ColumnMajor {
  const T* data;
  int64_t stride;
  T operator()(int64_t row, int64_t k) const { return data[k * stride + row]; }
  ColumnMajor from_row(int64_t row) const { return {data + row, stride}; }
};

// tile += left (Rows, depth) . right (depth, Vectors * lanes)
template <class T, int Rows, int Vectors, class Left>
[[gnu::always_inline]] inline void multiply_add(Tile<T, Rows, Vectors>& tile, Left left, const T* right,
                                                int64_t right_stride, int64_t depth) {
  Tile<T, Rows, Vectors> sum = tile;
  for (int64_t k = 0; k < depth; ++k) {
    Vector<T> row[Vectors];
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) row[v] = load(right + k * right_stride + v * lanes<T>);
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) {
      const T factor = left(r, k);
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; ++v) sum.at[r][v] += factor * row[v];
    }
  }
  tile = sum;
}

// visit(row, column, value&) over the registers of a tile.
template <class T, int Rows, int Vectors, class Visit>
[[gnu::always_inline]] inline void each_register(Tile<T, Rows, Vectors>& tile, Visit visit) {
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) visit(r, v * lanes<T>, tile.at[r][v]);
}

// body(Tile of zeros, first row, first column) over a padded (rows, columns) matrix, columns outermost so that
// the right factor's panel stays in the first-level cache.
template <class T, int Vectors = tile_vectors, class Body>
void for_tiles(int64_t rows, int64_t columns, const Body& body, int64_t column = 0) {
  for (; column + Vectors * lanes<T> <= columns; column += Vectors * lanes<T>)
    for (int64_t row = 0; row < rows; row += tile_rows) body(Tile<T, tile_rows, Vectors>{}, row, column);
  if constexpr (Vectors > 1) for_tiles<T, Vectors - 1>(rows, columns, body, column);
}

namespace detail {

// All rows of one panel of columns; rows left over are taken by ever shorter tiles.
template <bool accumulate, int Rows, int Vectors, class T, class Left>
[[gnu::always_inline]] inline void product_panel(int64_t rows, int64_t depth, Left left, const T* right,
                                                 int64_t right_stride, T* out, int64_t out_stride) {
  int64_t i = 0;
  for (; i + Rows <= rows; i += Rows) {
    T* corner = out + i * out_stride;
    Tile<T, Rows, Vectors> tile{};
    if constexpr (accumulate)
      each_register(tile, [&](int r, int column, Vector<T>& value) { value = load(corner + r * out_stride + column); });
    multiply_add(tile, left.from_row(i), right, right_stride, depth);
    each_register(tile, [&](int r, int column, Vector<T>& value) { store(corner + r * out_stride + column, value); });
  }
  if constexpr (Rows > 1)
    product_panel<accumulate, Rows / 2, Vectors>(rows - i, depth, left.from_row(i), right, right_stride,
                                                 out + i * out_stride, out_stride);
}

}  // namespace detail

// out (rows, columns) (+)= left (rows, depth) . right (depth, columns) for any number of rows; columns are padded.
template <bool accumulate, class T, class Left>
[[gnu::always_inline]] inline void tile_product(int64_t rows, int64_t columns, int64_t depth, Left left, const T* right,
                                                int64_t right_stride, T* out, int64_t out_stride) {
  constexpr int64_t width = tile_vectors * lanes<T>;
  int64_t j = 0;
  for (; j + width <= columns; j += width)
    detail::product_panel<accumulate, tile_rows, tile_vectors>(rows, depth, left, right + j, right_stride, out + j,
                                                               out_stride);
  for (; j < columns; j += lanes<T>)
    detail::product_panel<accumulate, tile_rows, 1>(rows, depth, left, right + j, right_stride, out + j, out_stride);
}

// ---------------------------------------------------------------- rows and columns

// to (rows, stride) = factors (rows) * from; both may be one.
template <class T>
void scale_rows(const T* factors, const T* from, int64_t rows, int64_t stride, T* to) {
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < stride; j += lanes<T>) store(to + i * stride + j, factors[i] * load(from + i * stride + j));
}

namespace detail {

template <class T, int... I>
inline Vector<T> interleave_low(Vector<T> a, Vector<T> b, std::integer_sequence<int, I...>) {
  return __builtin_shufflevector(a, b, (I / 2 + I % 2 * lanes<T>)...);
}

template <class T, int... I>
inline Vector<T> interleave_high(Vector<T> a, Vector<T> b, std::integer_sequence<int, I...>) {
  return __builtin_shufflevector(a, b, (lanes<T> / 2 + I / 2 + I % 2 * lanes<T>)...);
}

// A square of lanes x lanes: log2(lanes) perfect shuffles of the rows are a transpose.
template <class T>
inline void transpose_square(const T* from, int64_t from_stride, T* to, int64_t to_stride) {
  constexpr int side = lanes<T>;
  constexpr auto index = std::make_integer_sequence<int, side>{};
  Vector<T> rows[side];
#pragma GCC unroll 16
  for (int i = 0; i < side; ++i) rows[i] = load(from + i * from_stride);
#pragma GCC unroll 4
  for (int round = 1; round < side; round *= 2) {
    Vector<T> shuffled[side];
#pragma GCC unroll 8
    for (int i = 0; i < side / 2; ++i) {
      shuffled[2 * i] = interleave_low<T>(rows[i], rows[i + side / 2], index);
      shuffled[2 * i + 1] = interleave_high<T>(rows[i], rows[i + side / 2], index);
    }
#pragma GCC unroll 16
    for (int i = 0; i < side; ++i) rows[i] = shuffled[i];
  }
#pragma GCC unroll 16
  for (int i = 0; i < side; ++i) store(to + i * to_stride, rows[i]);
}

}  // namespace detail

// (rows, columns) -> (columns, rows); both sides padded.
template <class T>
inline void transpose(const T* from, int64_t from_stride, T* to, int64_t to_stride, int64_t rows, int64_t columns) {
  for (int64_t i = 0; i < rows; i += lanes<T>)
    for (int64_t j = 0; j < columns; j += lanes<T>)
      detail::transpose_square(from + i * from_stride + j, from_stride, to + j * to_stride + i, to_stride);
}

}  // namespace patchkit::kernels
