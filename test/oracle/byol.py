"""BYOL (Grill et al., 2020): torchvision's ResNet, and in PyTorch from the released code's facts the heads, the loss, LARS
and the target, which follows after the optimizer."""

import math

import torch
from torch import nn

from case import Case, nchw, uniform
from resnet import SmallResNet, decayed

SPEC = "test/oracle/specs/byol.vit"


class Head(nn.Sequential):
    """A linear layer with a bias, batch norm, relu, a linear layer without."""

    def __init__(self, width: int, hidden: int, out: int):
        super().__init__(nn.Linear(width, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Linear(hidden, out, bias=False))


class Byol(nn.Module):
    """`predictor` is absent in the target."""

    def __init__(self, with_predictor: bool = True):
        super().__init__()
        self.encoder = SmallResNet([2, 2], 6, classes=None)
        self.projector = Head(self.encoder.inplanes, 20, 8)
        if with_predictor:
            self.predictor = Head(8, 20, 8)

    def project(self, image: torch.Tensor) -> torch.Tensor:
        return self.projector(self.encoder(nchw(image)))


def unit(x: torch.Tensor) -> torch.Tensor:
    """The square sum is floored, not the norm."""
    return x * torch.rsqrt(torch.clamp((x * x).sum(dim=1, keepdim=True), min=1e-12))


def apart(p: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
    return ((unit(p) - unit(z)) ** 2).sum(dim=1).mean()


class Lars:
    """Weight decay, then the trust ratio of what results, then momentum, then the rate; a group with `adapt` False has
    no ratio (BYOL's and MoCo v3's form)."""

    def __init__(self, groups: list[dict], momentum: float = 0.9, trust: float = 1e-3):
        self.param_groups = [{"lr": 0.0, "adapt": True, **group} for group in groups]
        self.momentum, self.trust = momentum, trust
        self.buffers: dict[torch.Tensor, torch.Tensor] = {}

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            for p in group["params"]:
                update = p.grad + group["weight_decay"] * p
                if group["adapt"]:
                    sizes = p.norm(), update.norm()
                    update = update * (self.trust * sizes[0] / sizes[1] if sizes[0] > 0 and sizes[1] > 0 else 1.0)
                self.buffers[p] = self.momentum * self.buffers.get(p, torch.zeros_like(p)) + update
                p -= group["lr"] * self.buffers[p]


@torch.no_grad()
def follow(target: nn.Module, online: nn.Module, share: float) -> None:
    """Parameters alone: each net keeps its own batch-norm statistics."""
    followed = dict(online.named_parameters())
    for name, p in target.named_parameters():
        p.copy_(share * p + (1 - share) * followed[name])


def cosine(start: float, step: int, steps: int) -> float:
    return 1 - (1 - start) * (math.cos(math.pi * step / steps) + 1) / 2


def resnet() -> Case:
    online = Byol()
    case = Case("byol-resnet", online, net="online", as_="torchvision", package="torchvision",
                what="ResNet; the heads, the loss and LARS are written here after deepmind-research/byol")
    target = case.twin("target", of="online", module=Byol(with_predictor=False))

    def outputs(image):
        features = online.encoder(nchw(image))
        projection = online.projector(features)
        return {"features": features, "projection": projection, "prediction": online.predictor(projection)}

    def loss(v1, v2):
        p1, p2 = online.predictor(online.project(v1)), online.predictor(online.project(v2))
        z1, z2 = target.project(v1), target.project(v2)
        return apart(p1, z2.detach()) + apart(p2, z1.detach())

    case.forward(f"{SPEC}:Small", {"image": uniform(2, 28, 28, 3)}, outputs, net="online")
    return case.train(
        f"{SPEC}:small",
        {"v1": uniform(6, 28, 28, 3), "v2": uniform(6, 28, 28, 3)},
        loss,
        Lars(decayed(online, 1e-2, adapt=False), trust=0.1),
        rates=[0.1, 0.05],
        after=lambda step: follow(target, online, cosine(0.6, step, 2)),
    )


def cases():
    yield resnet()
