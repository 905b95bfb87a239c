# The Python peer of `patchkit bench attention --device`: PyTorch's own attention, forward and backward. Reads a line,
# answers a number:
#   load DEVICE DTYPE B H L D  makes random inputs; answers 0, or nan where this PyTorch has no
#                              scaled_dot_product_attention
#   run                        answers milliseconds
import math
import sys
import time

import torch
import torch.nn.functional as F

print(torch.__version__, flush=True)
for line in sys.stdin:
    verb, *rest = line.split()
    if verb == "load":
        sizes, options = list(map(int, rest[2:])), {"device": rest[0], "dtype": getattr(torch, rest[1])}
        leaves = [torch.randn(sizes, **options).requires_grad_() for _ in range(3)]
        gradient = torch.randn(sizes, **options)
        print(0 if hasattr(F, "scaled_dot_product_attention") else math.nan, flush=True)
        continue
    wait = torch.cuda.synchronize if gradient.is_cuda else lambda: None
    wait()
    start = time.perf_counter()
    torch.autograd.grad(F.scaled_dot_product_attention(*leaves), leaves, gradient)
    wait()
    print((time.perf_counter() - start) * 1e3, flush=True)
