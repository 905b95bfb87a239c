# The Python peer of `patchkit bench data`: Pillow and numpy do what TrainTransform does, on one thread. Reads a line,
# answers a number:
#   write COUNT FOLDER       writes photograph-like JPEGs of about 500 x 400 pixels; answers 0
#   time FILTER FOLDER       prepares the images of FOLDER/boxes.tsv (name, top, left, height, width, mirrored); answers
#                            milliseconds
#   sum FILTER FOLDER        does the same; answers the mean size of the numbers, for comparison
#   decode - FOLDER          only decodes; answers milliseconds
import os
import sys
import time

import numpy as np
import PIL
from PIL import Image

SIZE = 224
FILTERS = {"bicubic": Image.BICUBIC, "bilinear": Image.BILINEAR}
MEAN = np.array([0.485, 0.456, 0.406], np.float32)
DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)
SCALE, SHIFT = 1 / (255 * DEVIATION), MEAN / DEVIATION


def write(folder, count):
    # Noise whose amplitude falls with its frequency, as photographs' does; quality 95 gives some 100 KB, as in
    # ImageNet.
    random = np.random.default_rng(0)
    for i in range(count):
        width, height = (500, 375 + int(random.integers(50)))
        if i % 4 == 3:
            width, height = height, width
        pixels = np.full((height, width, 3), 128, np.float32)
        for cell in (1, 2, 4, 8, 16, 32, 64, 128):
            shape = (height // cell + 2, width // cell + 2)
            grey, colour = random.normal(size=shape), random.normal(size=(3, *shape))
            for c in range(3):
                layer = Image.fromarray((grey + 0.3 * colour[c]).astype(np.float32))
                pixels[..., c] += 6 * cell**0.5 * np.asarray(layer.resize((width, height), Image.BICUBIC))
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(os.path.join(folder, f"{i:03}.jpg"), quality=95)


def boxes(folder):
    with open(os.path.join(folder, "boxes.tsv")) as lines:
        for line in lines:
            name, *numbers = line.rstrip("\n").split("\t")
            yield name, *map(int, numbers)


def prepare(path, top, left, height, width, mirrored, resample, planes):
    image = Image.open(path).convert("RGB").crop((left, top, left + width, top + height)).resize((SIZE, SIZE), resample)
    if mirrored:
        image = image.transpose(Image.FLIP_LEFT_RIGHT)
    pixels = np.asarray(image, np.float32)
    pixels = pixels * SCALE
    pixels -= SHIFT
    planes[:] = pixels.transpose(2, 0, 1)


planes = np.empty((3, SIZE, SIZE), np.float32)
print(PIL.__version__, flush=True)
for line in sys.stdin:
    verb, argument, folder = line.rstrip("\n").split(" ", 2)
    if verb == "write":
        write(folder, int(argument))
        print(0, flush=True)
        continue
    work, total = list(boxes(folder)), 0.0
    start = time.perf_counter()
    for name, *box in work:
        if verb == "decode":
            Image.open(name).convert("RGB")
        else:
            prepare(name, *box, FILTERS[argument], planes)
        if verb == "sum":
            total += float(np.abs(planes).mean())
    print(total / len(work) if verb == "sum" else (time.perf_counter() - start) * 1e3 / len(work), flush=True)
