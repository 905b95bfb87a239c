// PNG to RGB and back through libpng. Grey, palette, alpha and 16 bits as Pillow's convert("RGB") has them: alpha is
// dropped, not blended; colours of 16 bits keep their high byte. So does grey of 16 bits, which Pillow clips at 255.
#include <csetjmp>
#include <cstdio>
#include <cstring>

#include <png.h>

#include "images/image.h"

namespace patchkit::images {
namespace {

constexpr int64_t kBestDeflate = 1032;  // deflate packs at most this many bytes into one

struct Reader {
  png_structp png;
  png_infop info;
  jmp_buf jump;
  Failure* failure;
  const uint8_t* bytes;
  size_t length, at;
  uint8_t* pixels;  // (H, W, 3)
  uint8_t* raw;     // the file's own samples
  png_bytepp rows;
};

[[noreturn]] void on_read_error(png_structp png, png_const_charp message) {
  Reader& r = *static_cast<Reader*>(png_get_error_ptr(png));
  if (r.failure->text[0] == 0) say(*r.failure, "is no PNG that can be decoded: %s.", message);
  longjmp(r.jump, 1);
}

void no_warning(png_structp, png_const_charp) {}

void read(png_structp png, png_bytep out, size_t n) {
  Reader& r = *static_cast<Reader*>(png_get_io_ptr(png));
  if (n > r.length - r.at) {
    say(*r.failure, "is truncated: the PNG ends after %zu bytes, before its image is complete.", r.length);
    png_error(png, "truncated");
  }
  memcpy(out, r.bytes + r.at, n);
  r.at += n;
}

// One row of the file's samples, 8 or 16 bits each (less than 8 are unpacked to a byte), to RGB.
void rgb_row(const uint8_t* in, uint8_t* out, int width, int depth, int colour, png_const_colorp palette, int colours) {
  bool wide = depth == 16;
  switch (colour) {
    case PNG_COLOR_TYPE_PALETTE:
      for (int x = 0; x < width; x++, out += 3) {
        int i = in[x];
        if (i < colours)
          out[0] = palette[i].red, out[1] = palette[i].green, out[2] = palette[i].blue;
        else
          out[0] = out[1] = out[2] = static_cast<uint8_t>(i);
      }
      break;
    case PNG_COLOR_TYPE_GRAY: {
      int scale = depth < 8 ? 255 / ((1 << depth) - 1) : 1;
      for (int x = 0; x < width; x++, out += 3) {
        int value = wide ? in[2 * x] : in[x] * scale;
        out[0] = out[1] = out[2] = static_cast<uint8_t>(value);
      }
      break;
    }
    case PNG_COLOR_TYPE_GRAY_ALPHA:
      for (int x = 0; x < width; x++, out += 3) out[0] = out[1] = out[2] = in[wide ? 4 * x : 2 * x];
      break;
    default: {
      int step = (colour == PNG_COLOR_TYPE_RGB_ALPHA ? 4 : 3) * (wide ? 2 : 1), sample = wide ? 2 : 1;
      for (int x = 0; x < width; x++, in += step, out += 3)
        out[0] = in[0], out[1] = in[sample], out[2] = in[2 * sample];
    }
  }
}

// Everything between setjmp and its longjmp: no object here has a destructor, and all state is in `r`.
bool run(Reader& r, const DecodeOptions& options, bool size_only, Pixels& out) {
  if (setjmp(r.jump)) return false;
  r.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &r, on_read_error, no_warning);
  if (r.png) r.info = png_create_info_struct(r.png);
  if (!r.info) {
    say(*r.failure, "cannot be decoded: the machine has no memory left.");
    return false;
  }
  png_set_user_limits(r.png, 0x7fffffff, 0x7fffffff);  // size_allowed has the sentence
  png_set_chunk_cache_max(r.png, 256);
  png_set_chunk_malloc_max(r.png, 8 << 20);
  png_set_read_fn(r.png, &r, read);
  png_read_info(r.png, r.info);

  int64_t width = png_get_image_width(r.png, r.info), height = png_get_image_height(r.png, r.info);
  if (!size_allowed(width, height, options, *r.failure)) return false;
  int depth = png_get_bit_depth(r.png, r.info), colour = png_get_color_type(r.png, r.info);
  out.width = static_cast<int>(width);
  out.height = static_cast<int>(height);
  if (size_only) return true;

