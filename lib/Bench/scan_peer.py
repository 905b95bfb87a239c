# The Python peer of `patchkit bench scan`: SsdScan.Chunked, operator for operator. Reads a number of threads per line,
# answers the milliseconds of a forward and backward pass.
import sys
import time

import torch
import torch.nn.functional as F

L, H, P, N, Q = 4096, 16, 64, 64, 64


def segment_sum(values):
    q = values.shape[-1]
    sums = values.unsqueeze(-1).expand(*values.shape, q).tril(-1).cumsum(-2)
    later = torch.ones(q, q, dtype=torch.bool).triu(1)
    return sums.masked_fill(later, float("-inf"))


def chunks(values):
    return values.reshape(values.shape[0], L // Q, Q, *values.shape[2:])


def chunked(x, dt, A, B, C, D, dt_bias):
    b, c = x.shape[0], L // Q
    step = F.softplus(dt + dt_bias)
    inputs = chunks(step.unsqueeze(-1) * x)
    write, read = (chunks(v.repeat_interleave(H // v.shape[2], 2)) for v in (B, C))
    log_decay = chunks(step * A).permute(0, 3, 1, 2)
    decay, since_start = segment_sum(log_decay).exp(), log_decay.cumsum(-1)
    within = torch.einsum("bcihn,bcjhn,bhcij,bcjhp->bcihp", read, write, decay, inputs)
    to_end = decay.select(-2, Q - 1)
    written = torch.einsum("bcjhn,bhcj,bcjhp->bchpn", write, to_end, inputs)
    start = torch.zeros(b, 1, H, P, N)
    chunk_decay = F.pad(since_start.select(-1, Q - 1), [1, 0])
    states = torch.einsum("bhzc,bchpn->bzhpn", segment_sum(chunk_decay).exp(), torch.cat([start, written], 1))
    across = torch.einsum("bcihn,bchpn,bhci->bcihp", read, states.narrow(1, 0, c), since_start.exp())
    y = (within + across).reshape(b, L, H, P) + D.reshape(-1, 1) * x
    return y, states.select(1, c).contiguous()


torch.manual_seed(0)
torch.backends.opt_einsum.enabled = False  # the order of the products as written, as in C#
leaves = [
    torch.randn(1, L, H, P), torch.randn(1, L, H), -torch.rand(H) - 0.1,
    torch.randn(1, L, 1, N), torch.randn(1, L, 1, N), torch.randn(H), torch.randn(H),
]
for leaf in leaves:
    leaf.requires_grad_()
gradient = torch.randn(1, L, H, P)

print(torch.__version__, flush=True)
for line in sys.stdin:
    torch.set_num_threads(int(line))
    start = time.perf_counter()
    y, _ = chunked(*leaves)
    torch.autograd.grad(y, leaves, gradient)
    print((time.perf_counter() - start) * 1e3, flush=True)
    del y
