# The Python peer of `patchkit bench train`: the small nets and a training step as a PyTorch user writes them. Reads a
# line, answers a number:
#   load CASE FILE        makes a model, such as vit-2, of the weights in a safetensors file, which holds images and
#                         labels too; answers their loss
#   train CASE THREADS N  takes N training steps; answers milliseconds per step
#   loss CASE             answers the loss
import math
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

D, DEPTH, CLASSES = 48, 2, 16
INNER, HEAD, STATE, WIDTH, CHUNK = 96, 32, 32, 4, 64


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv, self.proj = nn.Linear(D, 3 * D), nn.Linear(D, D)

    def forward(self, x):
        b, l, d = x.shape
        q, k, v = self.qkv(x).reshape(b, l, 3, 1, d).permute(2, 0, 3, 1, 4).unbind(0)
        weights = ((q @ k.transpose(-2, -1)) * d**-0.5).softmax(-1)
        return self.proj((weights @ v).transpose(1, 2).reshape(b, l, d))


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(D, 4 * D), nn.Linear(4 * D, D)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class VitBlock(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(D, eps=1e-6), nn.LayerNorm(D, eps=1e-6)
        self.attn, self.mlp = Attention(), Mlp()

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class RmsNorm(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x, z=None):
        if z is not None:
            x = x * F.silu(z)
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-5) * self.weight


def segment_sum(values):
    q = values.shape[-1]
    sums = values.unsqueeze(-1).expand(*values.shape, q).tril(-1).cumsum(-2)
    return sums.masked_fill(torch.ones(q, q, dtype=torch.bool).triu(1), -math.inf)


