"""AugReg (Steiner et al., 2022), against timm: a plain ViT, and hybrids on a root and on stages."""

from functools import partial

import torch
import torch.nn.functional as F
from timm.layers import GroupNormAct, StdConv2dSame
from timm.layers.padding import pad_same
from timm.models.resnetv2 import ResNetV2, create_resnetv2_stem
from timm.models.vision_transformer import VisionTransformer
from timm.models.vision_transformer_hybrid import HybridEmbed

from case import Case, integers, nchw, uniform
from objectives import HalfAdamW, blended, decayed, sigmoid_loss

SPEC = "test/oracle/specs/augreg.vit"


class FlaxStdConv(StdConv2dSame):
    """timm's, with what the paper's code adds to the deviation, which timm adds to the variance."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = pad_same(x, self.kernel_size, self.stride, self.dilation)
        variance, mean = torch.var_mean(self.weight, dim=(1, 2, 3), keepdim=True, correction=0)
        return F.conv2d(x, (self.weight - mean) / (variance.sqrt() + 1e-5), None, self.stride, 0)


NORM = partial(GroupNormAct, num_groups=32, eps=1e-6)


def vit(image: int, patch: int, **more) -> VisionTransformer:
    return VisionTransformer(img_size=image, patch_size=patch, embed_dim=24, depth=2, num_heads=3, mlp_ratio=2.0,
                             num_classes=10, act_layer=partial(torch.nn.GELU, approximate="tanh"), **more)


def pretrained(name: str, module: VisionTransformer, what: str, model: str, recipe: str, size: int) -> Case:
    """Sigmoid cross-entropy of mixed labels; kernels alone decay."""
    case = Case(name, module, as_="timm", package="timm", what=what)
    case.forward(f"{SPEC}:{model}", {"image": uniform(2, size, size, 3)}, lambda image: {"output": module(nchw(image))})
    if not recipe:
        return case
    return case.train(
        f"{SPEC}:{recipe}",
        {"image": uniform(4, size, size, 3), "train.label": integers(4, below=10)},
        lambda image, label: sigmoid_loss(module(nchw(blended(image, 0.75))), blended(F.one_hot(label, 10).double(), 0.75)),
        HalfAdamW(decayed(module, 0.1), eps=1e-3),
        clip=1.0,
        rates=[2**-7, 2**-8],
    )


def cases():
    yield pretrained("augreg-vit", vit(20, 4), "VisionTransformer with the tanh of Flax's gelu", "Small", "small", 20)
    root = create_resnetv2_stem(3, stem_type="same", preact=False, conv_layer=FlaxStdConv, norm_layer=NORM)
    yield pretrained("augreg-root", vit(33, 3, embed_layer=partial(HybridEmbed, backbone=root)),
                     "VisionTransformer on a root of weight-standardised convolutions", "Root", "root", 33)
    stages = ResNetV2([2, 2], channels=(256, 512), num_classes=0, global_pool="", preact=False, stem_type="same",
                      conv_layer=FlaxStdConv, norm_layer=NORM)
    yield pretrained("augreg-stages", vit(20, 1, embed_layer=partial(HybridEmbed, backbone=stages)),
                     "VisionTransformer on stages of weight-standardised convolutions", "Stages", "", 20)
