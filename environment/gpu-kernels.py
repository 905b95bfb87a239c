#!/usr/bin/env python3
"""Checks and times the operators of lib/Native/cuda by themselves, through Python's torch; gpu-check.sh runs it.

    gpu-kernels.py LIBRARY DEVICE           each operator against its definition in float64, values and gradients
    gpu-kernels.py LIBRARY DEVICE --bench   milliseconds of one forward and backward pass, on a GPU only

LIBRARY is a libpatchkit.so built against that torch; DEVICE is cuda, or cpu for a rehearsal.
"""
import itertools
import sys

import torch
import torch.nn.functional as F

# Greatest error, of a result's largest magnitude: of sums that may be long, in types that round.
TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-4, torch.bfloat16: 3e-2, torch.float16: 5e-3}

failures = 0


def report(name, error, allowed):
    global failures
    if not error <= allowed:  # NaN fails too
        failures += 1
        print(f"FAILED  {name}: off by {error:.3g}, {allowed:.3g} is allowed")


def error(actual, expected):
    actual, expected = actual.detach().double().cpu(), expected.detach().double().cpu()
    assert actual.shape == expected.shape, (actual.shape, expected.shape)
    return ((actual - expected).abs().max() / (expected.abs().max() + 1e-30)).item() if expected.numel() else 0.0


# -- definitions -----------------------------------------------------------------------------------

def scan(x, dt, A, B, C, D, z, dt_bias, state, softplus):
    heads = x.shape[2] // B.shape[2]
    step = dt if dt_bias is None else dt + dt_bias
    step = F.softplus(step) if softplus else step
    B, C = B.repeat_interleave(heads, 2), C.repeat_interleave(heads, 2)
    outputs = []
    for t in range(x.shape[1]):
        written = (step[:, t, :, None] * x[:, t])[..., None] * B[:, t, :, None]
        state = (0 if state is None else state * (step[:, t] * A).exp()[..., None, None]) + written
        outputs.append((state * C[:, t, :, None]).sum(-1))
    y = torch.stack(outputs, 1)
    y = y if D is None else y + (D if D.dim() == 2 else D[:, None]) * x
    return (y if z is None else y * F.silu(z)), state


def convolution(x, weight, bias, initial, silu):
    before = x.new_zeros(x.shape[0], weight.shape[1] - 1, x.shape[2]) if initial is None else initial
    y = F.conv1d(torch.cat([before, x], 1).transpose(1, 2), weight[:, None], bias, groups=x.shape[2]).transpose(1, 2)
    return (F.silu(y) if silu else y),


def norm(x, weight, z, group, before_gate):
    u = x if z is None or before_gate else x * F.silu(z)
    groups = u.reshape(*x.shape[:-1], -1, group)
    y = (groups * (groups.square().mean(-1, keepdim=True) + 1e-5).rsqrt()).reshape(x.shape) * weight
    return (y * F.silu(z) if z is not None and before_gate else y),


def axis_weights(begin, end, bins, cells, sampling, aligned):
    size = end - begin if aligned else (end - begin).clamp(min=1)
    bin = (size / bins)[:, None, None]
    samples = torch.full_like(bin, sampling) if sampling else bin.ceil()
    i = torch.arange(int(samples.max()), dtype=bin.dtype)
    at = begin[:, None, None] + torch.arange(bins)[:, None] * bin + (i + 0.5) * bin / samples.clamp(min=1)
    counts = (i < samples) & (at >= -1) & (at <= cells)
    hats = (1 - (at.clamp(0, cells - 1)[..., None] - torch.arange(cells)).abs()).clamp(min=0)
    return (hats * counts[..., None]).sum(2) / samples.clamp(min=1)


def regions(x, rois, height, width, scale, sampling, aligned):
    edges = rois[:, 1:] * scale - (0.5 if aligned else 0)
    rows = axis_weights(edges[:, 1], edges[:, 3], height, x.shape[2], sampling, aligned)
    columns = axis_weights(edges[:, 0], edges[:, 2], width, x.shape[3], sampling, aligned)
    return torch.einsum("kiy,kcyx,kjx->kcij", rows, x[rois[:, 0].long()], columns),


def suppressed(boxes, scores, iou, classes):
    left, top, right, bottom = boxes.unbind(1)
    width = (torch.minimum(right[:, None], right) - torch.maximum(left[:, None], left)).clamp(min=0)
    height = (torch.minimum(bottom[:, None], bottom) - torch.maximum(top[:, None], top)).clamp(min=0)
    area = (right - left) * (bottom - top)
    drops = ((width * height) / (area[:, None] + area - width * height) > iou) & (classes[:, None] == classes)
    kept = []
    for i in scores.sort(stable=True, descending=True)[1].tolist():
        if not any(drops[k, i] for k in kept):
            kept.append(i)
    return torch.tensor(kept)


# -- cases: (name, inputs in float64 or None, which of them stay wide, operator, definition) -------

