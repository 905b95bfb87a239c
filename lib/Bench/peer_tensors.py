# Reads the safetensors file in which a peer is given its weights and images; goes before the peer's own program.
import json

import torch


def tensors(file):
    with open(file, "rb") as stream:
        header = json.loads(stream.read(int.from_bytes(stream.read(8), "little")))
        body = bytearray(stream.read())
    header.pop("__metadata__", None)
    types = {"F32": torch.float32, "I64": torch.int64}
    for name, entry in header.items():
        first, end = entry["data_offsets"]
        yield name, torch.frombuffer(body[first:end], dtype=types[entry["dtype"]]).reshape(entry["shape"])


