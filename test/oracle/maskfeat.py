"""MaskFeat (Wei et al., 2022): timm's ViT and torchvision's MViT, with the mask token, the head, the pooling before the
classifier and the histograms of oriented gradients written here from the facts of PySlowFast."""

import math
from functools import partial

import torch
import torch.nn.functional as F
from timm.models.vision_transformer import VisionTransformer
from torch import nn
from torchvision.models.video.mvit import MSBlockConfig, MViT

from case import Case, booleans, nchw, uniform
from resnet import decayed

SPEC = "test/oracle/specs/maskfeat.vit"
norm = partial(nn.LayerNorm, eps=1e-6)


def hog(image: torch.Tensor, bins: int = 9, cell: int = 8) -> torch.Tensor:
    """(batch, 3, rows, cols) -> (batch, 3 * bins, cells, cells): each histogram of length 1."""
    kernel = torch.tensor([[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]]).expand(3, 1, 3, 3)
    padded = F.pad(image, (1, 1, 1, 1), mode="reflect")
    gx = F.conv2d(padded, kernel, groups=3)
    gy = F.conv2d(padded, kernel.transpose(2, 3), groups=3)
    angle = torch.atan2(gx, gy) / math.pi * bins
    which = angle.floor().long() % bins
    votes = torch.zeros(*image.shape[:2], bins, *image.shape[2:])
    votes.scatter_add_(2, which[:, :, None], torch.hypot(gx, gy)[:, :, None])
    cells = votes.unfold(3, cell, cell).unfold(4, cell, cell).sum(dim=(-1, -2))
    return F.normalize(cells, dim=2).flatten(1, 2)


def hog_target(image: torch.Tensor) -> torch.Tensor:
    """(batch, 3, rows, cols) -> (batch, tokens, 108): of each token of 16 by 16 pixels its channels, bins and 2 by 2 cells."""
    cells = hog(image)
    blocks = cells.unfold(2, 2, 2).unfold(3, 2, 2)  # batch, channels * bins, rows, cols, 2, 2
    return blocks.permute(0, 2, 3, 1, 4, 5).flatten(3).flatten(1, 2)


class Head(nn.Module):
    """On what follows the class token."""

    def __init__(self, width: int):
        super().__init__()
        self.norm = norm(width)
        self.projection = nn.Linear(width, 108)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.projection(self.norm(tokens[:, 1:]))


class MaskedViT(VisionTransformer):
    """A mask token instead of masked patches; ends without a norm."""

    def __init__(self, **settings):
        super().__init__(num_classes=0, **settings)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, self.embed_dim))
        del self.norm

    def forward(self, image: torch.Tensor, covered: torch.Tensor) -> torch.Tensor:
        tokens = torch.where(covered[:, :, None], self.mask_token, self.patch_embed(image))
        tokens = torch.cat([self.cls_token.expand(len(tokens), -1, -1), tokens], dim=1) + self.pos_embed
        return self.blocks(tokens)


def masked_error(guess: torch.Tensor, target: torch.Tensor, covered: torch.Tensor) -> torch.Tensor:
    return ((guess - target) ** 2).mean(dim=2)[covered].mean()


def histograms() -> Case:
    """Three by two tokens, each number times a weight."""
    module = nn.Module()
    module.weight = nn.Parameter(torch.ones(108))
    case = Case("maskfeat-hog", module, package="torch", what="histograms of oriented gradients, written here after PySlowFast")
    return case.forward(
        f"{SPEC}:Hog",
        {"image": uniform(1, 48, 32, 3)},
        lambda image: {"output": hog_target(nchw(image)) * module.weight},
    )