  png_colorp palette = nullptr;
  int colours = 0;
  if (colour == PNG_COLOR_TYPE_PALETTE) png_get_PLTE(r.png, r.info, &palette, &colours);
  int64_t packed = static_cast<int64_t>(png_get_rowbytes(r.png, r.info)) * height;
  if (packed / kBestDeflate > static_cast<int64_t>(r.length)) {
    say(*r.failure, "is truncated: the PNG has %zu bytes, too few for %lld x %lld pixels.", r.length,
        static_cast<long long>(width), static_cast<long long>(height));
    return false;
  }
  png_set_packing(r.png);
  png_set_interlace_handling(r.png);
  png_read_update_info(r.png, r.info);
  size_t stride = png_get_rowbytes(r.png, r.info);
  r.pixels = static_cast<uint8_t*>(malloc(static_cast<size_t>(width) * height * 3));
  r.raw = static_cast<uint8_t*>(malloc(stride * height));
  r.rows = static_cast<png_bytepp>(malloc(sizeof(png_bytep) * height));
  if (!r.pixels || !r.raw || !r.rows) {
    say(*r.failure, "has %d x %d pixels, for which the machine has no memory left.", out.width, out.height);
    return false;
  }
  for (int64_t y = 0; y < height; y++) r.rows[y] = r.raw + stride * y;
  png_read_image(r.png, r.rows);
  for (int64_t y = 0; y < height; y++)
    rgb_row(r.rows[y], r.pixels + 3 * width * y, out.width, depth, colour, palette, colours);
  return true;
}

struct Writer {
  png_structp png;
  png_infop info;
  jmp_buf jump;
  Failure* failure;
  uint8_t* bytes;
  size_t length, capacity;
};

[[noreturn]] void on_write_error(png_structp png, png_const_charp message) {
  Writer& w = *static_cast<Writer*>(png_get_error_ptr(png));
  say(*w.failure, "cannot be written as PNG: %s.", message);
  longjmp(w.jump, 1);
}

void write(png_structp png, png_bytep in, size_t n) {
  Writer& w = *static_cast<Writer*>(png_get_io_ptr(png));
  if (w.length + n > w.capacity) {
    size_t capacity = 2 * (w.length + n) + 4096;
    uint8_t* grown = static_cast<uint8_t*>(realloc(w.bytes, capacity));
    if (!grown) png_error(png, "the machine has no memory left");
    w.bytes = grown;
    w.capacity = capacity;
  }
  memcpy(w.bytes + w.length, in, n);
  w.length += n;
}

void no_flush(png_structp) {}

bool run(Writer& w, const uint8_t* pixels, int width, int height, int channels, int level) {
  if (setjmp(w.jump)) return false;
  w.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &w, on_write_error, no_warning);
  if (w.png) w.info = png_create_info_struct(w.png);
  if (!w.info) {
    say(*w.failure, "cannot be written as PNG: the machine has no memory left.");
    return false;
  }
  png_set_write_fn(w.png, &w, write, no_flush);
  png_set_compression_level(w.png, level);
  png_set_IHDR(w.png, w.info, width, height, 8, channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB,
               PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(w.png, w.info);
  for (int y = 0; y < height; y++) png_write_row(w.png, pixels + static_cast<size_t>(width) * channels * y);
  png_write_end(w.png, w.info);
  return true;
}

}  // namespace

bool decode_png(const uint8_t* bytes, size_t n, const DecodeOptions& options, bool size_only, Pixels& out,
                Failure& failure) {
  Reader r;
  memset(&r, 0, sizeof r);
  r.failure = &failure;
  r.bytes = bytes;
  r.length = n;
  bool done = run(r, options, size_only, out);
  if (r.png) png_destroy_read_struct(&r.png, r.info ? &r.info : nullptr, nullptr);
  free(r.rows);
  free(r.raw);
  if (done)
    out.data = r.pixels;
  else
    free(r.pixels);
  return done;
}

bool encode_png(const uint8_t* pixels, int width, int height, int channels, int level, uint8_t** out, int64_t* length,
                Failure& failure) {
  Writer w;
  memset(&w, 0, sizeof w);
  w.failure = &failure;
  bool done = run(w, pixels, width, height, channels, level);
  if (w.png) png_destroy_write_struct(&w.png, w.info ? &w.info : nullptr);
  if (!done) {
    free(w.bytes);
    return false;
  }
  *out = w.bytes;
  *length = static_cast<int64_t>(w.length);
  return true;
}

}  // namespace patchkit::images
