// Pillow's resize (libImaging/Resample.c): separable, antialiased, each output pixel a weighted sum over the filter's
// support, which widens when shrinking. Weights are rounded to 22 bits and each pass to 8, so results equal Pillow's.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#ifdef __AVX2__
#include <immintrin.h>
#endif

#include "images/image.h"

namespace patchkit::images {
namespace {

constexpr int kPrecision = 32 - 8 - 2, kHalf = 1 << (kPrecision - 1);

typedef int32_t Four __attribute__((vector_size(16)));
typedef int32_t Eight __attribute__((vector_size(32)));
typedef uint8_t FourBytes __attribute__((vector_size(4)));
typedef uint8_t EightBytes __attribute__((vector_size(8)));

// Bytes to integers: gcc 12 takes __builtin_convertvector apart, element by element.
inline Four widen(uint32_t bytes) {
#ifdef __AVX2__
  return reinterpret_cast<Four>(_mm_cvtepu8_epi32(_mm_cvtsi32_si128(static_cast<int>(bytes))));
#else
  FourBytes four;
  memcpy(&four, &bytes, 4);
  return __builtin_convertvector(four, Four);
#endif
}

inline Eight widen(uint64_t bytes) {
#ifdef __AVX2__
  return reinterpret_cast<Eight>(_mm256_cvtepu8_epi32(_mm_cvtsi64_si128(static_cast<long long>(bytes))));
#else
  EightBytes eight;
  memcpy(&eight, &bytes, 8);
  return __builtin_convertvector(eight, Eight);
#endif
}

double bilinear(double x) {
  x = std::fabs(x);
  return x < 1 ? 1 - x : 0;
}

double bicubic(double x) {
  constexpr double a = -0.5;
  x = std::fabs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

// The weights of one direction: output i sums count[i] inputs from first[i].
struct Weights {
  int size = 0;
  std::vector<int> first, count;
  std::vector<int32_t> weight;  // (outputs, size)
};

Weights weights_of(int in_size, float from, float to, int out_size, Filter filter) {
  double scale = static_cast<double>(to - from) / out_size, filter_scale = std::max(scale, 1.0);
  double support = (filter == kBicubic ? 2.0 : 1.0) * filter_scale, step = 1.0 / filter_scale;
  Weights w;
  w.size = static_cast<int>(std::ceil(support)) * 2 + 1;
  w.first.resize(out_size);
  w.count.resize(out_size);
  w.weight.assign(static_cast<size_t>(out_size) * w.size, 0);
  std::vector<double> exact(w.size);
  for (int i = 0; i < out_size; i++) {
    double centre = from + (i + 0.5) * scale, sum = 0;
    int first = std::max(static_cast<int>(centre - support + 0.5), 0);
    int count = std::min(static_cast<int>(centre + support + 0.5), in_size) - first;
    for (int k = 0; k < count; k++) {
      double at = (k + first - centre + 0.5) * step;
      sum += exact[k] = filter == kBicubic ? bicubic(at) : bilinear(at);
    }
    for (int k = 0; k < count; k++) {
      double normal = sum != 0 ? exact[k] / sum : exact[k];
      w.weight[static_cast<size_t>(i) * w.size + k] = static_cast<int32_t>((normal < 0 ? -0.5 : 0.5) + normal * (1 << kPrecision));
    }
    w.first[i] = first;
    w.count[i] = count;
  }
  return w;
}

inline uint8_t clip(int32_t sum) {
  int32_t value = sum >> kPrecision;
  return static_cast<uint8_t>(value < 0 ? 0 : value > 255 ? 255 : value);
}

// A pixel as four bytes, of which the last is the next pixel's; at the image's very last pixel there is no next one.
template <bool last_row>
inline uint32_t load(const uint8_t* at, const uint8_t* end) {
  uint32_t bytes = 0;
  if (!last_row || at + 4 <= end) memcpy(&bytes, at, 4);
  else memcpy(&bytes, at, 3);
  return bytes;
}

template <bool last_row>
void across_row(const uint8_t* in, const uint8_t* end, const Weights& w, uint8_t* out, int out_width) {
  for (int x = 0; x < out_width; x++, out += 3) {
    const int32_t* weight = &w.weight[static_cast<size_t>(x) * w.size];
    const uint8_t* at = in + 3 * static_cast<int64_t>(w.first[x]);
    Four sum = {kHalf, kHalf, kHalf, 0};
    for (int k = 0; k < w.count[x]; k++, at += 3) sum += widen(load<last_row>(at, end)) * weight[k];
    out[0] = clip(sum[0]);
    out[1] = clip(sum[1]);
    out[2] = clip(sum[2]);
  }
}

// Two rows at once, which share their weights.
void across_two(const uint8_t* in, int64_t stride, const Weights& w, uint8_t* out, int out_width) {
  uint8_t* below = out + 3 * static_cast<int64_t>(out_width);
  for (int x = 0; x < out_width; x++, out += 3, below += 3) {
    const int32_t* weight = &w.weight[static_cast<size_t>(x) * w.size];
    const uint8_t* at = in + 3 * static_cast<int64_t>(w.first[x]);
    Eight sum = {kHalf, kHalf, kHalf, 0, kHalf, kHalf, kHalf, 0};
    for (int k = 0; k < w.count[x]; k++, at += 3) {
      uint32_t above, below_it;
      memcpy(&above, at, 4);
      memcpy(&below_it, at + stride, 4);
      sum += widen(above | static_cast<uint64_t>(below_it) << 32) * weight[k];
    }
    for (int c = 0; c < 3; c++) out[c] = clip(sum[c]), below[c] = clip(sum[4 + c]);
  }
}

// (rows, in_width, 3) -> (rows, out_width, 3); the image's bytes end at `end`.
void across(const uint8_t* in, int64_t stride, int rows, const uint8_t* end, const Weights& w, int in_width, uint8_t* out, int out_width) {
  int64_t row_bytes = 3 * static_cast<int64_t>(out_width);
  for (int y = 0; y < rows;) {
    const uint8_t* row = in + stride * y;
    uint8_t* to = out + row_bytes * y;
    // The row's last pixel is read with the byte that follows it.
    auto last = [&](const uint8_t* at) { return at + 3 * static_cast<int64_t>(in_width) + 1 > end; };
    if (y + 1 < rows && !last(row + stride)) {
      across_two(row, stride, w, to, out_width);
      y += 2;
    } else {
      if (last(row)) across_row<true>(row, end, w, to, out_width);
      else across_row<false>(row, end, w, to, out_width);
      y++;
    }
  }
}

// (in_rows, row bytes) -> (out_rows, row bytes), in columns of 32 bytes whose sums stay in registers.
void down(const uint8_t* in, int64_t stride, int row_bytes, const Weights& w, int shift, uint8_t* out, int out_rows) {
  constexpr int kColumn = 32;
  for (int y = 0; y < out_rows; y++, out += row_bytes) {
    const int32_t* weight = &w.weight[static_cast<size_t>(y) * w.size];
    const uint8_t* rows = in + stride * (w.first[y] - shift);
    int x = 0;
    for (; x + kColumn <= row_bytes; x += kColumn) {
      int32_t sum[kColumn];
      for (int i = 0; i < kColumn; i++) sum[i] = kHalf;
      const uint8_t* row = rows + x;
      for (int k = 0; k < w.count[y]; k++, row += stride) {
        int32_t factor = weight[k];
        for (int i = 0; i < kColumn; i++) sum[i] += row[i] * factor;
      }
      for (int i = 0; i < kColumn; i++) out[x + i] = clip(sum[i]);
    }
    for (; x < row_bytes; x++) {
      int32_t sum = kHalf;
      const uint8_t* row = rows + x;
      for (int k = 0; k < w.count[y]; k++, row += stride) sum += *row * weight[k];
      out[x] = clip(sum);
    }
  }
}

}  // namespace

bool resize(const uint8_t* in, int width, int height, int64_t stride, const float box[4], uint8_t* out, int out_width,
            int out_height, Filter filter, Failure& failure) {
  if (filter != kBilinear && filter != kBicubic) {
    say(failure, "cannot be resized with filter %d; bilinear is 2 and bicubic 3.", static_cast<int>(filter));
    return false;
  }
  if (width < 1 || height < 1 || out_width < 1 || out_height < 1 ||
      !(box[0] >= 0 && box[1] >= 0 && box[2] <= width && box[3] <= height && box[0] < box[2] && box[1] < box[3])) {
    say(failure, "cannot be resized: the box (%g, %g, %g, %g) of %d x %d pixels to %d x %d.", box[0], box[1], box[2], box[3], width, height, out_width, out_height);
    return false;
  }
  const uint8_t* end = in + stride * (height - 1) + 3 * static_cast<int64_t>(width);
  bool horizontal = out_width != width || box[0] != 0 || box[2] != static_cast<float>(out_width);
  bool vertical = out_height != height || box[1] != 0 || box[3] != static_cast<float>(out_height);
  int row_bytes = 3 * out_width;
  if (!vertical) {
    if (horizontal) across(in, stride, height, end, weights_of(width, box[0], box[2], out_width, filter), width, out, out_width);
    else
      for (int y = 0; y < height; y++) memcpy(out + static_cast<size_t>(row_bytes) * y, in + stride * y, row_bytes);
    return true;
  }
  Weights rows = weights_of(height, box[1], box[3], out_height, filter);
  if (!horizontal) {
    down(in, stride, row_bytes, rows, 0, out, out_height);
    return true;
  }
  // Only the rows that the second pass reads.
  int first = rows.first.front(), last = rows.first.back() + rows.count.back();
  std::vector<uint8_t> between(static_cast<size_t>(row_bytes) * (last - first));
  across(in + stride * first, stride, last - first, end, weights_of(width, box[0], box[2], out_width, filter), width, between.data(), out_width);
  down(between.data(), row_bytes, row_bytes, rows, first, out, out_height);
  return true;
}

}  // namespace patchkit::images
