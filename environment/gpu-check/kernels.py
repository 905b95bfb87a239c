#!/usr/bin/env python3
"""Checks and times libpatchkit_cuda.so without .NET: python3 with a CUDA torch, and nvcc, are all it needs.

    kernels.py                   builds the library for this machine's GPU, checks every kernel, then times them
    kernels.py --emulate         a rehearsal: the same sources run on the CPU, checked at small sizes; needs c++, no
                                 torch
    --json FILE                  where the report goes (build/gpu-kernels.json); what it has already is not done again
    --minutes N                  no part is begun after so many minutes (3.5)
    --library FILE               a library that is built already
    --again                      begins a new report

Checks, the most valuable first: the golden cases in float32, and in bfloat16 and float16 beside float32 on the same
rounded numbers; each twice, the second time from strided inputs, for equal bits; with torch also odd sizes beside
references in float64. Timings come with their share of the memory's and the arithmetic's limit.
"""

import argparse
import importlib.util
import json
import os
import random
import struct
import sys
import time

sys.dont_write_bytecode = True  # the folder stays as it is

from library import HOME, Library, build
from memory import PlainMemory, TorchMemory, count

GOLDEN = os.path.join(HOME, "tests", "fixtures", "golden")
NARROW = {"bfloat16": 0.03, "float16": 4e-3}
STARTED = time.monotonic()


class Golden:
    """A safetensors file of reference numbers, and its description."""

    def __init__(self, name):
        with open(os.path.join(GOLDEN, name + ".json"), encoding="utf-8") as file:
            self.cases = json.load(file)["cases"]
        with open(os.path.join(GOLDEN, name + ".safetensors"), "rb") as file:
            data = file.read()
        length = struct.unpack("<Q", data[:8])[0]
        self.header, self.data = json.loads(data[8 : 8 + length]), data[8 + length :]

    def get(self, name):
        """Values and shape; None where there is no such tensor."""
        if name not in self.header:
            return None
        entry = self.header[name]
        start, end = entry["data_offsets"]
        kind, width = {"F32": ("f", 4), "F64": ("d", 8), "I64": ("q", 8)}[entry["dtype"]]
        return list(struct.unpack(f"<{(end - start) // width}{kind}", self.data[start:end])), entry["shape"]

    def parts(self, prefix):
        return [name.removeprefix(prefix) for name in self.header if name.startswith(prefix)]


def transposed(value):
    """(b, c, l) as (b, l, c)."""
    values, (b, c, l) = value
    return [values[(i * c + k) * l + t] for i in range(b) for t in range(l) for k in range(c)], [b, l, c]


def as_rows(value):
    values, shape = value
    return values, [count(shape[:-1]), shape[-1]]


def error(actual, expected):
    """The largest difference over the largest magnitude, the golden files' measure; infinite where something is NaN."""
    if len(actual) != len(expected):
        return float("inf")
    largest = max((abs(v) for v in expected), default=0.0) or 1.0
    worst = 0.0
    for a, e in zip(actual, expected):
        if not abs(a - e) <= worst:
            worst = abs(a - e)
    return float("inf") if worst != worst else worst / largest


class Case:
    """One operator's inputs and settings, and what is expected of it, as flat values with shapes."""

    def __init__(
        self,
        name,
        op,
        inputs,
        settings,
        grads,
        expected=None,
        expected_grads=None,
        tolerance=2e-5,
        gradient_tolerance=1e-4,
    ):
        self.name, self.op, self.inputs, self.settings, self.grads = name, op, inputs, settings, grads
        self.expected, self.expected_grads = expected, expected_grads
        self.tolerance, self.gradient_tolerance = tolerance, gradient_tolerance

    # What has the type of x.
    TYPED = {"scan": ("x", "B", "C", "z"), "conv": ("x", "initial_states"), "norm": ("x", "z"), "roi": ("x",)}
    # What a kernel takes with strides.
    STRIDED = {"scan": ("x", "dt", "B", "C", "z"), "conv": ("x", "initial_states"), "norm": ("x", "z"), "roi": ()}

    def compute(self, library, dtype, strided=False, rounded=None):
        """Outputs and gradients as values, computed in dtype; `rounded`: from inputs rounded to that type before."""
        memory, typed = library.memory, self.TYPED[self.op]

        def made(name, value, of_type, apart):
            values, shape = value
            kind = dtype if of_type else "float32"
            if rounded and of_type:
                values = memory.values(memory.tensor(values, shape, rounded))
            return (memory.strided if apart and shape[-1] > 0 else memory.tensor)(values, shape, kind)

        inputs = {
            name: made(name, value, name in typed, strided and name in self.STRIDED[self.op])
            for name, value in self.inputs.items()
            if value is not None
        }
        outputs, kept = getattr(library, f"{self.op}_forward")(inputs, self.settings)
        grads = {
            name: made(name, value, name == "y", strided and name == "y" and self.op != "roi")
            for name, value in self.grads.items()
        }
        gradients = getattr(library, f"{self.op}_backward")(inputs, self.settings, kept, grads)
        memory.wait()
        values = {f"out.{name}": memory.values(tensor) for name, tensor in outputs.items()}
        return values | {
            f"grad.{name}": memory.values(tensor) for name, tensor in gradients.items() if tensor is not None
        }


