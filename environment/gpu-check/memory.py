"""Tensors for the checks: torch's, on a GPU or a CPU, or, where torch is missing, plain memory with sizes and strides.

A dtype is "float32", "bfloat16", "float16" or "int64". Values go in and come out as flat lists of Python numbers.
"""

import ctypes
import math
import struct

WIDTHS = {"float32": 4, "bfloat16": 2, "float16": 2, "int64": 8}
# libtorch's numbers of element types
CODES = {"float32": 6, "bfloat16": 15, "float16": 5}


def count(shape):
    return math.prod(shape)


def strides_of(shape):
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= size
    return strides[::-1]


def round_to_bfloat16(value):
    bits = struct.unpack("<I", struct.pack("<f", value))[0]
    return (bits + 0x7FFF + (bits >> 16 & 1)) >> 16


def encode(values, dtype):
    if dtype == "bfloat16":
        return struct.pack(f"<{len(values)}H", *map(round_to_bfloat16, values))
    return struct.pack(f"<{len(values)}{ {'float32': 'f', 'float16': 'e', 'int64': 'q'}[dtype]}", *values)


def decode(data, dtype):
    n = len(data) // WIDTHS[dtype]
    if dtype == "bfloat16":
        return list(struct.unpack(f"<{n}f", b"".join(b"\0\0" + data[2 * i : 2 * i + 2] for i in range(n))))
    return list(struct.unpack(f"<{n}{ {'float32': 'f', 'float16': 'e', 'int64': 'q'}[dtype]}", data))


class PlainTensor:
    def __init__(self, buffer, shape, dtype, strides=None, offset=0):
        self.buffer, self.shape, self.dtype = buffer, list(shape), dtype
        self.strides = strides or strides_of(self.shape)
        self.pointer = ctypes.addressof(buffer) + offset * WIDTHS[dtype]
        self.offset = offset

    def places(self):
        places = [self.offset]
        for size, stride in zip(self.shape, self.strides):
            places = [place + i * stride for place in places for i in range(size)]
        return places


class PlainMemory:
    """Memory of this process, for the emulated library."""

    name = "plain memory"
    device = 0
    stream = None

    def tensor(self, values, shape, dtype="float32"):
        data = encode(values, dtype)
        buffer = ctypes.create_string_buffer(max(len(data), 1))
        buffer.raw = data or b"\0"
        return PlainTensor(buffer, shape, dtype)

    def empty(self, shape, dtype="float32"):
        # What a kernel does not write is NaN, or a large number.
        buffer = ctypes.create_string_buffer(
            b"\xff" * (count(shape) * WIDTHS[dtype]), max(count(shape) * WIDTHS[dtype], 1)
        )
        return PlainTensor(buffer, shape, dtype)

    def strided(self, values, shape, dtype="float32"):
        """With rows apart: each is followed by one that is not the tensor's."""
        width = shape[-1]
        rows = [values[i : i + width] for i in range(0, len(values), width)]
        wide = self.tensor([v for row in rows for v in row + [99.0] * width], shape[:-1] + [2 * width], dtype)
        strides = [2 * stride for stride in strides_of(shape)[:-1]] + [1]
        return PlainTensor(wide.buffer, shape, dtype, strides)

    def values(self, tensor):
        whole = decode(
            tensor.buffer.raw[: len(tensor.buffer) // WIDTHS[tensor.dtype] * WIDTHS[tensor.dtype]], tensor.dtype
        )
        return [whole[place] for place in tensor.places()]

    def wait(self):
        pass


class TorchTensor:
    def __init__(self, tensor):
        self.tensor = tensor
        self.shape, self.strides, self.pointer = list(tensor.shape), list(tensor.stride()), tensor.data_ptr()
        self.dtype = str(tensor.dtype).removeprefix("torch.")


class TorchMemory:
    """torch's tensors and its current stream."""

    def __init__(self, torch, on):
        self.torch, self.on = torch, on
        self.poisons = True  # what a kernel does not write is NaN; timings go without
        self.name = f"torch {torch.__version__} on {on}"
        self.device = torch.cuda.current_device() if on == "cuda" else 0

    @property
    def stream(self):
        return self.torch.cuda.current_stream().cuda_stream if self.on == "cuda" else None

    def tensor(self, values, shape, dtype="float32"):
        made = self.torch.tensor(values, dtype=self.torch.int64 if dtype == "int64" else self.torch.float64)
        return TorchTensor(made.to(getattr(self.torch, dtype)).reshape(shape).to(self.on))

    def empty(self, shape, dtype="float32"):
        made = self.torch.empty(shape, dtype=getattr(self.torch, dtype), device=self.on)
        made = self.torch.empty(shape, dtype=getattr(self.torch, dtype), device=self.on)
        return TorchTensor(made.fill_(-1 if dtype == "int64" else math.nan) if self.poisons else made)

    def strided(self, values, shape, dtype="float32"):
        made = self.tensor(values, shape, dtype).tensor
        return TorchTensor(self.torch.stack([made, self.torch.full_like(made, 99)], -2)[..., 0, :])

    def values(self, tensor):
        return tensor.tensor.detach().cpu().double().flatten().tolist()

    def wait(self):
        if self.on == "cuda":
            self.torch.cuda.synchronize()
