"""MoCo v3 (Chen et al., 2021): timm's ViT and torchvision's ResNet, and in PyTorch from the released code's facts the fixed
positions, the heads, the loss, and the momentum encoder, which moves before it is asked."""

import math

import torch
import torch.nn.functional as F
from timm.models.vision_transformer import VisionTransformer
from torch import nn

from byol import Lars, cosine, follow
from case import Case, nchw, uniform
from resnet import SmallResNet, decayed

SPEC = "test/oracle/specs/moco-v3.vit"


class Head(nn.Sequential):
    """Linear layers without biases, batch norms, relus; the last norm, if there is one, has no scale of its own."""

    def __init__(self, width: int, widths: list[int], last_norm: bool = True):
        layers: list[nn.Module] = []
        for i, out in enumerate(widths):
            layers.append(nn.Linear(width, out, bias=False))
            last = i == len(widths) - 1
            if not last:
                layers += [nn.BatchNorm1d(out), nn.ReLU()]
            elif last_norm:
                layers.append(nn.BatchNorm1d(out, affine=False))
            width = out
        super().__init__(*layers)


def positions(side: int, width: int) -> torch.Tensor:
    """[1, 1 + side^2, width]: sines and cosines of the row, then of the column; zeros for the class token."""
    rates = 10_000.0 ** (-torch.arange(width // 4) / (width // 4))
    table = torch.zeros(1, 1 + side * side, width)
    for row in range(side):
        for col in range(side):
            a, b = row * rates, col * rates
            table[0, 1 + row * side + col] = torch.cat([a.sin(), a.cos(), b.sin(), b.cos()])
    return table


def small_vit() -> VisionTransformer:
    vit = VisionTransformer(img_size=20, patch_size=4, embed_dim=24, depth=2, num_heads=4, mlp_ratio=2.0, num_classes=0)
    vit.pos_embed = nn.Parameter(positions(5, 24), requires_grad=False)
    return vit


class ConvStem(nn.Module):
    """Four strided convolutions, and one of a pixel; row after row."""

    def __init__(self, widths: list[int]):
        super().__init__()
        layers: list[nn.Module] = []
        for i, out in enumerate(widths):
            channels = widths[i - 1] if i > 0 else 3
            layers += [nn.Conv2d(channels, out, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU()]
        self.proj = nn.Sequential(*layers, nn.Conv2d(widths[-1], widths[-1], 1))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.proj(image).flatten(2).transpose(1, 2)


class Moco(nn.Module):
    """Names of the released checkpoints: the projector is the encoder's head."""

    def __init__(self, kind: str, with_predictor: bool = True):
        super().__init__()
        if kind == "vit":
            self.base_encoder = small_vit()
            self.base_encoder.head = Head(24, [20, 20, 8])
        else:
            self.base_encoder = SmallResNet([2, 2], 6, classes=None)
            self.base_encoder.fc = Head(self.base_encoder.inplanes, [20, 8])
        if with_predictor:
            self.predictor = Head(8, [20, 8], last_norm=kind == "vit")

    @property
    def projector(self) -> Head:
        return self.base_encoder.head if hasattr(self.base_encoder, "head") else self.base_encoder.fc


def contrast(q: torch.Tensor, k: torch.Tensor, tau: float) -> torch.Tensor:
    logits = F.normalize(q, dim=1) @ F.normalize(k, dim=1).T / tau
    return 2 * tau * F.cross_entropy(logits, torch.arange(len(q)))


def trained(kind: str, size: int, tau: float, name: str, as_: str, package: str, what: str, optimizer, rates, freeze: str):
    online = Moco(kind)
    case = Case(name, online, net="online", as_=as_, package=package, skip=r"pos_embed",
                what=f"{what}; positions, heads and loss are written here after facebookresearch/moco-v3")
    for entry, p in online.named_parameters():
        if freeze and entry.startswith(freeze):
            p.requires_grad_(False)
    target = case.twin("target", of="online", module=Moco(kind, with_predictor=False))

    def outputs(image):
        kept = online.projector
        part = "head" if kind == "vit" else "fc"
        setattr(online.base_encoder, part, nn.Identity())
        features = online.base_encoder(nchw(image))
        setattr(online.base_encoder, part, kept)
        projection = kept(features)
        return {"features": features, "projection": projection, "prediction": online.predictor(projection)}

    def loss(v1, v2):
        q1, q2 = (online.predictor(online.base_encoder(nchw(v))) for v in (v1, v2))
        with torch.no_grad():
            k1, k2 = (target.base_encoder(nchw(v)) for v in (v1, v2))
        return contrast(q1, k2, tau) + contrast(q2, k1, tau)

    model = {"vit": "SmallViT", "resnet": "SmallResNet"}[kind]
    case.forward(f"{SPEC}:{model}", {"image": uniform(2, size, size, 3)}, outputs, net="online")
    return case.train(
        f"{SPEC}:{kind}",
        {"v1": uniform(6, size, size, 3), "v2": uniform(6, size, size, 3)},
        loss,
        optimizer(online),
        rates=rates,
        before=lambda step: follow(target, online, cosine(0.6, step, 2)),
    )


def vit() -> Case:
    """AdamW decays everything; the patch projection is frozen."""
    def optimizer(online):
        learning = [p for p in online.parameters() if p.requires_grad]
        return torch.optim.AdamW(learning, lr=1e-2, eps=1e-1, weight_decay=0.1)

    return trained("vit", 20, 0.2, "moco-v3-vit", "timm", "timm", "VisionTransformer", optimizer, [1e-2, 0.5e-2],
                   "base_encoder.patch_embed")


def resnet() -> Case:
    """LARS; the predictor ends without a norm."""
    def optimizer(online):
        return Lars(decayed(online, 1e-2, adapt=False), trust=0.1)

    return trained("resnet", 28, 1.0, "moco-v3-resnet", "torchvision", "torchvision", "ResNet", optimizer, [0.1, 0.05], "")


def conv() -> Case:
    """The backbone with a stem of convolutions: three by three places. Outputs alone."""
    module = VisionTransformer(img_size=48, patch_size=16, embed_dim=24, depth=2, num_heads=4, mlp_ratio=2.0, num_classes=0)
    module.patch_embed = ConvStem([4, 8, 16, 24])
    module.pos_embed = nn.Parameter(positions(3, 24), requires_grad=False)
    case = Case("moco-v3-conv", module, as_="timm", package="timm", skip=r"pos_embed",
                what="VisionTransformer; positions and stem are written here after facebookresearch/moco-v3")
    return case.forward(f"{SPEC}:Conv", {"image": uniform(2, 48, 48, 3)}, lambda image: {"output": module(nchw(image))})


def cases():
    yield conv()
    yield vit()
    yield resnet()