def golden_cases(longest):
    file = Golden("01_ssd")
    for case in file.cases:
        name = case["name"]
        if case["l"] > longest:
            continue
        inputs = {
            part: file.get(f"{name}.in.{part}")
            for part in ("x", "dt", "A", "B", "C", "D", "z", "dt_bias", "initial_state")
        }
        grads = {"y": file.get(f"{name}.in.w")}
        if file.get(f"{name}.in.w_final"):
            grads["final_state"] = file.get(f"{name}.in.w_final")
        yield Case(
            f"ssd_scan, {name}",
            "scan",
            inputs,
            {"dt_softplus": case["dt_softplus"]},
            grads,
            {part: file.get(f"{name}.out.{part}")[0] for part in ("y", "final_state")},
            {part: file.get(f"{name}.grad.{part}")[0] for part in file.parts(f"{name}.grad.")},
            gradient_tolerance=2e-4 if case["l"] >= 1000 else 1e-4,
        )
    file = Golden("02_conv_norm")
    for case in file.cases:
        name, conv = case["name"], "conv" in case["op"]
        turn = transposed if conv else as_rows
        known = ("x", "weight", "bias", "initial_states") if conv else ("x", "weight", "z")
        turned = ("x", "initial_states") if conv else ("x", "z")

        def read(kind, part):
            value = file.get(f"{name}.{kind}.{part}")
            return turn(value) if value and part in (*turned, "y", "w") else value

        settings = {"silu": case["activation"] is not None} if conv else case
        yield Case(
            f"{case['op']}, {name}",
            "conv" if conv else "norm",
            {part: read("in", part) for part in known},
            settings,
            {"y": read("in", "w")},
            {"y": read("out", "y")[0]},
            {part: read("grad", part)[0] for part in file.parts(f"{name}.grad.") if part in known},
        )
    file = Golden("12_roi_nms")
    for case in file.cases:
        name = case["name"]
        if case["op"] == "roi_align":
            yield Case(
                f"roi_align, {name}",
                "roi",
                {part: file.get(f"{name}.in.{part}") for part in ("x", "rois")},
                case,
                {"y": file.get(f"{name}.in.w")},
                {"y": file.get(f"{name}.out.y")[0]},
                {"x": file.get(f"{name}.grad.x")[0]},
            )


class Report:
    """What was found, written after each part."""

    def __init__(self, path, again):
        self.path, self.whole = path, {"parts": {}}
        if not again and os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                self.whole = json.load(file)

    def add(self, part, found):
        self.whole["parts"][part] = found
        os.makedirs(os.path.dirname(os.path.abspath(self.path)), exist_ok=True)
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            json.dump(self.whole, file, indent=1)
        os.replace(self.path + ".new", self.path)


def check(library, case, dtype):
    """The worst error of one case in one type, against what is expected or, in a narrow type, against float32."""
    found = case.compute(library, dtype)
    if dtype == "float32":
        expected = {f"out.{k}": v for k, v in case.expected.items()} | {
            f"grad.{k}": v for k, v in case.expected_grads.items()
        }
        limits = {name: case.tolerance if name.startswith("out.") else case.gradient_tolerance for name in expected}
    else:
        expected = case.compute(library, "float32", rounded=dtype)
        limits = {name: NARROW[dtype] for name in expected}
    worst = {name: error(found.get(name, []), values) for name, values in expected.items()}
    failed = [
        f"{name} is off by {worst[name]:.3g}, {limits[name]:.3g} is allowed"
        for name in worst
        if not worst[name] <= limits[name]
    ]
    library.emulate_backwards(True)
    if str(case.compute(library, dtype, strided=True)) != str(found):
        failed.append("another run, from strided inputs, has other bits")
    library.emulate_backwards(False)
    return {"worst": max(worst.values()), "failed": failed}


