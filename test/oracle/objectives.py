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


def bfloat16(x: torch.Tensor) -> torch.Tensor:
    """Rounded once, to eight binary digits: PyTorch rounds float64 to float32 first."""
    digits, exponent = torch.frexp(x)
    return torch.ldexp(torch.round(digits * 256) / 256, exponent)


class HalfAdamW:
    """Adam with decoupled decay whose first moment lies in bfloat16 between steps (optax's `scale_by_adam`)."""

    def __init__(self, groups: list[dict], eps: float):
        self.param_groups, self.eps, self.count, self.state = groups, eps, 0, {}

    @torch.no_grad()
    def step(self) -> None:
        self.count += 1
        for group in self.param_groups:
            for p in group["params"]:
                m, v = self.state.get(p, (torch.zeros_like(p), torch.zeros_like(p)))
                m, v = 0.9 * m + 0.1 * p.grad, 0.999 * v + 0.001 * p.grad**2
                self.state[p] = (bfloat16(m), v)
                update = m / (1 - 0.9**self.count) / ((v / (1 - 0.999**self.count)).sqrt() + self.eps)
                p -= group["lr"] * (update + group["weight_decay"] * p)


class HalfSgd:
    """Momentum that lies in bfloat16 between steps (optax's `trace`)."""

    def __init__(self, params):
        self.param_groups, self.state = [{"params": list(params)}], {}

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            for p in group["params"]:
                m = 0.9 * self.state.get(p, torch.zeros_like(p)) + p.grad
                self.state[p] = bfloat16(m)
                p -= group["lr"] * m