def scan_case(b, l, h, g, p, n, chunk, softplus, D=1, z=True, bias=True, initial=True):
    r = lambda *sizes: torch.randn(*sizes, dtype=torch.float64)
    inputs = [r(b, l, h, p), r(b, l, h) - 1 if softplus else r(b, l, h).abs() / 5, -r(h).abs(), r(b, l, g, n),
              r(b, l, g, n), [None, r(h), r(h, p)][D], r(b, l, h, p) if z else None, r(h) / 10 if bias else None,
              r(b, h, p, n) if initial else None]
    return (f"ssd_scan {b}x{l}, {h} heads of {p}, {g} groups of {n}, chunk {chunk}, D {D}", inputs, {1, 2, 5, 7, 8},
            lambda *t: torch.ops.patchkit.ssd_scan(*t, softplus, chunk), lambda *t: scan(*t, softplus))


def conv_case(b, l, d, width, silu, bias, initial):
    r = lambda *sizes: torch.randn(*sizes, dtype=torch.float64)
    inputs = [r(b, l, d), r(d, width), r(d) if bias else None, r(b, width - 1, d) if initial else None]
    return (f"causal_conv1d {b}x{l}x{d}, width {width}", inputs, {1, 2},
            lambda x, w, c, i: (torch.ops.patchkit.causal_conv1d(x, w, c, silu, i),),
            lambda x, w, c, i: convolution(x, w, c, i, silu))


def norm_case(rows, groups, group, z, before_gate):
    r = lambda *sizes: torch.randn(*sizes, dtype=torch.float64)
    inputs = [r(rows, groups * group), r(groups * group), r(rows, groups * group) if z else None]
    return (f"rms_norm {rows} rows, {groups} groups of {group}, z {z}, norm before gate {before_gate}", inputs, {1},
            lambda x, w, z: (torch.ops.patchkit.rms_norm(x, w, z, 1e-5, group, before_gate),),
            lambda x, w, z: norm(x, w, z, group, before_gate))


def region_case(maps, channels, height, width, count, grid, scale, sampling, aligned):
    corners = torch.rand(count, 4, dtype=torch.float64) * torch.tensor([width, height, width, height]) / scale * 1.2 - 2
    rois = torch.cat([torch.randint(maps, (count, 1)), corners], 1).float()  # some are upside down
    return (f"roi_align {maps}x{channels}x{height}x{width}, {count} regions, {sampling} samples, aligned {aligned}",
            [torch.randn(maps, channels, height, width, dtype=torch.float64)], {},
            lambda x: (torch.ops.patchkit.roi_align(x, rois.to(x.device), *grid, scale, sampling, aligned),),
            lambda x: regions(x, rois.double(), *grid, scale, sampling, aligned))


def cases():
    yield region_case(2, 3, 9, 11, 7, (3, 2), 0.5, 0, True)
    yield region_case(1, 2, 12, 8, 5, (2, 2), 0.25, 2, False)
    yield region_case(3, 17, 50, 64, 300, (7, 7), 0.25, 0, True)
    yield scan_case(1, 1, 1, 1, 1, 1, 64, False, 0, False, False, False)
    yield scan_case(2, 70, 4, 2, 5, 7, 32, True, 2)
    yield scan_case(1, 131, 3, 1, 33, 16, 64, True)
    yield scan_case(2, 65, 2, 2, 8, 8, 1000, False, 0, False)
    yield scan_case(1, 197, 6, 1, 64, 64, 64, True, 1, False, True, False)
    yield scan_case(1, 300, 2, 1, 16, 128, 256, False, 2, True, False, False)
    for width, (silu, bias, initial) in itertools.product((1, 4, 8), ((True, True, False), (False, False, True))):
        yield conv_case(2, 77, 300, width, silu, bias, initial)
    yield conv_case(3, 2, 5, 4, True, True, True)
    for z, before_gate in ((False, False), (True, False), (True, True)):
        yield norm_case(33, 1, 768, z, before_gate)
        yield norm_case(2500, 3, 40, z, before_gate)


# -- checks ----------------------------------------------------------------------------------------

def results(function, inputs, weights=None):
    leaves = [None if t is None else t.detach().clone().requires_grad_() for t in inputs]
    outputs = function(*leaves)
    torch.manual_seed(7)
    weights = [torch.randn(y.shape, dtype=torch.float64) for y in outputs]
    weights = [w.to(y.device, y.dtype) for w, y in zip(weights, outputs)]
    wanted = [t for t in leaves if t is not None]
    grads = torch.autograd.grad(outputs, wanted, weights, allow_unused=True)
    return [*outputs, *(torch.zeros_like(t) if g is None else g for t, g in zip(wanted, grads))]


def on(device, dtype, inputs, wide):
    narrow = dtype in (torch.bfloat16, torch.float16)
    return [None if t is None else t.to(device, torch.float32 if narrow and i in wide else dtype)
            for i, t in enumerate(inputs)]


