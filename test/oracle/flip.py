"""FLIP (Li et al., 2023): published in JAX alone, so an oracle in PyTorch from the facts of its code; layers are timm's."""

import math
from functools import partial

import torch
import torch.nn.functional as F
from timm.models.vision_transformer import Block
from torch import nn

from case import Case, given, nchw, uniform

SPEC = "test/oracle/specs/flip.vit"
norm = partial(nn.LayerNorm, eps=1e-6)

IDS = [[3, 17, 9, 0, 0, 0], [5, 5, 21, 30, 2, 12], [11, 0, 0, 0, 0, 0], [7, 29, 8, 1, 39, 0], [38, 2, 4, 0, 0, 0]]


def layers(width: int, heads: int, depth: int = 2, ratio: int = 4) -> nn.ModuleList:
    gelu = partial(nn.GELU, approximate="tanh")
    return nn.ModuleList(
        Block(width, heads, mlp_ratio=ratio, qkv_bias=True, norm_layer=norm, act_layer=gelu) for _ in range(depth)
    )


def waves(side: int, width: int) -> torch.Tensor:
    """Sines and cosines of the column, then of the row."""
    rates = 10_000.0 ** (-torch.arange(width // 4) / (width / 4))
    row, col = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    angles = [place.reshape(-1, 1).double() * rates for place in (col, row)]
    return torch.cat([part for angle in angles for part in (angle.sin(), angle.cos())], 1)


class Visual(nn.Module):
    """No norm before the layers; fixed positions, none for the class token; the mean of all tokens is projected."""

    def __init__(self, width: int = 24, patch: int = 8, size: int = 24, out: int = 20):
        super().__init__()
        self.class_token = nn.Parameter(torch.zeros(width))
        self.patch_embed = nn.Conv2d(3, width, patch, patch)
        self.layers = layers(width, 3)
        self.norm = norm(width)
        self.proj = nn.Linear(width, out, bias=False)
        self.waves = waves(size // patch, width)

    def forward(self, image: torch.Tensor, kept: torch.Tensor | None = None) -> torch.Tensor:
        x = self.patch_embed(nchw(image)).flatten(2).transpose(1, 2) + self.waves
        if kept is not None:
            x = x.gather(1, kept[:, :, None].expand(-1, -1, x.shape[-1]))
        x = torch.cat([self.class_token.expand(len(x), 1, -1), x], 1)
        for layer in self.layers:
            x = layer(x)
        return self.proj(self.norm(x).mean(1))


class Textual(nn.Module):
    """Every place sees all; the first one is projected."""

    def __init__(self, width: int = 16, words: int = 40, context: int = 6, out: int = 20):
        super().__init__()
        self.words = nn.Embedding(words, width)
        self.position = nn.Parameter(torch.zeros(context, width))
        self.layers = layers(width, 2)
        self.norm = norm(width)
        self.proj = nn.Linear(width, out, bias=False)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        x = self.words(ids) + self.position
        for layer in self.layers:
            x = layer(x)
        return self.proj(self.norm(x)[:, 0])


class Flip(nn.Module):
    def __init__(self):
        super().__init__()
        self.visual = Visual()
        self.textual = Textual()
        self.log_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))

    def forward(self, image, ids, kept=None) -> dict:
        unit = lambda z: z / (z.norm(dim=-1, keepdim=True) + 1e-8)
        scale = self.log_scale.exp()
        return {"image": unit(self.visual(image, kept)), "text": unit(self.textual(ids)), "scale": scale}


def cases():
    model = Flip()
    case = Case("flip-masked", model, as_="torch", package="timm", what="FLIP's towers of timm's Block")
    case.forward(f"{SPEC}:Towers", {"image": uniform(2, 24, 24, 3), "text": given(IDS[:2])}, lambda *inputs: model(*inputs))

    def loss(image, ids):
        kept = (torch.arange(len(image))[:, None] - torch.arange(4)[None]) % 9
        seen = model(image, ids, kept)
        logits = seen["scale"].clamp(1, 100) * seen["image"] @ seen["text"].T
        diagonal = torch.arange(len(image))
        return (F.cross_entropy(logits, diagonal) + F.cross_entropy(logits.T, diagonal)) / 2

    spared = {"textual.position"}
    decays = {"visual.class_token", "log_scale"}
    named = list(model.named_parameters())
    with_decay = [p for name, p in named if (p.dim() >= 2 and name not in spared) or name in decays]
    without = [p for name, p in named if not ((p.dim() >= 2 and name not in spared) or name in decays)]
    groups = [{"params": with_decay, "weight_decay": 0.2}, {"params": without, "weight_decay": 0.0}]
    yield case.train(
        f"{SPEC}:masked",
        {"image": uniform(5, 24, 24, 3), "text": given(IDS)},
        loss,
        torch.optim.AdamW(groups, lr=2e-2, betas=(0.9, 0.95), eps=1e-2),
        rates=[2e-2, 1e-2],
    )
