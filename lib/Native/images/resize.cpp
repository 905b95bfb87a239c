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

// The weights of one direction: output i sums count[i] inputs from first[i]; its further weights are 0.
struct Weights {
  int size = 0;  // a multiple of 4
  std::vector<int> first, count;
  std::vector<int32_t> weight;  // (outputs, size)
};

Weights weights_of(int in_size, float from, float to, int out_size, Filter filter) {
  double scale = static_cast<double>(to - from) / out_size, filter_scale = std::max(scale, 1.0);
  double support = (filter == kBicubic ? 2.0 : 1.0) * filter_scale, step = 1.0 / filter_scale;
  Weights w;
  w.size = (static_cast<int>(std::ceil(support)) * 2 + 4) / 4 * 4;
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
      w.weight[static_cast<size_t>(i) * w.size + k] =
          static_cast<int32_t>((normal < 0 ? -0.5 : 0.5) + normal * (1 << kPrecision));
    }
    w.first[i] = first;
    w.count[i] = count;
  }
  return w;
}

constexpr int kColumn = 32;  // bytes of a row that are summed at once, in registers

inline uint8_t clip(int32_t sum) {
  int32_t value = sum >> kPrecision;
  return static_cast<uint8_t>(value < 0 ? 0 : value > 255 ? 255 : value);
}

#ifdef __AVX2__

// vpmaddwd multiplies 16-bit numbers and adds neighbours, so it takes two taps at once. A weight has 24 bits: it goes
// as high * 2^11 + low, and sums wrap around to what 32-bit arithmetic gives.
constexpr int kLowBits = 11;

inline int high_pair(const int32_t* weight) {
  return (weight[0] >> kLowBits & 0xffff) | (weight[1] >> kLowBits) * 65536;
}
inline int low_pair(const int32_t* weight) {
  return (weight[0] & ((1 << kLowBits) - 1)) | (weight[1] & ((1 << kLowBits) - 1)) << 16;
}

// Weights 0 and 1 for the lower half, 2 and 3 for the upper one.
inline __m256i halves(int lower, int upper) {
  return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_set1_epi32(lower)), _mm_set1_epi32(upper), 1);
}

inline __m256i value(__m256i high, __m256i low) {
  return _mm256_srai_epi32(
      _mm256_add_epi32(_mm256_add_epi32(_mm256_slli_epi32(high, kLowBits), low), _mm256_set1_epi32(kHalf)), kPrecision);
}

// The sums of both halves as red, green, blue and a fourth number that means nothing.
inline __m128i pixel(__m256i high, __m256i low) {
  __m256i sum = _mm256_add_epi32(_mm256_slli_epi32(high, kLowBits), low);
  __m128i whole = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
  return _mm_srai_epi32(_mm_add_epi32(whole, _mm_set1_epi32(kHalf)), kPrecision);
}

constexpr int kRows = 4;  // rows at once, which share their weights

// A pixel is written as four bytes: `out` has room for one more byte after each row.
void across_rows(const uint8_t* const in[kRows], const Weights& w, uint8_t* out, int64_t out_stride, int out_width) {
  // clang-format off
  const __m256i pairs = _mm256_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1,
                                         6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1);
  // clang-format on
  for (int x = 0; x < out_width; x++) {
    const int32_t* weight = &w.weight[static_cast<size_t>(x) * w.size];
    int64_t at = 3 * static_cast<int64_t>(w.first[x]);
    __m256i high[kRows] = {}, low[kRows] = {};
    for (int k = 0; k < w.count[x]; k += 4, at += 12) {
      __m256i h = halves(high_pair(weight + k), high_pair(weight + k + 2)),
              l = halves(low_pair(weight + k), low_pair(weight + k + 2));
      for (int r = 0; r < kRows; r++) {
        __m256i four = _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(in[r] + at)));
        __m256i taps = _mm256_shuffle_epi8(four, pairs);
        high[r] = _mm256_add_epi32(high[r], _mm256_madd_epi16(taps, h));
        low[r] = _mm256_add_epi32(low[r], _mm256_madd_epi16(taps, l));
      }
    }
    __m128i upper = _mm_packs_epi32(pixel(high[0], low[0]), pixel(high[1], low[1]));
    __m128i lower = _mm_packs_epi32(pixel(high[2], low[2]), pixel(high[3], low[3]));
    uint32_t pixels[kRows];
    _mm_storeu_si128(reinterpret_cast<__m128i*>(pixels), _mm_packus_epi16(upper, lower));
    for (int r = 0; r < kRows; r++) memcpy(out + out_stride * r + 3 * static_cast<int64_t>(x), &pixels[r], 4);
  }
}

// (rows, in_width, 3) -> (rows rounded up to a multiple of kRows, out_width, 3); the image's bytes end at `end`.
void across(const uint8_t* in, int64_t stride, int rows, const uint8_t* end, const Weights& w, uint8_t* out,
            int64_t out_stride, int out_width) {
  // How far into a row 16 bytes are read for the last four taps of an output.
  int64_t reach = 0;
  for (int x = 0; x < out_width; x++)
    reach = std::max<int64_t>(reach, 3 * static_cast<int64_t>(w.first[x]) + (w.count[x] + 3) / 4 * 12 + 4);
  std::vector<uint8_t> last;  // rows that end too close to the image's end, copied to where there is room
  for (int y = 0; y < rows; y += kRows, out += out_stride * kRows) {
    const uint8_t* block[kRows];
    for (int r = 0; r < kRows; r++) {
      const uint8_t* row = in + stride * std::min(y + r, rows - 1);
      if (row + reach > end) {
        last.resize(kRows * reach);
        uint8_t* copy = &last[reach * r];
        memcpy(copy, row, std::min<int64_t>(reach, end - row));
        row = copy;
      }
      block[r] = row;
    }
    across_rows(block, w, out, out_stride, out_width);
  }
}