def image() -> Case:
    """Three by three patches of 16 pixels."""
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = MaskedViT(img_size=48, patch_size=16, embed_dim=24, depth=2, num_heads=3, mlp_ratio=4.0)
            self.head = Head(24)

        def forward(self, image: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            return self.head(self.encoder(nchw(image), mask.flatten(1)))

    module = Net()
    case = Case("maskfeat-image", module, as_="timm", package="timm",
                what="VisionTransformer; mask token, head and target are written here after PySlowFast")
    case.forward(
        f"{SPEC}:Image",
        {"image": uniform(1, 48, 48, 3), "mask": booleans(1, 3, 3, share=0.4)},
        lambda image, mask: {"output": module(image, mask)},
    )
    return case.train(
        f"{SPEC}:image",
        {"image": uniform(3, 48, 48, 3), "mask": booleans(3, 3, 3, share=0.4)},
        lambda image, mask: masked_error(module(image, mask), hog_target(nchw(image)), mask.flatten(1)),
        torch.optim.AdamW(decayed(module, 0.05, ("cls_token", "mask_token")), lr=1e-2, eps=1e-3),
        clip=0.02,
        rates=[1e-2, 0.5e-2],
    )


def small_mvit(depths: list[int], strides: list[int], frames: int, size: int, classes: int = 5) -> MViT:
    """Blocks as in the paper: the first of a stage pools its queries, the last one widens in its MLP."""
    blocks, stride, width, heads = [], 1, 8, 1
    for stage, depth in enumerate(depths):
        for i in range(depth):
            enters, leaves = stage > 0 and i == 0, i == depth - 1 and stage < len(depths) - 1
            step = strides[stage] if enters else 1
            stride *= step
            out = 2 * width if leaves else width
            # a block that enters a stage has keys as coarse, relative to its own grid, as its queries will be
            kv = 8 // stride
            blocks.append(MSBlockConfig(heads, width, out, [3, 3, 3], [3, 3, 3], [1, step, step], [1, kv, kv]))
            width = out
        heads *= 2
    return MViT((size, size), frames, blocks, residual_pool=True, residual_with_cls_embed=False, rel_pos_embed=True,
                proj_after_attn=False, dropout=0.0, num_classes=classes)


def encoded(mvit: MViT, video: torch.Tensor, covered: torch.Tensor | None, mask_token: torch.Tensor | None) -> torch.Tensor:
    """torchvision's own forward pass up to the last norm, with a mask token where `covered` holds."""
    tokens = mvit.conv_proj(video.permute(0, 4, 1, 2, 3)).flatten(2).transpose(1, 2)
    if covered is not None:
        tokens = torch.where(covered[:, :, None], mask_token, tokens)
    tokens = mvit.pos_encoding(tokens)
    grid = (mvit.pos_encoding.temporal_size, *mvit.pos_encoding.spatial_size)
    for block in mvit.blocks:
        tokens, grid = block(tokens, grid)
    return tokens


def mvit() -> Case:
    """Fine-tuning: the classifier sees the mean over the grid, not the class token."""
    class Net(MViT):
        def forward(self, video: torch.Tensor) -> torch.Tensor:
            return self.head(self.norm(encoded(self, video, None, None)[:, 1:].mean(dim=1)))

    module = small_mvit([1, 2, 2], [1, 2, 2], 4, 32)
    module.__class__ = Net
    case = Case("maskfeat-mvit", module, as_="torchvision", package="torchvision",
                what="MViT; the classifier on the mean of the grid is written here after PySlowFast")
    case.forward(f"{SPEC}:Clips", {"video": uniform(2, 4, 32, 32, 3)}, lambda video: {"output": module(video)})
    return case.train(
        f"{SPEC}:clips",
        {"video": uniform(2, 4, 32, 32, 3)},
        lambda video: F.cross_entropy(module(video), torch.arange(2)),
        torch.optim.AdamW(decayed(module, 0.05), lr=1e-2, eps=1e-1),
        rates=[1e-2, 0.5e-2],
    )


def video() -> Case:
    """Pre-training: the last stage keeps its grid; a mask's cell covers 8 by 8 patches, or 2 by 2 of the last grid."""
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = small_mvit([1, 1, 2, 2], [1, 2, 2, 1], 4, 64)
            self.encoder.mask_token = nn.Parameter(torch.zeros(8))
            del self.encoder.norm, self.encoder.head
            self.head = Head(64)

        def forward(self, video: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            covered = mask.repeat_interleave(8, dim=2).repeat_interleave(8, dim=3).flatten(1)
            return self.head(encoded(self.encoder, video, covered, self.encoder.mask_token))

    module = Net()
    case = Case("maskfeat-video", module, as_="torchvision", package="torchvision",
                what="MViT; mask token, head and target are written here after PySlowFast")

    def target(video: torch.Tensor) -> torch.Tensor:
        frames = video[:, ::2]
        each = hog_target(frames.flatten(0, 1).permute(0, 3, 1, 2))
        return each.reshape(len(video), -1, 108)

    case.forward(
        f"{SPEC}:Video",
        {"video": uniform(1, 4, 64, 64, 3), "mask": booleans(1, 2, 2, 2, share=0.4)},
        lambda video, mask: {"output": module(video, mask)},
    )

    def loss(video, mask):
        tube = mask[:, None].expand(-1, 2, -1, -1)
        covered = tube.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3).flatten(1)
        return masked_error(module(video, tube), target(video), covered)

    return case.train(
        f"{SPEC}:video",
        {"video": uniform(2, 4, 64, 64, 3), "mask": booleans(2, 2, 2, share=0.4)},
        loss,
        torch.optim.AdamW(decayed(module, 0.05), lr=1e-2, eps=1e-1),
        clip=0.02,
        rates=[1e-2, 0.5e-2],
    )


def cases():
    yield histograms()
    yield image()
    yield mvit()
    yield video()
