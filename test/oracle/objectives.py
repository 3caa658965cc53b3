"""Objectives and parameter groups that several papers of this folder share, from the facts of their public code."""

import torch
import torch.nn.functional as F


def sigmoid_loss(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Each class a question of its own: summed over classes, averaged over examples (big_vision)."""
    return F.binary_cross_entropy_with_logits(logits, target, reduction="none").sum(-1).mean()


def blended(x: torch.Tensor, own: float) -> torch.Tensor:
    """Mixup with the example before (big_vision)."""
    return own * x + (1 - own) * torch.roll(x, 1, 0)


def mirrored(x: torch.Tensor, own: float) -> torch.Tensor:
    """Mixup with the mirror in the batch (BiT, timm)."""
    return own * x + (1 - own) * x.flip(0)


def decayed(module: torch.nn.Module, decay: float, spared: tuple[str, ...] = ("cls_token", "pos_embed")) -> list[dict]:
    """Kernels decay; biases, norms and what is spared do not."""
    named = [(name, p) for name, p in module.named_parameters() if p.requires_grad]
    kernels = [p for name, p in named if p.dim() >= 2 and name not in spared]
    others = [p for name, p in named if p.dim() < 2 or name in spared]
    return [{"params": kernels, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]