inline void down_column(const uint8_t* rows, int64_t stride, const int32_t* weight, int count, uint8_t* out) {
  __m256i high[4] = {}, low[4] = {};
  const __m256i zero = _mm256_setzero_si256();
  for (int k = 0; k < count; k += 2, rows += 2 * stride) {
    const uint8_t* next = k + 1 < count ? rows + stride : rows;
    __m256i h = _mm256_set1_epi32(high_pair(weight + k)), l = _mm256_set1_epi32(low_pair(weight + k));
    __m256i a = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(rows)),
            b = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(next));
    __m256i left = _mm256_unpacklo_epi8(a, b), right = _mm256_unpackhi_epi8(a, b);
    __m256i taps[4] = {_mm256_unpacklo_epi8(left, zero), _mm256_unpackhi_epi8(left, zero),
                       _mm256_unpacklo_epi8(right, zero), _mm256_unpackhi_epi8(right, zero)};
    for (int i = 0; i < 4; i++) {
      high[i] = _mm256_add_epi32(high[i], _mm256_madd_epi16(taps[i], h));
      low[i] = _mm256_add_epi32(low[i], _mm256_madd_epi16(taps[i], l));
    }
  }
  __m256i left = _mm256_packs_epi32(value(high[0], low[0]), value(high[1], low[1])),
          right = _mm256_packs_epi32(value(high[2], low[2]), value(high[3], low[3]));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), _mm256_packus_epi16(left, right));
}

#else

constexpr int kRows = 1;

void across(const uint8_t* in, int64_t stride, int rows, const uint8_t*, const Weights& w, uint8_t* out,
            int64_t out_stride, int out_width) {
  for (int y = 0; y < rows; y++, in += stride, out += out_stride) {
    for (int x = 0; x < out_width; x++) {
      const int32_t* weight = &w.weight[static_cast<size_t>(x) * w.size];
      const uint8_t* at = in + 3 * static_cast<int64_t>(w.first[x]);
      int32_t sum[3] = {kHalf, kHalf, kHalf};
      for (int k = 0; k < w.count[x]; k++, at += 3)
        for (int c = 0; c < 3; c++) sum[c] += at[c] * weight[k];
      for (int c = 0; c < 3; c++) out[3 * x + c] = clip(sum[c]);
    }
  }
}

inline void down_column(const uint8_t* rows, int64_t stride, const int32_t* weight, int count, uint8_t* out) {
  int32_t sum[kColumn];
  for (int i = 0; i < kColumn; i++) sum[i] = kHalf;
  for (int k = 0; k < count; k++, rows += stride)
    for (int i = 0; i < kColumn; i++) sum[i] += rows[i] * weight[k];
  for (int i = 0; i < kColumn; i++) out[i] = clip(sum[i]);
}

#endif

// (in_rows, row bytes) -> (out_rows, row bytes).
void down(const uint8_t* in, int64_t stride, int row_bytes, const Weights& w, int shift, uint8_t* out, int out_rows) {
  for (int y = 0; y < out_rows; y++, out += row_bytes) {
    const int32_t* weight = &w.weight[static_cast<size_t>(y) * w.size];
    const uint8_t* rows = in + stride * (w.first[y] - shift);
    int x = 0;
    for (; x + kColumn <= row_bytes; x += kColumn) down_column(rows + x, stride, weight, w.count[y], out + x);
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
    say(failure, "cannot be resized: the box (%g, %g, %g, %g) of %d x %d pixels to %d x %d.", box[0], box[1], box[2],
        box[3], width, height, out_width, out_height);
    return false;
  }
  const uint8_t* end = in + stride * (height - 1) + 3 * static_cast<int64_t>(width);
  bool horizontal = out_width != width || box[0] != 0 || box[2] != static_cast<float>(out_width);
  bool vertical = out_height != height || box[1] != 0 || box[3] != static_cast<float>(out_height);
  int row_bytes = 3 * out_width;
  if (!horizontal && !vertical) {
    for (int y = 0; y < height; y++) memcpy(out + static_cast<size_t>(row_bytes) * y, in + stride * y, row_bytes);
    return true;
  }
  Weights rows;
  int first = 0, last = height;  // the rows that the second pass reads
  if (vertical) {
    rows = weights_of(height, box[1], box[3], out_height, filter);
    first = rows.first.front(), last = rows.first.back() + rows.count.back();
  }
  if (!horizontal) {
    down(in, stride, row_bytes, rows, 0, out, out_height);
    return true;
  }
  int64_t between_stride = row_bytes + 1;
  std::vector<uint8_t> between(between_stride * ((last - first + kRows - 1) / kRows * kRows));
  across(in + stride * first, stride, last - first, end, weights_of(width, box[0], box[2], out_width, filter),
         between.data(), between_stride, out_width);
  if (vertical) {
    down(between.data(), between_stride, row_bytes, rows, first, out, out_height);
  } else {
    for (int y = 0; y < height; y++)
      memcpy(out + static_cast<size_t>(row_bytes) * y, &between[between_stride * y], row_bytes);
  }
  return true;
}

}  // namespace patchkit::images
