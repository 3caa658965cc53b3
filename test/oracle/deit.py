"""DeiT (Touvron et al., 2021), against timm: the distilled student, its RegNetY teacher, hard and soft distillation."""

import torch
import torch.nn.functional as F
from timm.models.deit import VisionTransformerDistilled
from timm.models.regnet import RegNet, RegNetCfg
from timm.models.vision_transformer import VisionTransformer

from case import Case, integers, nchw, uniform
from objectives import decayed, mirrored

SPEC = "test/oracle/specs/deit.vit"
SMALL = dict(img_size=32, patch_size=8, embed_dim=24, depth=2, num_heads=3, mlp_ratio=4.0, num_classes=10)


def smoothed(label: torch.Tensor) -> torch.Tensor:
    return 0.9 * F.one_hot(label, 10).double() + 0.1 / 10


def soft_loss(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return -(target * F.log_softmax(logits, -1)).sum(-1).mean()


def pasted(image: torch.Tensor, label: torch.Tensor, share: float, y: float, x: float) -> tuple[torch.Tensor, torch.Tensor]:
    """CutMix as in timm: a window of whole pixels, cut at the border; labels by the area that was left."""
    rows, cols = image.shape[1:3]
    height, width = int(rows * (1 - share) ** 0.5) // 2, int(cols * (1 - share) ** 0.5) // 2
    top, bottom = max(int(y) - height, 0), min(int(y) + height, rows)
    left, right = max(int(x) - width, 0), min(int(x) + width, cols)
    mixed = image.clone()
    mixed[:, top:bottom, left:right] = image.flip(0)[:, top:bottom, left:right]
    return mixed, mirrored(label, 1 - (bottom - top) * (right - left) / (rows * cols))


def plain() -> Case:
    module = VisionTransformer(**SMALL)
    case = Case("deit-plain", module, as_="timm", package="timm", what="VisionTransformer, with timm's window of CutMix")
    case.forward(f"{SPEC}:Plain", {"image": uniform(2, 32, 32, 3)}, lambda image: {"output": module(nchw(image))})

    def loss(image, label):
        mixed, target = pasted(image, smoothed(label), 0.5, 25.5, 9.25)
        return soft_loss(module(nchw(mixed)), target)

    return case.train(
        f"{SPEC}:plain",
        {"image": uniform(4, 32, 32, 3), "train.label": integers(4, below=10)},
        loss,
        torch.optim.AdamW(decayed(module, 0.05), lr=1e-2, eps=1e-3),
        rates=[1e-2, 5e-3],
    )


def distilled(name: str, recipe: str) -> Case:
    module = VisionTransformerDistilled(**SMALL)
    module.set_distilled_training(True)
    case = Case(name, module, as_="timm", package="timm", what="VisionTransformerDistilled, with RegNet as a teacher")
    teacher = case.net("teacher", RegNet(
        RegNetCfg(w0=8, wa=10.0, wm=2.0, depth=5, group_size=8, se_ratio=0.25), num_classes=10), as_="timm")
    teacher.requires_grad_(False)

    def outputs(image):
        tokens = module.forward_features(nchw(image))
        return {"label": module.head(tokens[:, 0]), "copy": module.head_dist(tokens[:, 1])}

    case.forward(f"{SPEC}:Small", {"image": uniform(2, 32, 32, 3)}, outputs, net="model")

    def loss(image, label):
        mixed = nchw(mirrored(image, 0.75))
        target = mirrored(smoothed(label), 0.75)
        own, copy = module(mixed)
        teacher.eval()
        wanted = teacher(mixed)
        if recipe == "hard":
            return 0.5 * soft_loss(own, target) + 0.5 * F.cross_entropy(copy, wanted.argmax(-1))
        t = 3.0
        divergence = F.kl_div(F.log_softmax(copy / t, -1), F.log_softmax(wanted / t, -1), reduction="sum", log_target=True)
        return 0.9 * soft_loss(own, target) + 0.1 * divergence * t * t / copy.numel()

    return case.train(
        f"{SPEC}:{recipe}",
        {"image": uniform(4, 32, 32, 3), "train.label": integers(4, below=10)},
        loss,
        torch.optim.AdamW(decayed(module, 0.05), lr=1e-2, eps=1e-3),
        rates=[1e-2, 5e-3],
    )


def teacher() -> Case:
    module = RegNet(RegNetCfg(w0=8, wa=10.0, wm=2.0, depth=5, group_size=8, se_ratio=0.25), num_classes=10)
    case = Case("deit-teacher", module, as_="timm", package="timm", what="RegNet (Y)")
    return case.forward(f"{SPEC}:Teacher", {"image": uniform(2, 32, 32, 3)}, lambda image: {"output": module(nchw(image))})


def cases():
    yield plain()
    yield distilled("deit-hard", "hard")
    yield distilled("deit-soft", "soft")
    yield teacher()
