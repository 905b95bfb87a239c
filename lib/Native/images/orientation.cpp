// The EXIF orientation of a photograph: found in the file, applied to the pixels.
#include <cstring>

#include "images/image.h"

namespace patchkit::images {

int exif_orientation(const uint8_t* tiff, size_t n) {
  if (n < 8) return 1;
  bool little = tiff[0] == 'I' && tiff[1] == 'I';
  if (!little && !(tiff[0] == 'M' && tiff[1] == 'M')) return 1;
  auto u16 = [&](size_t at) { return little ? tiff[at] | tiff[at + 1] << 8 : tiff[at] << 8 | tiff[at + 1]; };
  auto u32 = [&](size_t at) {
    return little ? static_cast<uint32_t>(u16(at)) | static_cast<uint32_t>(u16(at + 2)) << 16
                  : static_cast<uint32_t>(u16(at)) << 16 | static_cast<uint32_t>(u16(at + 2));
  };
  if (u16(2) != 42) return 1;
  size_t directory = u32(4);
  if (directory > n || n - directory < 2) return 1;
  int entries = u16(directory);
  for (int i = 0; i < entries; i++) {
    size_t entry = directory + 2 + 12 * static_cast<size_t>(i);
    if (entry + 12 > n) return 1;
    if (u16(entry) != 0x0112) continue;
    int value = u16(entry + 2) == 3 ? u16(entry + 8) : 1;  // a SHORT, as the standard has it
    return value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}

int jpeg_orientation(const uint8_t* bytes, size_t n) {
  size_t at = 2;  // after SOI
  while (at + 4 <= n && bytes[at] == 0xff) {
    int marker = bytes[at + 1];
    if (marker == 0xff) {
      at++;
      continue;
    }
    if (marker == 0xda || marker == 0xd9) break;  // the scans begin
    if (marker == 0x01 || (marker >= 0xd0 && marker <= 0xd8)) {
      at += 2;
      continue;
    }
    size_t length = static_cast<size_t>(bytes[at + 2] << 8 | bytes[at + 3]);
    if (length < 2 || length > n - at - 2) break;
    const uint8_t* body = bytes + at + 4;
    if (marker == 0xe1 && length >= 8 && memcmp(body, "Exif\0\0", 6) == 0)
      return exif_orientation(body + 6, length - 8);
    at += 2 + length;
  }
  return 1;
}

int png_orientation(const uint8_t* bytes, size_t n) {
  size_t at = 8;  // after the signature
  while (at + 12 <= n) {
    size_t length = static_cast<size_t>(bytes[at]) << 24 | bytes[at + 1] << 16 | bytes[at + 2] << 8 | bytes[at + 3];
    if (length > n - at - 12) break;
    if (memcmp(bytes + at + 4, "eXIf", 4) == 0) return exif_orientation(bytes + at + 8, length);
    at += 12 + length;
  }
  return 1;
}

bool apply_orientation(Pixels& pixels, int orientation, Failure& failure) {
  if (orientation <= 1 || orientation > 8) return true;
  int64_t width = pixels.width, height = pixels.height;
  bool turned = orientation >= 5;  // rows become columns
  auto* out = static_cast<uint8_t*>(malloc(static_cast<size_t>(width) * height * 3));
  if (!out) {
    say(failure, "has %d x %d pixels, for which the machine has no memory left.", pixels.width, pixels.height);
    return false;
  }
  // Where the pixel (x, y) goes: start + x across + y down, in pixels of the upright image.
  int64_t w = turned ? height : width, h = turned ? width : height, start = 0, across = 1, down = w;
  switch (orientation) {
    case 2: start = w - 1, across = -1, down = w; break;        // mirrored left to right
    case 3: start = w * h - 1, across = -1, down = -w; break;   // upside down
    case 4: start = w * (h - 1), across = 1, down = -w; break;  // mirrored top to bottom
    case 5: start = 0, across = w, down = 1; break;             // transposed
    case 6: start = w - 1, across = w, down = -1; break;        // lies on its left side
    case 7: start = w * h - 1, across = -w, down = -1; break;   // transposed across the other diagonal
    case 8: start = w * (h - 1), across = -w, down = 1; break;  // lies on its right side
  }
  const uint8_t* in = pixels.data;
  for (int64_t y = 0; y < height; y++) {
    uint8_t* to = out + 3 * (start + y * down);
    for (int64_t x = 0; x < width; x++, in += 3, to += 3 * across) to[0] = in[0], to[1] = in[1], to[2] = in[2];
  }
  free(pixels.data);
  pixels.data = out;
  pixels.width = static_cast<int32_t>(w);
  pixels.height = static_cast<int32_t>(h);
  return true;
}

}  // namespace patchkit::images
