# The Python peer of `patchkit bench steps`: a Vision Transformer and its training step in eager PyTorch. As ours does,
# the last block computes the class token alone, which is all that the head reads. Reads a line, answers a number:
#   load DEVICE THREADS BATCH HEADS FILE  makes a model of the weights in a safetensors file, which holds some images
#                                         and labels too; answers their loss
#   step SECONDS                          takes training steps on that batch for so long, at least one; answers the
#                                         seconds of one, or nan where it does not fit
#   peak                                  answers the most bytes that the device's tensors held since `load`, or nan
#                                         where the device does not say
#   free                                  drops the model; answers 0
import math
import re
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F


def attention(q, k, v):
    if hasattr(F, "scaled_dot_product_attention"):
        return F.scaled_dot_product_attention(q, k, v)
    return ((q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)).softmax(-1) @ v


class Attention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads, self.qkv, self.proj = heads, nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)

    def forward(self, x, queries):
        b, l, d = x.shape
        q, k, v = self.qkv(x).reshape(b, l, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        return self.proj(attention(q[:, :, :queries], k, v).transpose(1, 2).reshape(b, queries, d))


class Mlp(nn.Module):
    def __init__(self, dim, hidden):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(dim, hidden), nn.Linear(hidden, dim)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class Block(nn.Module):
    def __init__(self, dim, hidden, heads):
        super().__init__()
        self.norm1, self.attn = nn.LayerNorm(dim, eps=1e-6), Attention(dim, heads)
        self.norm2, self.mlp = nn.LayerNorm(dim, eps=1e-6), Mlp(dim, hidden)

    def forward(self, x, queries):
        x = x[:, :queries] + self.attn(self.norm1(x), queries)
        return x + self.mlp(self.norm2(x))


class PatchEmbed(nn.Module):
    def __init__(self, dim, patch):
        super().__init__()
        self.proj = nn.Conv2d(3, dim, patch, stride=patch)

    def forward(self, images):
        return self.proj(images).flatten(2).transpose(1, 2)


class VisionTransformer(nn.Module):
    def __init__(self, weights, heads):
        super().__init__()
        dim, _, _, patch = weights["patch_embed.proj.weight"].shape
        hidden = len(weights["blocks.0.mlp.fc1.weight"])
        depth = 1 + max(int(match[1]) for match in map(re.compile(r"blocks\.(\d+)").match, weights) if match)
        self.cls_token = nn.Parameter(torch.empty_like(weights["cls_token"]))
        self.pos_embed = nn.Parameter(torch.empty_like(weights["pos_embed"]))
        self.patch_embed = PatchEmbed(dim, patch)
        self.blocks = nn.ModuleList(Block(dim, hidden, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.head = nn.Linear(dim, len(weights["head.weight"]))
        self.load_state_dict(weights)

    def forward(self, images):
        x = torch.cat([self.cls_token.expand(len(images), -1, -1), self.patch_embed(images)], 1) + self.pos_embed
        for block in self.blocks:
            x = block(x, 1 if block is self.blocks[-1] else x.shape[1])
        return self.head(self.norm(x[:, 0]))


class Training:
    def __init__(self, device, batch, heads, file):
        self.cuda = device.startswith("cuda")
        weights = dict(tensors(file))
        images, labels = weights.pop("images").to(device), weights.pop("labels").to(device)
        self.model = VisionTransformer(weights, heads).to(device)
        fused = {"fused": True} if self.cuda else {}
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-4, weight_decay=0.05, **fused)
        with torch.no_grad():
            self.first_loss = self.loss(images, labels).item()
        self.images = torch.randn(batch, *images.shape[1:], device=device)
        self.labels = torch.randint(len(self.model.head.weight), (batch,), device=device)
        if self.cuda:
            torch.cuda.reset_peak_memory_stats()

    def loss(self, images, labels):
        if not self.cuda:
            return F.cross_entropy(self.model(images), labels)
        with torch.autocast("cuda", torch.bfloat16):
            return F.cross_entropy(self.model(images), labels)

    def step(self):
        self.optimizer.zero_grad(set_to_none=True)
        self.loss(self.images, self.labels).backward()
        self.optimizer.step()
        if self.cuda:
            torch.cuda.synchronize()

    def steps(self, enough):
        took, begin = [], time.perf_counter()
        while not took or time.perf_counter() - begin < enough:
            start = time.perf_counter()
            self.step()
            took.append(time.perf_counter() - start)
        return min(took)


def answer(verb, rest):
    global training
    if verb == "load":
        device, threads, batch, heads, file = rest.split(" ", 4)
        torch.set_num_threads(int(threads))
        training = Training(device, int(batch), int(heads), file)
        return training.first_loss
    if verb == "step":
        return training.steps(float(rest))
    if verb == "peak":
        return torch.cuda.max_memory_allocated() if training.cuda else math.nan
    training = None
    return 0


torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
training = None
print(torch.__version__, flush=True)
for line in sys.stdin:
    verb, _, rest = line.rstrip("\n").partition(" ")
    try:
        number = answer(verb, rest)
    except RuntimeError as error:
        if "out of memory" not in str(error):
            raise
        training, number = None, math.nan
    if training is None and torch.cuda.is_available():
        torch.cuda.empty_cache()
    print(number, flush=True)
