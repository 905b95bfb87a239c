// JPEG to RGB through libjpeg-turbo, with Pillow's choices: islow DCT, fancy upsampling, and four components taken as
// Adobe's inverted CMYK, whatever the file says.
#include <csetjmp>
#include <cstdio>
#include <cstring>

#include <jerror.h>
#include <jpeglib.h>

#include "images/image.h"

namespace patchkit::images {
namespace {

// A progressive file may hold as many scans as it likes, each of which costs a pass over the image.
constexpr int kMostScans = 500;

struct Decoder {
  jpeg_decompress_struct info;
  jpeg_error_mgr errors;
  jpeg_source_mgr source;
  jpeg_progress_mgr progress;
  jmp_buf jump;
  Failure* failure;
  size_t length;
  uint8_t* pixels;  // (H, W, 3)
  uint8_t* row;     // one row of CMYK
};

Decoder& decoder_of(j_common_ptr info) { return *static_cast<Decoder*>(info->client_data); }

[[noreturn]] void on_error(j_common_ptr info) {
  Decoder& d = decoder_of(info);
  char message[JMSG_LENGTH_MAX];
  info->err->format_message(info, message);
  say(*d.failure, "is no JPEG that can be decoded: %s.", message);
  longjmp(d.jump, 1);
}

void no_output(j_common_ptr) {}

// The data is all there from the start; asking for more means that it ended early. The decoder is then suspended.
boolean no_more(j_decompress_ptr) { return FALSE; }

void skip(j_decompress_ptr info, long n) {
  if (n <= 0) return;
  size_t step =
      static_cast<size_t>(n) < info->src->bytes_in_buffer ? static_cast<size_t>(n) : info->src->bytes_in_buffer;
  info->src->next_input_byte += step;
  info->src->bytes_in_buffer -= step;
}

void nothing(j_decompress_ptr) {}

void on_progress(j_common_ptr info) {
  int scans = reinterpret_cast<j_decompress_ptr>(info)->input_scan_number;
  if (scans <= kMostScans) return;
  Decoder& d = decoder_of(info);
  say(*d.failure, "is a JPEG of more than %d scans, which no camera or program writes; save it again.", kMostScans);
  longjmp(d.jump, 1);
}

bool truncated(Decoder& d) {
  say(*d.failure, "is truncated: the JPEG ends after %zu bytes, before its image is complete.", d.length);
  return false;
}

// Pillow's CMYK to RGB, after undoing Adobe's inversion.
void rgb_of_inverted_cmyk(const uint8_t* in, uint8_t* out, int width) {
  for (int x = 0; x < width; x++, in += 4, out += 3) {
    int black = in[3];
    for (int c = 0; c < 3; c++) {
      int product = (255 - in[c]) * black + 128;
      int value = black - (((product >> 8) + product) >> 8);
      out[c] = static_cast<uint8_t>(value < 0 ? 0 : value);
    }
  }
}

// Everything between setjmp and its longjmp: no object here has a destructor, and all state is in `d`.
bool run(Decoder& d, const DecodeOptions& options, bool size_only, Pixels& out) {
  if (setjmp(d.jump)) return false;
  jpeg_decompress_struct* info = &d.info;
  jpeg_create_decompress(info);
  info->client_data = &d;
  info->src = &d.source;
  info->progress = &d.progress;

  if (jpeg_read_header(info, TRUE) == JPEG_SUSPENDED) return truncated(d);
  if (info->image_width == 0 || info->image_height == 0) {
    say(*d.failure, "is a JPEG of %u x %u pixels.", info->image_width, info->image_height);
    return false;
  }
  if (!size_allowed(info->image_width, info->image_height, options, *d.failure)) return false;
  bool cmyk = info->num_components == 4;
  if (info->num_components != 1 && info->num_components != 3 && !cmyk) {
    say(*d.failure, "is a JPEG of %d components; 1 (grey), 3 (colour) and 4 (CMYK) can be read.", info->num_components);
    return false;
  }
  info->out_color_space = cmyk ? JCS_CMYK : JCS_RGB;
  info->scale_num = 1;
  info->scale_denom = static_cast<unsigned>(options.scale);
  jpeg_calc_output_dimensions(info);
  out.width = static_cast<int>(info->output_width);
  out.height = static_cast<int>(info->output_height);
  if (size_only) return true;

  // A progressive file is read to its end here, before memory is taken for its pixels.
  if (!jpeg_start_decompress(info)) return truncated(d);

  size_t stride = static_cast<size_t>(out.width) * 3;
  d.pixels = static_cast<uint8_t*>(malloc(stride * out.height));
  if (cmyk) d.row = static_cast<uint8_t*>(malloc(static_cast<size_t>(out.width) * 4));
  if (!d.pixels || (cmyk && !d.row)) {
    say(*d.failure, "has %d x %d pixels, for which the machine has no memory left.", out.width, out.height);
    return false;
  }
  while (info->output_scanline < info->output_height) {
    uint8_t* to = d.pixels + stride * info->output_scanline;
    JSAMPROW line = cmyk ? d.row : to;
    if (jpeg_read_scanlines(info, &line, 1) != 1) return truncated(d);
    if (cmyk) rgb_of_inverted_cmyk(d.row, to, out.width);
  }
  return true;
}

}  // namespace

bool decode_jpeg(const uint8_t* bytes, size_t n, const DecodeOptions& options, bool size_only, Pixels& out,
                 Failure& failure) {
  Decoder d;
  memset(&d, 0, sizeof d);
  d.failure = &failure;
  d.length = n;
  d.info.err = jpeg_std_error(&d.errors);
  d.info.client_data = &d;
  d.errors.error_exit = on_error;
  d.errors.output_message = no_output;
  d.source.next_input_byte = bytes;
  d.source.bytes_in_buffer = n;
  d.source.init_source = nothing;
  d.source.fill_input_buffer = no_more;
  d.source.skip_input_data = skip;
  d.source.resync_to_restart = jpeg_resync_to_restart;
  d.source.term_source = nothing;
  d.progress.progress_monitor = on_progress;

  bool done = run(d, options, size_only, out);
  jpeg_destroy_decompress(&d.info);
  free(d.row);
  if (done)
    out.data = d.pixels;
  else
    free(d.pixels);
  return done;
}

}  // namespace patchkit::images