def check_golden(library, longest, dtypes):
    found = {}
    for case in golden_cases(longest):
        for dtype in dtypes:
            found[f"{case.name}, {dtype}"] = check(library, case, dtype)
    return found


def check_nms(library, _):
    file, memory, found = Golden("12_roi_nms"), library.memory, {}
    for case in file.cases:
        if case["op"] == "roi_align":
            continue
        name = case["name"]
        (boxes, shape), (scores, _), (classes, _) = (
            file.get(f"{name}.in.{part}") for part in ("boxes", "scores", "idxs")
        )
        order = sorted(range(len(scores)), key=lambda i: -scores[i])
        given = memory.tensor(boxes, shape), memory.tensor(order, [len(order)], "int64")
        failed = []
        for part, within in (
            ("keep", None),
            ("batched_keep", memory.tensor([int(c) for c in classes], [len(classes)], "int64")),
        ):
            expected = [int(i) for i in file.get(f"{name}.out.{part}")[0]]
            if library.nms(*given, within, case["iou_threshold"]) != expected:
                failed.append(f"{part} is not the reference's")
        found[f"nms, {name}"] = {"failed": failed}
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--emulate", action="store_true")
    parser.add_argument("--json", default=os.path.join(HOME, "build", "gpu-kernels.json"))
    parser.add_argument("--minutes", type=float, default=3.5)
    parser.add_argument("--library")
    parser.add_argument("--again", action="store_true")
    options = parser.parse_args()
    torch = None
    if importlib.util.find_spec("torch"):
        import torch
    if not options.emulate and (torch is None or not torch.cuda.is_available()):
        sys.exit(
            "kernels.py: no torch sees a GPU here; install a CUDA torch, or rehearse with --emulate."
        )
    memory = PlainMemory() if torch is None else TorchMemory(torch, "cpu" if options.emulate else "cuda")
    report = Report(options.json, options.again or options.emulate)
    architecture = None if options.emulate else "{}{}".format(*torch.cuda.get_device_capability())
    path, said = options.library, ""
    if path is None:
        path, said = build(
            options.emulate,
            os.path.join(HOME, "build", "gpu-check", "emulated" if options.emulate else f"sm_{architecture}"),
            architecture,
        )
    library = Library(path, memory)
    report.whole["machine"] = {
        "memory": memory.name,
        "library": os.path.basename(path),
        "emulated": options.emulate,
        "seconds_to_build": round(time.monotonic() - STARTED, 1),
    }
    if said:
        report.whole["machine"]["ptxas"] = said.splitlines()
    if not options.emulate:
        report.whole["machine"]["gpu"] = torch.cuda.get_device_name()

    # The most valuable first; a part that a report has already, and that did not fail, is not done again.
    parts = [
        ("golden, float32", lambda: check_golden(library, 300 if options.emulate else 10**9, ["float32"])),
        ("golden, narrow", lambda: check_golden(library, 64 if options.emulate else 10**9, list(NARROW))),
        ("nms", lambda: check_nms(library, None)),
    ]
    if torch is not None:
        import references

        parts[1:1] = [("time, scan", lambda: references.time_scan(library))] if not options.emulate else []
        parts += [
            ("odd sizes", lambda: references.check_odd_sizes(library, Case, error, NARROW, small=options.emulate))
        ]
        if not options.emulate:
            parts += [
                ("time, conv", lambda: references.time_conv(library)),
                ("time, norm", lambda: references.time_norm(library)),
            ]
    random.seed(0)
    bad = 0
    for part, work in parts:
        if part in report.whole["parts"] and not options.again:
            continue
        if (time.monotonic() - STARTED) / 60 > options.minutes:
            print(f"{part}: not run, no time was left; run it again, and it goes on from here.")
            continue
        began = time.monotonic()
        found = work()
        failed = [
            f"{name}: {sentence}"
            for name, entry in found.items()
            if isinstance(entry, dict)
            for sentence in entry.get("failed", [])
        ]
        bad += len(failed)
        if not failed:
            report.add(part, found)
        else:
            report.add(f"{part}, failed", found)
        for sentence in failed:
            print(f"FAILED {sentence}")
        checked = sum(isinstance(entry, dict) and "failed" in entry for entry in found.values())
        print(
            f"{part}: "
            + (f"{checked} checked, {len(failed)} failed" if checked else json.dumps(found))
            + f" ({time.monotonic() - began:.1f} s)",
            flush=True,
        )
    print(f"The report is {options.json}.")
    sys.exit(bad > 0)


if __name__ == "__main__":
    main()
