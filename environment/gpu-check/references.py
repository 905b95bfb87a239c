"""Where torch is: references in float64 for odd sizes; timings on a GPU beside torch's operators and mamba_ssm's."""

import functools
import random

import torch
import torch.nn.functional as F

from memory import TorchTensor

# Bytes per second and dense bfloat16 operations per second, of NVIDIA's data sheets.
LIMITS = {"H200": (4.8e12, 989e12), "H100": (3.35e12, 989e12), "A100": (2.0e12, 312e12)}

# -- references --------------------------------------------------------------------------------------------------------


def scan(i, s):
    """The recurrence, step by step."""
    x, heads = i["x"], i["x"].shape[2]
    step = i["dt"] + i["dt_bias"] if "dt_bias" in i else i["dt"]
    step = F.softplus(step) if s["dt_softplus"] else step
    B, C = (i[name].repeat_interleave(heads // i[name].shape[2], 2) for name in ("B", "C"))
    state = i.get("initial_state", x.new_zeros(x.shape[0], heads, x.shape[3], B.shape[3]))
    outputs = []
    for t in range(x.shape[1]):
        written = (step[:, t, :, None] * x[:, t])[..., None] * B[:, t, :, None]
        state = state * (step[:, t] * i["A"]).exp()[..., None, None] + written
        outputs.append((state * C[:, t, :, None]).sum(-1))
    y = torch.stack(outputs, 1)
    if "D" in i:
        y = y + (i["D"][:, None] if i["D"].dim() == 1 else i["D"]) * x
    return {"y": y * F.silu(i["z"]) if "z" in i else y, "final_state": state}


def conv(i, s):
    x, weight = i["x"], i["weight"]
    before = i.get("initial_states", x.new_zeros(x.shape[0], weight.shape[1] - 1, x.shape[2]))
    y = F.conv1d(
        torch.cat([before, x], 1).transpose(1, 2), weight[:, None], i.get("bias"), groups=x.shape[2]
    ).transpose(1, 2)
    return {"y": F.silu(y) if s["silu"] else y}


def norm(i, s):
    x, z = i["x"], i.get("z")
    before, after = z is not None and not s["norm_before_gate"], z is not None and s["norm_before_gate"]
    groups = (x * F.silu(z) if before else x).reshape(x.shape[0], -1, s["group_size"] or x.shape[1])
    y = (groups * (groups.square().mean(-1, True) + s["eps"]).rsqrt()).reshape(x.shape) * i["weight"]
    return {"y": y * F.silu(z) if after else y}


REFERENCES = {"scan": scan, "conv": conv, "norm": norm}


def numbers(*shape, scale=1.0, shift=0.0):
    values = torch.randn(shape, dtype=torch.float64) * scale + shift
    return values.flatten().tolist(), list(shape)


def odd_cases(make, small):
    for b, l, h, p, g, n in [(2, 130, 4, 20, 2, 24), (1, 65, 2, 64, 1, 64)] + (
        [] if small else [(3, 1000, 6, 64, 2, 128), (2, 777, 3, 33, 3, 75)]
    ):
        for z, skip, initial, softplus in [(True, 1, True, True), (False, 2, False, True), (False, 0, True, False)]:
            inputs = {
                "x": numbers(b, l, h, p),
                "dt": numbers(b, l, h, shift=-1.0) if softplus else ([abs(v) for v in numbers(b, l, h)[0]], [b, l, h]),
                "A": ([-0.1 - 2 * random.random() for _ in range(h)], [h]),
                "B": numbers(b, l, g, n),
                "C": numbers(b, l, g, n),
                "D": [None, numbers(h), numbers(h, p)][skip],
                "z": numbers(b, l, h, p) if z else None,
                "dt_bias": numbers(h, scale=0.3) if softplus else None,
                "initial_state": numbers(b, h, p, n) if initial else None,
            }
            yield make(
                f"ssd_scan {b} x {l} x {h} x {p}, {g} groups of {n}",
                "scan",
                inputs,
                {"dt_softplus": softplus},
                {"y": numbers(b, l, h, p), "final_state": numbers(b, h, p, n)},
            )
    for b, l, d, width, silu, bias, initial in [
        (2, 37, 21, 4, True, True, True),
        (1, 70, 300, 3, False, False, False),
        (3, 5, 65, 8, True, True, False),
    ]:
        inputs = {
            "x": numbers(b, l, d),
            "weight": numbers(d, width),
            "bias": numbers(d) if bias else None,
            "initial_states": numbers(b, width - 1, d) if initial else None,
        }
        yield make(
            f"causal_conv1d {b} x {l} x {d}, width {width}", "conv", inputs, {"silu": silu}, {"y": numbers(b, l, d)}
        )
    for rows, d, group, z, before in [
        (37, 75, 0, True, False),
        (1500, 64, 16, True, True),
        (9, 1536, 0, True, False),
        (21, 33, 11, False, False),
    ]:
        inputs = {"x": numbers(rows, d), "weight": numbers(d), "z": numbers(rows, d) if z else None}
        yield make(
            f"rms_norm {rows} x {d}, groups of {group or d}",
            "norm",
            inputs,
            {"group_size": group, "norm_before_gate": before, "eps": 1e-5},
            {"y": numbers(rows, d)},
        )


def expected(case, dtype, rounded):
    """Outputs and gradients in float64, of the numbers that the kernel is given."""

    def leaf(name, value):
        tensor = torch.tensor(value[0], dtype=torch.float64).reshape(value[1])
        return tensor.to(getattr(torch, dtype if name in rounded else "float32")).double().requires_grad_()

    inputs = {name: leaf(name, value) for name, value in case.inputs.items() if value is not None}
    outputs = REFERENCES[case.op](inputs, case.settings)
    loss = sum(
        (outputs[name] * leaf("x" if name == "y" else "", case.grads[name]).detach()).sum()
        for name in outputs
        if name in case.grads
    )
    gradients = torch.autograd.grad(loss, list(inputs.values()))
    found = {f"out.{name}": tensor.detach().flatten().tolist() for name, tensor in outputs.items()}
    return found | {f"grad.{name}": gradient.flatten().tolist() for name, gradient in zip(inputs, gradients)}


def check_odd_sizes(library, make, error, narrow, small):
    torch.manual_seed(0)
    found = {}
    for case in odd_cases(make, small):
        for dtype, limit in {"float32": 1e-4, **narrow}.items():
            wanted, got = expected(case, dtype, case.TYPED[case.op]), case.compute(library, dtype)
            worst = {name: error(got.get(name, []), values) for name, values in wanted.items()}
            failed = [
                f"{name} is off by {worst[name]:.3g}, {limit:.3g} is allowed"
                for name in worst
                if not worst[name] <= limit
            ]
            library.emulate_backwards(True)
            if str(case.compute(library, dtype, strided=True)) != str(got):
                failed.append("another run, from strided inputs, has other bits")
            library.emulate_backwards(False)
            found[f"{case.name}, {dtype}"] = {"worst": max(worst.values()), "failed": failed}
    return found


# -- timings -----------------------------------------------------------------------------------------------------------


def milliseconds(work, repeats=10):
    """The median, after a warm-up."""
    for _ in range(3):
        work()
    times = []
    for _ in range(repeats):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        work()
        end.record()
        end.synchronize()
        times.append(start.elapsed_time(end))
    return sorted(times)[len(times) // 2]


def unpoisoned(timing):
    @functools.wraps(timing)
    def run(library, *arguments):
        library.memory.poisons = False
        try:
            return timing(library, *arguments)
        finally:
            library.memory.poisons = True

    return run


def shares(found, ms, bytes_moved, operations=0):
    """Of the time, what the memory's traffic and the products would take at the limits of the data sheet."""
    name = torch.cuda.get_device_name()
    limits = next((limit for kind, limit in LIMITS.items() if kind in name), None)
    found["GB/s"] = round(bytes_moved / ms / 1e6)
    if limits:
        found["share of memory's limit"] = round(bytes_moved / limits[0] * 1e3 / ms, 3)
        if operations:
            found["share of arithmetic's limit"] = round(operations / limits[1] * 1e3 / ms, 3)
    return found


def wrapped(tensors):
    return {name: TorchTensor(tensor.detach()) for name, tensor in tensors.items()}


def peer(found, name, work):
    try:
        found[name] = round(milliseconds(work, 5), 3)
    except Exception as e:  # another package's failure is a line of the report
        found[name] = f"{type(e).__name__}: {e}"[:300]


def chunked(x, dt, A, B, C, D, chunk=64):
    """The scan by tensor operators, quadratic within chunks, as lib/Ops/SsdScan.cs has it."""
    b, l, h, p = x.shape
    c, (g, n) = l // chunk, B.shape[2:]
    step = F.softplus(dt).view(b, c, chunk, h)
    log_decay = (step * A).permute(0, 3, 1, 2)
    sums = log_decay.cumsum(-1)
    later = torch.ones(chunk, chunk, dtype=torch.bool, device=x.device).triu(1)
    decay = (sums[..., :, None] - sums[..., None, :]).masked_fill(later, -torch.inf).exp()
    written = step[..., None].to(x.dtype) * x.view(b, c, chunk, h, p)
    write, read = (t.view(b, c, chunk, g, n).repeat_interleave(h // g, 3) for t in (B, C))
    mixing = torch.einsum("bcihn,bcjhn->bhcij", read, write) * decay.to(x.dtype)
    y = torch.einsum("bhcij,bcjhp->bcihp", mixing, written)
    added = torch.einsum("bcjhn,bhcj,bcjhp->cbhpn", write, decay[..., -1, :].to(x.dtype), written).float()
    state, entering = torch.zeros_like(added[0]), []
    for i in range(c):
        entering.append(state)
        state = state * sums[:, :, i, -1].exp()[..., None, None] + added[i]
    y = y + torch.einsum("bcihn,cbhpn,bhci->bcihp", read, torch.stack(entering).to(x.dtype), sums.exp().to(x.dtype))
    return y.reshape(b, l, h, p) + D[:, None].to(x.dtype) * x


@unpoisoned
def time_scan(library, b=8, l=12544, h=24, p=64, n=64):
    """Forward and backward in bfloat16, beside mamba_ssm's Triton kernel and the chunked form, eager and compiled."""
    torch.manual_seed(0)
    make = functools.partial(torch.randn, device="cuda", dtype=torch.bfloat16)
    tensors = {
        "x": make(b, l, h, p),
        "dt": torch.rand(b, l, h, device="cuda") - 2,
        "A": -torch.rand(h, device="cuda") - 0.5,
        "B": make(b, l, 1, n),
        "C": make(b, l, 1, n),
        "D": torch.ones(h, device="cuda"),
    }
    inputs, grad, settings = wrapped(tensors), make(b, l, h, p), {"dt_softplus": True}
    # The sums that the caller takes of small gradients go through Python here: they are left out.
    timed = {name: tensor for name, tensor in inputs.items() if name != "D"}
    kept = library.scan_forward(timed, settings)[1]
    forward = milliseconds(lambda: library.scan_forward(timed, settings))
    backward = milliseconds(lambda: library.scan_backward(timed, settings, kept, {"y": TorchTensor(grad)}))
    x, bc, steps = (t.numel() for t in (tensors["x"], tensors["B"], tensors["dt"]))
    least = 2 * (2 * x + 2 * bc) + 4 * steps + 2 * (3 * x + 4 * bc) + 12 * steps
    operations = 2 * b * l * h * (3 * 64 * p + 2 * 64 * n + 7 * p * n)
    found = {"forward ms": round(forward, 3), "backward ms": round(backward, 3)}
    shares(found, forward + backward, least, operations)

    leaves = {name: tensor.clone().requires_grad_() for name, tensor in tensors.items()}

    def step(work):
        y = work(*leaves.values())
        y.backward(grad)
        for leaf in leaves.values():
            leaf.grad = None

    try:
        from mamba_ssm.ops.triton.ssd_combined import mamba_chunk_scan_combined

        peer(
            found,
            "mamba_ssm's Triton, both ms",
            lambda: step(
                lambda x, dt, A, B, C, D: mamba_chunk_scan_combined(x, dt, A, B, C, 256, D=D, dt_softplus=True)
            ),
        )
    except ImportError as e:
        found["mamba_ssm's Triton, both ms"] = f"not here: {e}"
    # A quarter of the batch: the matrices of the decays take gigabytes.
    quarter = {
        name: (tensor[: b // 4] if tensor.dim() > 1 else tensor).clone().requires_grad_()
        for name, tensor in tensors.items()
    }

    def quarter_step(work):
        work(*quarter.values()).backward(grad[: b // 4])
        for leaf in quarter.values():
            leaf.grad = None

    peer(found, "chunked, both ms, a quarter of the batch", lambda: quarter_step(chunked))
    peer(
        found,
        "chunked under torch.compile, both ms, a quarter of the batch",
        lambda: quarter_step(torch.compile(chunked)),
    )
    return found


@unpoisoned
def time_conv(library, b=8, l=12544, d=1664):
    torch.manual_seed(0)
    x, grad = (torch.randn(b, l, d, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    inputs = wrapped({"x": x, "weight": torch.randn(d, 4, device="cuda"), "bias": torch.randn(d, device="cuda")})
    forward = milliseconds(lambda: library.conv_forward(inputs, {"silu": True}))
    backward = milliseconds(lambda: library.conv_backward(inputs, {"silu": True}, None, {"y": TorchTensor(grad)}))
    found = {"forward ms": round(forward, 3), "backward ms": round(backward, 3)}
    shares(found, forward + backward, 2 * 5 * x.numel())
    leaf = x.transpose(1, 2).contiguous().requires_grad_()
    weight = inputs["weight"].tensor.bfloat16()[:, None].requires_grad_()

    def theirs():
        F.silu(F.conv1d(leaf, weight, inputs["bias"].tensor.bfloat16(), padding=3, groups=d)[..., :l]).backward(
            grad.transpose(1, 2)
        )

    peer(found, "torch's, both ms", theirs)
    return found


@unpoisoned
def time_norm(library, rows=8 * 12544, d=1536):
    torch.manual_seed(0)
    x, z, grad = (torch.randn(rows, d, device="cuda", dtype=torch.bfloat16) for _ in range(3))
    inputs, settings = wrapped({"x": x, "z": z, "weight": torch.ones(d, device="cuda")}), {
        "eps": 1e-5,
        "norm_before_gate": False,
    }
    kept = library.norm_forward(inputs, settings)[1]
    forward = milliseconds(lambda: library.norm_forward(inputs, settings))
    backward = milliseconds(lambda: library.norm_backward(inputs, settings, kept, {"y": TorchTensor(grad)}))
    found = {"forward ms": round(forward, 3), "backward ms": round(backward, 3)}
    shares(found, forward + backward, 2 * 8 * x.numel())
    leaves = [t.clone().requires_grad_() for t in (x, z)]

    def theirs():
        F.rms_norm(leaves[0] * F.silu(leaves[1]), (d,), eps=1e-5).backward(grad)

    peer(found, "torch's, both ms", theirs)
    return found
