"""Scaling ViT (Zhai et al., 2022): timm's ViT with attention pooling under big_vision's Adafactor, from its facts."""

from functools import partial

import torch
import torch.nn.functional as F
from timm.models.vision_transformer import VisionTransformer

from case import Case, integers, nchw, uniform
from objectives import bfloat16, sigmoid_loss

SPEC = "test/oracle/specs/scaling-vit.vit"


class Adafactor:
    """Rows and columns of the second moment where both are at least 32 long, else all of it; a mean of the updates, kept
    in bfloat16. Decay is decoupled and `decays` says how much of it a parameter has."""

    def __init__(self, groups: list[dict], eps: float = 1e-30):
        self.param_groups, self.eps, self.step_count, self.state = groups, eps, 0, {}

    def step(self) -> None:
        self.step_count += 1
        beta = min(0.999, 1 - self.step_count**-0.8)
        for group in self.param_groups:
            for p in group["params"]:
                with torch.no_grad():
                    p -= group["lr"] * (self._update(p, beta) + group["weight_decay"] * p)

    def _update(self, p: torch.Tensor, beta: float) -> torch.Tensor:
        state = self.state.setdefault(p, {"m": torch.zeros_like(p)})
        squared = p.grad**2 + self.eps
        axes = sorted(sorted(range(p.dim()), key=lambda axis: p.shape[axis])[-2:])
        if p.dim() >= 2 and min(p.shape[axis] for axis in axes) >= 32:
            rows, cols = axes
            for name, axis in (("r", cols), ("c", rows)):
                mean = squared.mean(axis, keepdim=True)
                state[name] = beta * state.get(name, 0) + (1 - beta) * mean
            row = (state["r"] / state["r"].mean(rows, keepdim=True)).rsqrt()
            update = p.grad * row * state["c"].rsqrt()
        else:
            state["v"] = beta * state.get("v", 0) + (1 - beta) * squared
            update = p.grad * state["v"].rsqrt()
        moment = 0.9 * state["m"] + 0.1 * update
        state["m"] = bfloat16(moment)
        return moment


def pretraining() -> Case:
    module = VisionTransformer(
        img_size=28, patch_size=4, embed_dim=32, depth=2, num_heads=4, mlp_ratio=1.5, num_classes=10,
        class_token=False, global_pool="map", act_layer=partial(torch.nn.GELU, approximate="tanh"))
    case = Case("scaling-vit-map", module, as_="timm", package="timm",
                what="VisionTransformer with attention pooling; Adafactor written from big_vision's facts")
    whole = lambda image: nchw(image[:, :28, :28])
    case.forward(f"{SPEC}:Small", {"image": uniform(2, 30, 30, 3)}, lambda image: {"output": module(whole(image))})
    named = dict(module.named_parameters())
    spared = {name for name, p in named.items() if p.dim() < 2 or name in ("pos_embed", "attn_pool.latent")}
    groups = [
        {"params": [named["head.weight"]], "weight_decay": 3.0},
        {"params": [p for name, p in named.items() if name not in spared | {"head.weight"}], "weight_decay": 0.03},
        {"params": [named[name] for name in sorted(spared)], "weight_decay": 0.0},
    ]
    return case.train(
        f"{SPEC}:small",
        {"image": uniform(4, 30, 30, 3), "train.label": integers(4, below=10)},
        lambda image, label: sigmoid_loss(module(whole(image)), F.one_hot(label, 10).double()),
        Adafactor(groups, eps=1e-6),  # a key's bias has no gradient to divide by
        clip=1.0,
        rates=[1e-2, 5e-3],
    )


def cases():
    yield pretraining()
