"""Early Convolutions (Xiao et al., 2021), in PyTorch from the facts of pycls, under its names."""

import torch
import torch.nn.functional as F

from case import Case, integers, nchw, uniform
from objectives import mirrored

SPEC = "test/oracle/specs/early-conv.vit"


class SelfAttention(torch.nn.Module):
    def __init__(self, width: int, heads: int):
        super().__init__()
        self.block = torch.nn.MultiheadAttention(width, heads, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.block(x, x, x, need_weights=False)[0]


class MlpBlock(torch.nn.Module):
    def __init__(self, width: int, hidden: int):
        super().__init__()
        self.linear_1, self.linear_2 = torch.nn.Linear(width, hidden), torch.nn.Linear(hidden, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear_2(F.gelu(self.linear_1(x)))


class Block(torch.nn.Module):
    def __init__(self, width: int, heads: int, hidden: int):
        super().__init__()
        self.ln_1, self.ln_2 = torch.nn.LayerNorm(width, eps=1e-6), torch.nn.LayerNorm(width, eps=1e-6)
        self.self_attention, self.mlp_block = SelfAttention(width, heads), MlpBlock(width, hidden)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.self_attention(self.ln_1(x))
        return x + self.mlp_block(self.ln_2(x))


def conv_stem(widths: list[int], strides: list[int], width: int) -> torch.nn.Sequential:
    stem, channels = torch.nn.Sequential(), 3
    for i, (out, stride) in enumerate(zip(widths, strides)):
        stem.add_module(f"cstem{i}_conv", torch.nn.Conv2d(channels, out, 3, stride, 1, bias=False))
        stem.add_module(f"cstem{i}_bn", torch.nn.BatchNorm2d(out))
        stem.add_module(f"cstem{i}_af", torch.nn.ReLU())
        channels = out
    stem.add_module("cstem_last_conv", torch.nn.Conv2d(channels, width, 1))
    return stem


def patch_stem(patch: int, width: int) -> torch.nn.Sequential:
    stem = torch.nn.Sequential()
    stem.add_module("patchify", torch.nn.Conv2d(3, width, patch, patch))
    return stem


class ViT(torch.nn.Module):
    def __init__(self, stem: torch.nn.Module, tokens: int, width: int, depth: int, heads: int, hidden: int):
        super().__init__()
        self.stem = stem
        self.class_token = torch.nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embedding = torch.nn.Parameter(torch.zeros(1, tokens + 1, width))
        self.encoder = torch.nn.Sequential()
        for i in range(depth):
            self.encoder.add_module(f"block_{i}", Block(width, heads, hidden))
        self.encoder.add_module("ln", torch.nn.LayerNorm(width, eps=1e-6))
        self.head = torch.nn.Sequential()
        self.head.add_module("head_fc", torch.nn.Linear(width, 10))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        x = self.stem(nchw(image)).flatten(2).transpose(1, 2)
        x = torch.cat([self.class_token.expand(len(x), -1, -1), x], dim=1) + self.pos_embedding
        return self.head(self.encoder(x)[:, 0])


def case_of(name: str, stem: torch.nn.Module, model: str, recipe: str, optimizer, rates: list[float],
            averaged: bool) -> Case:
    """Cross-entropy of smoothed and mixed labels; norms and biases do not decay; a twin of averaged weights."""
    module = ViT(stem, 36, 24, 2, 3, 72)
    case = Case(name, module, as_="pycls", package="torch", what="pycls's ViT, written from its facts")
    average = case.twin("average", of="model") if averaged else None
    case.forward(f"{SPEC}:{model}", {"image": uniform(2, 24, 24, 3)}, lambda image: {"output": module(image)})

    def loss(image, label):
        target = mirrored(0.9 * F.one_hot(label, 10).double() + 0.01, 0.75)
        return -(target * F.log_softmax(module(mirrored(image, 0.75)), -1)).sum(-1).mean()

    def follow(step):
        if average is None:
            return
        with torch.no_grad():
            for ours, theirs in zip(average.parameters(), module.parameters()):
                ours.lerp_(theirs, 0.4)
            for ours, theirs in zip(average.buffers(), module.buffers()):
                if ours.dtype.is_floating_point:
                    ours.lerp_(theirs, 0.4)

    decays = [p for name, p in module.named_parameters() if p.dim() >= 2]
    spared = [p for name, p in module.named_parameters() if p.dim() < 2]
    return case.train(
        f"{SPEC}:{recipe}",
        {"image": uniform(4, 24, 24, 3), "train.label": integers(4, below=10)},
        loss,
        optimizer(decays, spared),
        rates=rates,
        after=follow,
    )


def adam(decays, spared):
    return torch.optim.AdamW([{"params": decays, "weight_decay": 0.24}, {"params": spared, "weight_decay": 0.0}],
                             lr=1e-2, eps=1e-3)


def nesterov(decays, spared):
    return torch.optim.SGD([{"params": decays, "weight_decay": 0.01}, {"params": spared, "weight_decay": 0.0}],
                           lr=0.05, momentum=0.9, nesterov=True)


def cases():
    yield case_of("early-conv-c", conv_stem([8, 12, 16], [2, 2, 1], 24), "Conv", "conv", adam, [1e-2, 5e-3],
                  averaged=True)
    yield case_of("early-conv-p", patch_stem(4, 24), "Patch", "patch", nesterov, [0.05, 0.025], averaged=False)
