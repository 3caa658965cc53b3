"""ViT (Dosovitskiy et al., 2021) and Scaling ViT (Zhai et al., 2022), against timm and torchvision."""

from collections import OrderedDict
from functools import partial

import torch
import torch.nn.functional as F
import torchvision
from timm.layers import GroupNormAct, StdConv2dSame
from timm.layers.padding import pad_same
from timm.models.resnetv2 import ResNetV2
from timm.models.vision_transformer import VisionTransformer
from timm.models.vision_transformer_hybrid import HybridEmbed

from case import Case, integers, nchw, uniform
from objectives import HalfSgd, bfloat16, decayed, sigmoid_loss

SPEC = "test/oracle/specs/vit.vit"
SMALL = dict(img_size=20, patch_size=4, embed_dim=24, depth=2, num_heads=3, mlp_ratio=2.0, num_classes=10)
LABEL = {"train.label": integers(4, below=10)}


class Pretraining(VisionTransformer):
    """timm's, with the hidden layer before the head that its first versions had."""

    def __init__(self, representation: int, **settings):
        super().__init__(**settings)
        hidden = torch.nn.Linear(self.embed_dim, representation)
        self.pre_logits = torch.nn.Sequential(OrderedDict(fc=hidden, act=torch.nn.Tanh()))
        self.head = torch.nn.Linear(representation, self.num_classes)

    def forward_head(self, x: torch.Tensor, pre_logits: bool = False) -> torch.Tensor:
        return self.head(self.pre_logits(self.pool(x)))


