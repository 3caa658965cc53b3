"""ViT (Dosovitskiy et al., 2021) and Scaling ViT (Zhai et al., 2022), against timm and transformers."""

from functools import partial

import torch
import torch.nn.functional as F
from timm.layers import GroupNormAct, StdConv2dSame
from timm.models.resnetv2 import ResNetV2
from timm.models.vision_transformer import VisionTransformer
from timm.models.vision_transformer_hybrid import HybridEmbed
from transformers import ViTConfig, ViTModel

from case import Case, integers, nchw, uniform

SPEC = "test/oracle/specs/vit.vit"
SMALL = dict(img_size=20, patch_size=4, embed_dim=24, depth=2, num_heads=3, mlp_ratio=2.0, num_classes=10)


def timm_vit(**more) -> VisionTransformer:
    return VisionTransformer(**{**SMALL, **more})


def decayed(module: torch.nn.Module, decay: float) -> list[dict]:
    """No decay for what has fewer than two axes in our layout, where class token and positions have their own."""
    flat = {"cls_token"}
    named = list(module.named_parameters())
    with_decay = [p for name, p in named if p.dim() >= 2 and name not in flat]
    without = [p for name, p in named if p.dim() < 2 or name in flat]
    return [{"params": with_decay, "weight_decay": decay}, {"params": without, "weight_decay": 0.0}]


def token() -> Case:
    """The class token; softmax cross-entropy under AdamW with clipping."""
    module = timm_vit()
    case = Case("vit-token", module, as_="timm", package="timm", what="VisionTransformer with a class token")
    case.forward(f"{SPEC}:Token", {"image": uniform(2, 20, 20, 3)}, lambda image: {"output": module(nchw(image))})
    return case.train(
        f"{SPEC}:token",
        {"image": uniform(4, 20, 20, 3), "train.label": integers(4, below=10)},
        lambda image, label: F.cross_entropy(module(nchw(image)), label),
        torch.optim.AdamW(decayed(module, 0.1), lr=1e-2, eps=1e-3),
        clip=1.0,
        rates=[1e-2, 0.5e-2],
    )


def cases():
    yield token()
