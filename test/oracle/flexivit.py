"""FlexiViT (Beyer et al., 2023), in PyTorch from the facts of big_vision's code; its teacher is timm's ViT.

The resize of a kernel is built the long way: every image of one pixel resized, one matrix over all pixels, its
pseudo-inverse. Ours has a small matrix for rows and for columns.
"""

from functools import partial

import torch
import torch.nn.functional as F
from timm.models.vision_transformer import VisionTransformer

from case import Case, integers, nchw, uniform
from flax_vit import Flat, encoder_shapes
from objectives import HalfAdamW, blended, sigmoid_loss

SPEC = "test/oracle/specs/flexivit.vit"
WIDTH, DEPTH, HEADS, HIDDEN, STORED, TABLE = 24, 2, 3, 48, 8, 3


def resized_kernel(kernel: torch.Tensor, patch: int) -> torch.Tensor:
    stored = kernel.shape[0]
    pixels = torch.eye(stored * stored).reshape(-1, 1, stored, stored)
    resize = F.interpolate(pixels, size=(patch, patch), mode="bilinear", align_corners=False).reshape(stored * stored, -1).T
    back = torch.linalg.pinv(resize.T)  # [new pixels, old pixels]
    flat = torch.einsum("no,ocd->ncd", back, kernel.reshape(stored * stored, *kernel.shape[2:]))
    return flat.reshape(patch, patch, *kernel.shape[2:])


class FlexiViT(Flat):
    def __init__(self):
        super().__init__({
            "embedding/kernel": (STORED, STORED, 3, WIDTH), "embedding/bias": (WIDTH,),
            "pos_embedding": (1, TABLE * TABLE, WIDTH), "cls": (1, 1, WIDTH),
            **encoder_shapes(WIDTH, DEPTH, HEADS, HIDDEN),
            "head/kernel": (WIDTH, 10), "head/bias": (10,),
        })

    def forward(self, image: torch.Tensor, patch: int) -> torch.Tensor:
        kernel = resized_kernel(self["embedding/kernel"], patch).permute(3, 2, 0, 1)
        x = F.conv2d(nchw(image), kernel, self["embedding/bias"], stride=patch)
        grid = x.shape[-1]
        table = self["pos_embedding"].reshape(1, TABLE, TABLE, WIDTH).permute(0, 3, 1, 2)
        x = x + F.interpolate(table, size=(grid, grid), mode="bilinear", align_corners=False, antialias=True)
        x = x.flatten(2).transpose(1, 2)
        x = torch.cat([self["cls"].expand(len(x), -1, -1), x], dim=1)
        return self.dense(self.encoder(x, DEPTH)[:, 0], "head")


def case_of(name: str, patch: int) -> tuple[Case, FlexiViT]:
    module = FlexiViT()
    case = Case(name, module, as_="big_vision", package="torch", rules=module.rules(),
                what="big_vision's FlexiViT, written from its facts")
    case.forward(f"{SPEC}:Small", {"image": uniform(2, 24, 24, 3)}, lambda image: {"output": module(image, patch)},
                 settings={"patch": str(patch)})
    return case, module


def groups(module: FlexiViT) -> list[dict]:
    kernels = [p for name, p in module.named_parameters() if name.endswith("/kernel")]
    others = [p for name, p in module.named_parameters() if not name.endswith("/kernel")]
    return [{"params": kernels, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]


def supervised() -> Case:
    """Six by six patches of four pixels; trained with the patches that seed 0 draws."""
    case, module = case_of("flexivit-supervised", 4)
    drawn = {}
    return case.train(
        f"{SPEC}:supervised",
        {"image": uniform(4, 24, 24, 3), "train.label": integers(4, below=10)},
        lambda image, label: sigmoid_loss(
            module(blended(image, 0.75), drawn["patch"]), blended(F.one_hot(label, 10).double(), 0.75)),
        HalfAdamW(groups(module), eps=1e-3),
        clip=1.0,
        rates=[2**-7, 2**-8],
        before=lambda step: drawn.update(patch=DRAWN[step]),
    )


def distilled() -> Case:
    """Two by two patches of twelve pixels; learns from a teacher of small patches on smaller images, mixed alike."""
    case, module = case_of("flexivit-distilled", 12)
    teacher = case.net("teacher", VisionTransformer(
        img_size=16, patch_size=4, embed_dim=24, depth=2, num_heads=2, mlp_ratio=2.0, num_classes=10,
        act_layer=partial(torch.nn.GELU, approximate="tanh")), as_="timm")
    teacher.requires_grad_(False)
    drawn = {}

    def loss(image, large):
        wanted = F.log_softmax(teacher(nchw(blended(large, 0.75))), -1)
        own = F.log_softmax(module(blended(image, 0.75), drawn["patch"]), -1)
        return (wanted.exp() * (wanted - own)).sum(-1).mean()

    return case.train(
        f"{SPEC}:distilled",
        {"image": uniform(4, 24, 24, 3), "large": uniform(4, 16, 16, 3)},
        loss,
        HalfAdamW(groups(module), eps=1e-3),
        clip=1.0,
        rates=[2**-7, 2**-8],
        before=lambda step: drawn.update(patch=DRAWN[step]),
    )


# what `draw patch from [12, 6, 4]` draws at the first two steps of seed 0
DRAWN = (6, 12)


def native() -> Case:
    """The patch that is stored: its kernel and its three by three positions are used as they are."""
    return case_of("flexivit-stored", 8)[0]


def fixed() -> Case:
    """timm's own: one patch, and no position for the class token."""
    module = VisionTransformer(img_size=24, patch_size=4, embed_dim=24, depth=2, num_heads=3, mlp_ratio=2.0, num_classes=10,
                               no_embed_class=True, act_layer=partial(torch.nn.GELU, approximate="tanh"))
    case = Case("flexivit-timm", module, as_="timm", package="timm", what="VisionTransformer without a class position")
    return case.forward(f"{SPEC}:Fixed", {"image": uniform(2, 24, 24, 3)}, lambda image: {"output": module(nchw(image))})


def cases():
    yield supervised()
    yield distilled()
    yield native()
    yield fixed()