class FlaxStdConv(StdConv2dSame):
    """timm's, with what the paper's code adds to the deviation, which timm adds to the variance."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = pad_same(x, self.kernel_size, self.stride, self.dilation)
        variance, mean = torch.var_mean(self.weight, dim=(1, 2, 3), keepdim=True, correction=0)
        return F.conv2d(x, (self.weight - mean) / (variance.sqrt() + 1e-5), None, self.stride, 0)


class Adafactor(torch.optim.Optimizer):
    """Scaling ViT's form (section 3.4 and its public code): the second moment by rows and columns of the two longest
    axes where both have `least`, a first moment that is kept in bfloat16, no clipping, decay beside the step."""

    def __init__(self, params, lr: float, momentum: float = 0.9, cap: float = 0.999, eps: float = 1e-30, least: int = 32):
        defaults = {"lr": lr, "momentum": momentum, "cap": cap, "eps": eps, "least": least, "weight_decay": 0.0}
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                self._update(p, group, self.state[p])

    def _update(self, p: torch.Tensor, group: dict, state: dict) -> None:
        state["t"] = t = state.get("t", 0) + 1
        beta = min(group["cap"], 1 - t**-0.8)
        squared = p.grad**2 + group["eps"]
        longest = sorted(range(p.dim()), key=lambda axis: p.shape[axis])[-2:]
        if len(longest) == 2 and all(p.shape[axis] >= group["least"] for axis in longest):
            a, b = longest
            row = state["row"] = beta * state.get("row", 0.0) + (1 - beta) * squared.mean(b, keepdim=True)
            col = state["col"] = beta * state.get("col", 0.0) + (1 - beta) * squared.mean(a, keepdim=True)
            update = p.grad / (row / row.mean(a, keepdim=True) * col).sqrt()
        else:
            full = state["full"] = beta * state.get("full", 0.0) + (1 - beta) * squared
            update = p.grad / full.sqrt()
        mean = group["momentum"] * state.get("mean", 0.0) + (1 - group["momentum"]) * update
        state["mean"] = bfloat16(mean)
        p -= group["lr"] * (mean + group["weight_decay"] * p)


def vit(**more) -> VisionTransformer:
    return VisionTransformer(**{**SMALL, **more})


def forward(case: Case, module: torch.nn.Module, model: str, size: int = 20, seen: int = 20) -> Case:
    inputs = {"image": uniform(2, size, size, 3)}
    return case.forward(f"{SPEC}:{model}", inputs, lambda image: {"output": module(nchw(image[:, :seen, :seen]))})


def token() -> Case:
    """A class token; softmax cross-entropy under AdamW with clipping, as on ImageNet alone."""
    module = vit()
    case = Case("vit-token", module, as_="timm", package="timm", what="VisionTransformer with a class token")
    return forward(case, module, "Token").train(
        f"{SPEC}:imagenet",
        {"image": uniform(4, 20, 20, 3), **LABEL},
        lambda image, label: F.cross_entropy(module(nchw(image)), label),
        torch.optim.AdamW(decayed(module, 0.3), lr=1e-2, eps=1e-3),
        clip=1.0,
        rates=[1e-2, 5e-3],
    )


def representation() -> Case:
    """The hidden layer before the head; binary cross-entropy of every class, as on ImageNet-21k."""
    module = Pretraining(16, **SMALL)
    case = Case("vit-representation", module, as_="timm", package="timm", what="VisionTransformer with pre-logits")
    return forward(case, module, "Representation").train(
        f"{SPEC}:imagenet21k",
        {"image": uniform(4, 20, 20, 3), **LABEL},
        lambda image, label: sigmoid_loss(module(nchw(image)), F.one_hot(label, 10).double()),
        torch.optim.AdamW(decayed(module, 0.03), lr=1e-2, eps=1e-3),
        clip=1.0,
        rates=[1e-2, 5e-3],
    )


def mean() -> Case:
    """Tokens averaged; momentum in half precision with clipping, as in transfer."""
    module = vit(class_token=False, global_pool="avg", fc_norm=False)
    case = Case("vit-mean", module, as_="timm", package="timm", what="VisionTransformer, tokens averaged after the norm")
    return forward(case, module, "Mean").train(
        f"{SPEC}:transfer",
        {"image": uniform(4, 20, 20, 3), **LABEL},
        lambda image, label: F.cross_entropy(module(nchw(image)), label),
        HalfSgd(module.parameters()),
        clip=1.0,
        rates=[0.1, 0.05],
    )


def hybrid() -> Case:
    """Patches of two ResNet stages: 32 pixels become 16, 8, 8 and 4."""
    stages = ResNetV2([2, 2], channels=(256, 512), num_classes=0, global_pool="", preact=False, stem_type="same",
                      conv_layer=FlaxStdConv, norm_layer=partial(GroupNormAct, num_groups=32, eps=1e-6))
    module = vit(img_size=32, patch_size=1, embed_layer=partial(HybridEmbed, backbone=stages))
    case = Case("vit-hybrid", module, as_="timm", package="timm", what="VisionTransformer on stages of a ResNetV2")
    return forward(case, module, "Hybrid", 32, 32)


def published() -> Case:
    """torchvision's own implementation, under its names: attention in one piece of another layout."""
    module = torchvision.models.VisionTransformer(image_size=20, patch_size=4, num_layers=2, num_heads=3, hidden_dim=24,
                                                  mlp_dim=48, num_classes=10, representation_size=16)
    case = Case("vit-torchvision", module, as_="torchvision", package="torchvision", what="VisionTransformer")
    return forward(case, module, "Representation")


def scaling() -> Case:
    """No class token, pooled by attention, the last pixels left out; Adafactor with a stronger decay of the head."""
    module = vit(class_token=False, global_pool="map", act_layer=partial(torch.nn.GELU, approximate="tanh"))
    case = Case("vit-scaling", module, as_="timm", package="timm", what="VisionTransformer with an attention pool")
    body, others = decayed(module, 0.03, spared=("pos_embed", "attn_pool.latent"))
    head = module.head.weight
    groups = [{**body, "params": [p for p in body["params"] if p is not head]}, others, {"params": [head], "weight_decay": 3.0}]
    return forward(case, module, "Scaling", 22).train(
        f"{SPEC}:scaling",
        {"image": uniform(4, 22, 22, 3), **LABEL},
        lambda image, label: sigmoid_loss(module(nchw(image[:, :20, :20])), F.one_hot(label, 10).double()),
        Adafactor(groups, lr=1e-2, eps=1e-6, least=16),
        clip=1.0,
        rates=[1e-2, 5e-3],
    )


def cases():
    yield token()
    yield representation()
    yield mean()
    yield hybrid()
    yield published()
    yield scaling()