# State space duality in equal chunks, as short as is best for it.
def scan(x, dt, A, B, C):  # (b, l, h, p), (b, l, h), (h), (b, l, n), (b, l, n)
    b, l, h, p = x.shape
    c = -(-l // CHUNK)
    q = -(-l // c)
    cut = lambda v: F.pad(v, (0, 0) * (v.dim() - 2) + (0, c * q - l)).reshape(b, c, q, *v.shape[2:])
    x, B, C = cut(dt.unsqueeze(-1) * x), cut(B), cut(C)
    log_decay = cut(dt * A).permute(0, 3, 1, 2)
    decay, since_start = segment_sum(log_decay).exp(), log_decay.cumsum(-1)
    y = torch.einsum("bcin,bcjn,bhcij,bcjhp->bcihp", C, B, decay, x)
    if c > 1:
        states = torch.einsum("bcjn,bhcj,bcjhp->bchpn", B, (since_start[..., -1:] - since_start).exp(), x)
        states = torch.cat([torch.zeros_like(states[:, :1]), states], 1)
        carry = segment_sum(F.pad(since_start[..., -1], (1, 0))).exp()
        states = torch.einsum("bhzc,bchpn->bzhpn", carry, states)[:, :-1]
        y = y + torch.einsum("bcin,bchpn,bhci->bcihp", C, states, since_start.exp())
    return y.reshape(b, c * q, h, p)[:, :l]


class Mamba2(nn.Module):
    def __init__(self):
        super().__init__()
        heads, convolved = INNER // HEAD, INNER + 2 * STATE
        self.in_proj = nn.Linear(D, INNER + convolved + heads, bias=False)
        self.conv1d = nn.Conv1d(convolved, convolved, WIDTH, groups=convolved, padding=WIDTH - 1)
        self.dt_bias, self.A_log, self.D = (nn.Parameter(torch.ones(heads)) for _ in range(3))
        self.norm = RmsNorm(INNER)
        self.out_proj = nn.Linear(INNER, D, bias=False)

    def forward(self, u):
        b, l, _ = u.shape
        z, xBC, dt = self.in_proj(u).split([INNER, INNER + 2 * STATE, INNER // HEAD], -1)
        xBC = F.silu(self.conv1d(xBC.transpose(1, 2))[..., :l].transpose(1, 2))
        x, B, C = xBC.split([INNER, STATE, STATE], -1)
        x = x.reshape(b, l, -1, HEAD)
        y = scan(x, F.softplus(dt + self.dt_bias), -self.A_log.exp(), B, C) + self.D.unsqueeze(-1) * x
        return self.out_proj(self.norm(y.reshape(b, l, INNER), z))


class SwiGlu(nn.Module):
    def __init__(self):
        super().__init__()
        hidden = int(2.5 * D)
        self.w1, self.w2, self.w3 = nn.Linear(D, hidden), nn.Linear(D, hidden), nn.Linear(hidden, D)

    def forward(self, x):
        return self.w3(F.silu(self.w1(x)) * self.w2(x))


class AdventurerBlock(nn.Module):
    def __init__(self, flip):
        super().__init__()
        self.flip = flip
        self.mixer, self.norm, self.mlp, self.norm_mlp = Mamba2(), RmsNorm(D), SwiGlu(), RmsNorm(D)

    def mix(self, x):
        if self.flip:
            x = torch.cat([x[:, :-1].flip(1), x[:, -1:]], 1)
        x = self.mixer(torch.cat([x.mean(1, keepdim=True), x], 1))[:, 1:]
        return torch.cat([x[:, :-1].flip(1), x[:, -1:]], 1) if self.flip else x

    def forward(self, x):
        x = x + self.mix(self.norm(x))
        return x + self.mlp(self.norm_mlp(x))


class PatchEmbed(nn.Module):
    def __init__(self, patch):
        super().__init__()
        self.proj = nn.Conv2d(3, D, patch, stride=patch)

    def forward(self, images):
        return self.proj(images).flatten(2).transpose(1, 2)


class Backbone(nn.Module):
    def __init__(self, family, patch, tokens):
        super().__init__()
        self.vit = family == "vit"
        self.cls_token, self.pos_embed = nn.Parameter(torch.zeros(1, 1, D)), nn.Parameter(torch.zeros(1, tokens, D))
        self.patch_embed = PatchEmbed(patch)
        if self.vit:
            self.blocks, self.norm = nn.ModuleList(VitBlock() for _ in range(DEPTH)), nn.LayerNorm(D, eps=1e-6)
        else:
            self.layers, self.norm_f = nn.ModuleList(AdventurerBlock(n % 2 == 1) for n in range(DEPTH)), RmsNorm(D)
        self.head = nn.Linear(D, CLASSES)

    def forward(self, images):
        patches, cls = self.patch_embed(images), self.cls_token.expand(len(images), -1, -1)
        x = torch.cat([cls, patches] if self.vit else [patches, cls], 1) + self.pos_embed
        for block in self.blocks if self.vit else self.layers:
            x = block(x)
        return self.head(self.norm(x[:, 0]) if self.vit else self.norm_f(x[:, -1]))


class Case:
    def __init__(self, name, file):
        family, patch = name.split("-")
        weights = dict(tensors(file))
        self.images, self.labels = weights.pop("images"), weights.pop("labels")
        self.model = Backbone(family, int(patch), weights["pos_embed"].shape[1])
        self.model.load_state_dict(weights)
        decayed = {True: [], False: []}
        for parameter_name, parameter in self.model.named_parameters():
            decayed[parameter.dim() > 1 and parameter_name not in ("pos_embed", "cls_token")].append(parameter)
        groups = [{"params": decayed[True], "weight_decay": 0.05}, {"params": decayed[False], "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.99))

    def loss(self):
        return F.cross_entropy(self.model(self.images), self.labels)

    def step(self):
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        return loss.item()


print(torch.__version__, flush=True)
cases = {}
for line in sys.stdin:
    verb, name, *rest = line.rstrip("\n").split(" ", 2)
    if verb == "load":
        cases[name] = Case(name, rest[0])
    if verb == "train":
        threads, steps = map(int, rest[0].split())
        torch.set_num_threads(threads)
        start = time.perf_counter()
        for _ in range(steps):
            cases[name].step()
        print((time.perf_counter() - start) * 1e3 / steps, flush=True)
    else:
        print(cases[name].loss().item(), flush=True)
