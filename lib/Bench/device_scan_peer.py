# The Python peer of `patchkit bench scan --device`: the selective scan, forward and backward. Reads a line, answers
# milliseconds, or nan for what cannot be had:
#   load DEVICE DTYPE B L H P N  makes random inputs; answers 0
#   triton                       mamba_ssm's fused kernels
#   chunked                      the maths of mamba_ssm's ssd_minimal in tensor operators: decays in float32,
#                                products in DTYPE
import math
import sys
import time

import torch
import torch.nn.functional as F

try:
    from mamba_ssm.ops.triton.ssd_combined import mamba_chunk_scan_combined
except ImportError:
    mamba_chunk_scan_combined = None

CHUNK = 64
TRITON_CHUNK = 256  # mamba_ssm's own choice


def segment_sum(values):
    q = values.shape[-1]
    sums = values.unsqueeze(-1).expand(*values.shape, q).tril(-1).cumsum(-2)
    return sums.masked_fill(torch.ones(q, q, dtype=torch.bool, device=values.device).triu(1), -math.inf)


def chunked(x, dt, A, B, C, D, dt_bias):
    b, l, h, p = x.shape
    c = -(-l // CHUNK)
    cut = lambda v: F.pad(v, (0, 0) * (v.dim() - 2) + (0, c * CHUNK - l)).reshape(b, c, CHUNK, *v.shape[2:])
    step = F.softplus(dt + dt_bias)
    inputs = cut((step.unsqueeze(-1) * x).to(x.dtype))
    write, read = (cut(v.expand(b, l, h, v.shape[-1])) for v in (B, C))
    log_decay = cut(step * A).permute(0, 3, 1, 2)
    since_start = log_decay.cumsum(-1)
    decay = segment_sum(log_decay).exp().to(x.dtype)
    within = torch.einsum("bcihn,bcjhn,bhcij,bcjhp->bcihp", read, write, decay, inputs)
    to_end = (since_start[..., -1:] - since_start).exp().to(x.dtype)
    written = torch.einsum("bcjhn,bhcj,bcjhp->bchpn", write, to_end, inputs)
    states = torch.cat([torch.zeros_like(written[:, :1]), written], 1).float()
    carry = segment_sum(F.pad(since_start[..., -1], (1, 0))).exp()
    states = torch.einsum("bhzc,bchpn->bzhpn", carry, states)[:, :-1].to(x.dtype)
    across = torch.einsum("bcihn,bchpn,bhci->bcihp", read, states, since_start.exp().to(x.dtype))
    return (within + across).reshape(b, c * CHUNK, h, p)[:, :l] + (D.unsqueeze(-1) * x).to(x.dtype)


def triton(x, dt, A, B, C, D, dt_bias):
    return mamba_chunk_scan_combined(x, dt, A, B, C, TRITON_CHUNK, D=D, dt_bias=dt_bias, dt_softplus=True)


def milliseconds(form):
    wait = torch.cuda.synchronize if leaves[0].is_cuda else lambda: None
    wait()
    start = time.perf_counter()
    torch.autograd.grad(form(*leaves), leaves, gradient)
    wait()
    return (time.perf_counter() - start) * 1e3


def answer(verb, rest):
    global leaves, gradient
    if verb == "load":
        device, dtype = rest[0], getattr(torch, rest[1])
        b, l, h, p, n = map(int, rest[2:])
        make = lambda kind, *sizes: torch.randn(*sizes, device=device, dtype=kind)
        leaves = [make(dtype, b, l, h, p), make(torch.float32, b, l, h), -torch.rand(h, device=device) - 0.1,
                  make(dtype, b, l, 1, n), make(dtype, b, l, 1, n),
                  make(torch.float32, h), make(torch.float32, h)]
        leaves = [leaf.requires_grad_() for leaf in leaves]
        gradient = make(dtype, b, l, h, p)
        return 0
    if verb == "triton":
        return milliseconds(triton) if mamba_chunk_scan_combined and leaves[0].is_cuda else math.nan
    return milliseconds(chunked)


torch.manual_seed(0)
torch.backends.cuda.matmul.allow_tf32 = True
print(torch.__version__, flush=True)
for line in sys.stdin:
    verb, *rest = line.split()
    try:
        number = answer(verb, rest)
    except RuntimeError as error:
        if "out of memory" not in str(error):
            raise
        number = math.nan
    print(number, flush=True)
