// The C functions of the image codecs, for any thread. No exception and no longjmp crosses them: a function that can
// fail returns -1 and leaves a sentence, without its subject, for pk_image_error() on the same thread.
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>

#include "api/abi.h"
#include "images/image.h"

namespace patchkit::images {
namespace {

thread_local Failure last;

constexpr int kLongestSide = 65535;

enum class Format { unknown, jpeg, png };

Format format_of(const uint8_t* bytes, int64_t n) {
  static const uint8_t png[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  if (n >= 8 && memcmp(bytes, png, 8) == 0) return Format::png;
  if (n >= 3 && bytes[0] == 0xff && bytes[1] == 0xd8 && bytes[2] == 0xff) return Format::jpeg;
  return Format::unknown;
}

bool options_allowed(const DecodeOptions& options) {
  if (options.scale == 1 || options.scale == 2 || options.scale == 4 || options.scale == 8) return true;
  say(last, "cannot be decoded at 1/%d of its size; 1, 1/2, 1/4 and 1/8 are possible.", options.scale);
  return false;
}

bool decode(const uint8_t* bytes, int64_t n, const DecodeOptions& options, bool size_only, Pixels& out) {
  memset(&out, 0, sizeof out);
  last.text[0] = 0;
  if (!options_allowed(options)) return false;
  size_t length = n < 0 ? 0 : static_cast<size_t>(n);
  int orientation = 1;
  switch (format_of(bytes, n)) {
    case Format::jpeg:
      if (!decode_jpeg(bytes, length, options, size_only, out, last)) return false;
      if (options.orientation) orientation = jpeg_orientation(bytes, length);
      break;
    case Format::png:
      if (!decode_png(bytes, length, options, size_only, out, last)) return false;
      if (options.orientation) orientation = png_orientation(bytes, length);
      break;
    default:
      if (n <= 0)
        say(last, "is empty (0 bytes).");
      else
        say(last, "is neither a JPEG nor a PNG: it begins with the bytes %02x %02x %02x %02x.", bytes[0],
            n > 1 ? bytes[1] : 0, n > 2 ? bytes[2] : 0, n > 3 ? bytes[3] : 0);
      return false;
  }
  if (size_only) {
    if (orientation >= 5) {
      int32_t width = out.width;
      out.width = out.height;
      out.height = width;
    }
    return true;
  }
  if (apply_orientation(out, orientation, last)) return true;
  free(out.data);
  out.data = nullptr;
  return false;
}

// Runs a body that returns whether it succeeded.
template <class Body>
int guarded(Body&& body) noexcept {
  try {
    return body() ? 0 : -1;
  } catch (const std::bad_alloc&) {
    say(last, "needs more memory than the machine has left.");
  } catch (const std::exception& e) {
    say(last, "cannot be processed: %s.", e.what());
  } catch (...) {
    say(last, "cannot be processed.");
  }
  return -1;
}

}  // namespace

void say(Failure& failure, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(failure.text, sizeof failure.text, format, arguments);
  va_end(arguments);
}

bool size_allowed(int64_t width, int64_t height, const DecodeOptions& options, Failure& failure) {
  if (width > kLongestSide || height > kLongestSide || width * height > options.max_pixels) {
    say(failure, "says that it has %lld x %lld pixels; at most %lld, and %d a side, are decoded.",
        static_cast<long long>(width), static_cast<long long>(height), static_cast<long long>(options.max_pixels),
        kLongestSide);
    return false;
  }
  return true;
}

}  // namespace patchkit::images

using namespace patchkit::images;

// The thread's last failure, as what a file "is" or "has".
PK_API const char* pk_image_error() { return last.text; }

// The size after turning, from the header alone; data stays null.
PK_API int pk_image_size(const uint8_t* bytes, int64_t n, const DecodeOptions* options, Pixels* out) {
  return guarded([&] { return decode(bytes, n, *options, true, *out); });
}

// Decodes to RGB; free the pixels with pk_image_free.
PK_API int pk_image_decode(const uint8_t* bytes, int64_t n, const DecodeOptions* options, Pixels* out) {
  return guarded([&] { return decode(bytes, n, *options, false, *out); });
}

// Pillow's resize of a box of an image whose rows are `stride` bytes apart, to (out_height, out_width, 3).
PK_API int pk_image_resize(const uint8_t* in, int width, int height, int64_t stride, const float* box, uint8_t* out,
                           int out_width, int out_height, int filter) {
  return guarded([&] {
    return resize(in, width, height, stride, box, out, out_width, out_height, static_cast<Filter>(filter), last);
  });
}

// A PNG of 1 (grey) or 3 (RGB) channels; free its bytes with pk_image_free.
PK_API int pk_image_encode_png(const uint8_t* pixels, int width, int height, int channels, int level, uint8_t** out,
                               int64_t* length) {
  return guarded([&] { return encode_png(pixels, width, height, channels, level, out, length, last); });
}

PK_API void pk_image_free(void* memory) { free(memory); }
