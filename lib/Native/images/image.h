// What the image files of this folder share: decoding JPEG and PNG from memory, turning, resizing, encoding.
// Pixels are RGB bytes, row by row, (H, W, 3). A function that fails leaves a sentence without its subject, such as
// "ends after 512 bytes ..."; C# puts the file's name before it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace patchkit::images {

// Mirrored by PatchKit.Data's NativeDecodeOptions.
struct DecodeOptions {
  int64_t max_pixels;   // a larger image is refused before anything is allocated for it
  int32_t scale;        // JPEG only: decode at 1/scale of the size in each direction; 1, 2, 4 or 8
  int32_t orientation;  // whether the EXIF orientation is applied
};

// Mirrored by PatchKit.Data's NativeImage.
struct Pixels {
  uint8_t* data;  // malloc; freed by pk_image_free
  int32_t width;
  int32_t height;
};

constexpr int kMessage = 320;

// The sentence of a failure, in plain memory: longjmp may leave the function that holds it.
struct Failure {
  char text[kMessage];
};

void say(Failure& failure, const char* format, ...) __attribute__((format(printf, 2, 3)));

// Whether an image of this size may be allocated; says why not.
bool size_allowed(int64_t width, int64_t height, const DecodeOptions& options, Failure& failure);

// Each decodes to RGB, or only reads the size when `size_only`; false with a sentence. On failure nothing stays
// allocated.
bool decode_jpeg(const uint8_t* bytes, size_t n, const DecodeOptions& options, bool size_only, Pixels& out,
                 Failure& failure);
bool decode_png(const uint8_t* bytes, size_t n, const DecodeOptions& options, bool size_only, Pixels& out,
                Failure& failure);
bool encode_png(const uint8_t* pixels, int width, int height, int channels, int level, uint8_t** out, int64_t* length,
                Failure& failure);

// The EXIF orientation, 1..8, in a TIFF block (after "Exif\0\0"); 1 where there is none or the block is damaged.
int exif_orientation(const uint8_t* tiff, size_t n);
int jpeg_orientation(const uint8_t* bytes, size_t n);
int png_orientation(const uint8_t* bytes, size_t n);

// Turns the pixels upright; replaces `pixels` where rows become columns. False when there is no memory.
bool apply_orientation(Pixels& pixels, int orientation, Failure& failure);

enum Filter : int32_t { kBilinear = 2, kBicubic = 3 };  // Pillow's numbers

// Pillow's antialiased resize of the box (left, top, right, bottom) of an image; rows are `stride` bytes apart.
bool resize(const uint8_t* in, int width, int height, int64_t stride, const float box[4], uint8_t* out, int out_width,
            int out_height, Filter filter, Failure& failure);

}  // namespace patchkit::images