def check(device):
    kinds = [torch.float64, torch.float32, torch.bfloat16] + ([torch.float16] if device == "cuda" else [])
    for name, inputs, wide, operator, definition in cases():
        for dtype in kinds:
            given = on(device, dtype, inputs, wide)
            actual = results(operator, given)
            expected = results(definition, [None if t is None else t.double().cpu() for t in given])
            for i, (a, e) in enumerate(zip(actual, expected)):
                report(f"{name}, {dtype}, result {i}", error(a, e), TOLERANCE[dtype])
            for again in range(3):
                same = all(torch.equal(a, b) for a, b in zip(actual, results(operator, given)))
                report(f"{name}, {dtype}: bits repeat", 0 if same else 1, 0)
            with torch.autocast(device, torch.bfloat16):
                report(f"{name}, {dtype}: autocast changes nothing",
                       0 if torch.equal(operator(*given)[0], actual[0]) else 1, 0)
        small = [None if t is None else t.to(device).requires_grad_() for t in inputs]
        if sum(t.numel() for t in small if t is not None) < 2000:
            passed = torch.autograd.gradcheck(operator, small, eps=1e-6, atol=1e-5, rtol=1e-3, raise_exception=False)
            report(f"{name}: gradcheck", 0 if passed else 1, 0)
        print("checked", name)
    for dtype, iou in itertools.product((torch.float32, torch.float64), (0.0, 0.3, 0.7)):
        corners, classes = torch.rand(700, 2, dtype=dtype) * 50, torch.randint(3, (700,))
        boxes, scores = torch.cat([corners, corners + torch.rand(700, 2, dtype=dtype) * 30], 1), torch.randint(40, (700,)) / 40
        kept = torch.ops.patchkit.nms(boxes.to(device), scores.to(device), iou, classes.to(device))
        report(f"nms, {dtype}, {iou}", 0 if torch.equal(kept.cpu(), suppressed(boxes, scores, iou, classes)) else 1, 0)
    print("checked nms")
    # More than one workspace holds, against the operator's own CPU kernel.
    name, inputs, wide, operator, _ = scan_case(8, 4099, 24, 1, 64, 64, 64, True)
    narrow = on("cpu", torch.float32, inputs, wide)
    for i, (a, e) in enumerate(zip(results(operator, [t.to(device) for t in narrow]), results(operator, narrow))):
        report(f"{name}, beside the CPU's, result {i}", error(a, e), 1e-3)
    print("checked", name)
    print(f"{failures} failures")
    return failures == 0


# -- times -----------------------------------------------------------------------------------------

def milliseconds(device, function, inputs, repeats=7):
    leaves = [None if t is None else t.requires_grad_() for t in inputs]
    weights = [torch.randn_like(y) for y in function(*leaves)]
    times = []
    for _ in range(repeats + 3):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        torch.autograd.grad(function(*leaves)[:1], [t for t in leaves if t is not None], weights[:1], allow_unused=True)
        end.record()
        torch.cuda.synchronize()
        times.append(begin.elapsed_time(end))
    return sorted(times[3:])[repeats // 2]


def bench(device):
    b, l, h, p, n = 8, 12_544, 24, 64, 64
    for tf32, dtype in ((False, torch.float32), (True, torch.float32), (False, torch.bfloat16), (True, torch.bfloat16)):
        torch.backends.cuda.matmul.allow_tf32 = tf32
        for chunk in (64, 128, 256):
            _, inputs, wide, operator, _ = scan_case(b, 1, h, 1, p, n, chunk, True, 1, False, True, False)
            inputs = [t if t is None or t.dim() < 3 else t.expand(b, l, *t.shape[2:]) for t in inputs]
            given = [t if t is None else t.contiguous() for t in on(device, dtype, inputs, wide)]
            torch.cuda.reset_peak_memory_stats()
            took = milliseconds(device, operator, given)
            peak = torch.cuda.max_memory_allocated() / 2**30
            print(f"ssd_scan b={b} l={l} h={h} p={p} n={n} {dtype} TF32 {tf32} chunk {chunk}: {took:.2f} ms, "
                  f"{peak:.2f} GiB")
    d = h * p
    x = torch.randn(b, l, d, device=device, dtype=torch.bfloat16)
    conv = milliseconds(device, lambda x, w, c: (torch.ops.patchkit.causal_conv1d(x, w, c, True, None),),
                        [x, torch.randn(d, 4, device=device), torch.randn(d, device=device)])
    gated = milliseconds(device, lambda x, w, z: (torch.ops.patchkit.rms_norm(x, w, z, 1e-5, 0, False),),
                         [x, torch.randn(d, device=device), torch.randn_like(x)])
    gigabytes = x.numel() * 2 / 1e9
    print(f"causal_conv1d {b}x{l}x{d} bfloat16: {conv:.2f} ms, {5 * gigabytes / conv * 1e3:.0f} GB/s of operands")
    print(f"rms_norm gated {b}x{l}x{d} bfloat16: {gated:.2f} ms, {8 * gigabytes / gated * 1e3:.0f} GB/s of operands")


if __name__ == "__main__":
    library, device = sys.argv[1:3]
    torch.ops.load_library(library)
    torch.manual_seed(1)
    if "--bench" in sys.argv:
        bench(device)
    else:
        sys.exit(0 if check(device) else 1)
