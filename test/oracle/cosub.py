"""Cosub (Touvron et al., 2023): its six families against timm, under its loss and timm's LAMB."""

import torch
import torch.nn.functional as F
from timm.models.convnext import ConvNeXt
from timm.models.pit import PoolingVisionTransformer
from timm.models.regnet import RegNet, RegNetCfg
from timm.models.swin_transformer import SwinTransformer
from timm.models.vision_transformer import VisionTransformer
from timm.models.xcit import PositionalEncodingFourier, Xcit
from timm.optim import Lamb
from torch import nn

from case import Case, integers, nchw, uniform

SPEC = "test/oracle/specs/cosub.vit"


class Submodels(nn.Module):
    """Both submodels in one pass over the batch twice, as in the released training step."""

    def __init__(self, backbone: nn.Module):
        super().__init__()
        self.backbone = backbone

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        one, other = self.backbone(torch.cat([image, image])).chunk(2)
        return one, other


class FixedDrop(nn.Module):
    """Drops the branch of every `every`-th row, from row `first` on, and scales the others up."""

    def __init__(self, every: int, first: int):
        super().__init__()
        self.every, self.first = every, first

    def forward(self, branch: torch.Tensor) -> torch.Tensor:
        if not self.training:
            return branch
        kept = (torch.arange(len(branch)) % self.every != self.first).to(branch.dtype)
        return branch * kept.reshape(-1, *[1] * (branch.dim() - 1)) / (1 - 1 / self.every)


def cosub_loss(one: torch.Tensor, other: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The mean of four binary cross-entropies; what one submodel says is a target without gradient for the other."""
    bce = F.binary_cross_entropy_with_logits
    return (
        bce(one, target) + bce(other, target)
        + bce(one, other.detach().sigmoid()) + bce(other, one.detach().sigmoid())
    ) / 4


def mixed(image: torch.Tensor, label: torch.Tensor, classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Mixup of each example with its mirror in the batch, 30 of 100 of the example; whatever is in it counts as there."""
    target = F.one_hot(label, classes).double()
    mix = [0.3 * each + 0.7 * each.flip(0) for each in (image, target)]
    return mix[0], (mix[1] > 0).double()


def lamb(module: nn.Module, flat: tuple[str, ...] = ()) -> Lamb:
    """As DeiT III's trainer groups: no decay and no trust ratio for what has one axis, class token and positions."""
    named = list(module.named_parameters())
    is_flat = {name: p.dim() < 2 or name.rsplit(".", 1)[-1] in flat for name, p in named}
    groups = [
        {"params": [p for name, p in named if not is_flat[name]], "weight_decay": 0.05},
        {"params": [p for name, p in named if is_flat[name]], "weight_decay": 0.0},
    ]
    return Lamb(groups, lr=1e-2, eps=1e-3, max_grad_norm=None)


def case_of(name: str, backbone: nn.Module, what: str, size: int, batch: int = 3, flat: tuple[str, ...] = (), rules=None) -> Case:
    module = Submodels(backbone)
    case = Case(f"cosub-{name}", module, as_="timm", package="timm", what=f"{what} and Lamb; the loss is written here", rules=rules)
    model = {"vit": "ViT", "regnet": "RegNet", "pit": "Pit", "xcit": "XciT", "swin": "SwinT", "convnext": "ConvNext"}[name]

    def outputs(image):
        one, other = module(nchw(image))
        return {"one": one, "other": other}

    case.forward(f"{SPEC}:{model}", {"image": uniform(2, size, size, 3)}, outputs)

    def loss(image, label):
        pictures, target = mixed(image, label, 10)
        return cosub_loss(*module(nchw(pictures)), target)

    return case.train(
        f"{SPEC}:{name}",
        {"image": uniform(batch, size, size, 3), "train.label": integers(batch, below=10)},
        loss,
        lamb(module, flat),
        clip=0.5,
        rates=[1e-2, 0.5e-2],
    )


def vit() -> Case:
    """Layer scale; attention skips every third row, the MLP every fourth: five pictures' two copies lose other rows."""
    vit = VisionTransformer(img_size=20, patch_size=4, embed_dim=24, depth=2, num_heads=3, mlp_ratio=2.0, num_classes=10,
                            init_values=1e-4, no_embed_class=True)
    for block in vit.blocks:
        block.drop_path1, block.drop_path2 = FixedDrop(3, 1), FixedDrop(4, 0)
    return case_of("vit", vit, "VisionTransformer with layer scale", 20, batch=5, flat=("cls_token", "pos_embed"))


def regnet() -> Case:
    """Widths 8, 16, 32, 64 in 1, 1, 3, 3 blocks; groups of 4."""
    cfg = RegNetCfg(depth=8, w0=8, wa=8.0, wm=2.0, group_size=4, se_ratio=0.25)
    return case_of("regnet", RegNet(cfg, num_classes=10, zero_init_last=False), "RegNetY", 40)


def pit() -> Case:
    """Grids of 9, 5 and 3."""
    pit = PoolingVisionTransformer(img_size=30, patch_size=6, stride=3, base_dims=(6, 6, 6), depth=(2, 2, 2), heads=(2, 4, 8),
                                   mlp_ratio=4, num_classes=10)
    return case_of("pit", pit, "PoolingVisionTransformer", 30, flat=("cls_token", "pos_embed"))


class ExactPositions(PositionalEncodingFourier):
    """In float64 to the end; timm's works out angles in float32."""

    def forward(self, batch: int, height: int, width: int) -> torch.Tensor:
        rates = self.temperature ** (2 * torch.div(torch.arange(self.hidden_dim), 2, rounding_mode="floor") / self.hidden_dim)

        def waves(count: int) -> torch.Tensor:
            angles = torch.arange(1, count + 1).double()[:, None] / (count + self.eps) * self.scale / rates
            even = torch.arange(self.hidden_dim) % 2 == 0
            return torch.where(even, angles.sin(), angles.cos())

        down = waves(height)[:, None, :].expand(height, width, -1)
        across = waves(width)[None, :, :].expand(height, width, -1)
        places = torch.cat([down, across], dim=2).permute(2, 0, 1)[None]
        return self.token_projection(places).repeat(batch, 1, 1, 1)


def xcit() -> Case:
    """Three by three places, three heads; the class token's two layers norm all tokens."""
    xcit = Xcit(img_size=48, patch_size=16, embed_dim=24, depth=2, num_heads=3, num_classes=10, eta=1.0, tokens_norm=True)
    xcit.pos_embed.__class__ = ExactPositions
    return case_of("xcit", xcit, "Xcit", 48, flat=("cls_token",), rules={r"temperature$": (1.0, 0.3)})


def nano() -> Case:
    """XCiT-N12's form: the class token's layers norm that token alone. Outputs alone."""
    module = Xcit(img_size=48, patch_size=16, embed_dim=24, depth=2, num_heads=3, num_classes=10, eta=1.0, tokens_norm=False)
    module.pos_embed.__class__ = ExactPositions
    case = Case("cosub-xcit-nano", module, as_="timm", package="timm", what="Xcit without tokens_norm",
                rules={r"temperature$": (1.0, 0.3)})
    return case.forward(f"{SPEC}:Nano", {"image": uniform(2, 48, 48, 3)}, lambda image: {"output": module(nchw(image))})


def swin() -> Case:
    """Maps of 16, 8 and 4 in windows of 4: moved ones in the first two stages."""
    swin = SwinTransformer(img_size=32, patch_size=2, embed_dim=12, depths=(2, 2, 2), num_heads=(2, 3, 4), window_size=4,
                           num_classes=10, drop_path_rate=0.0)
    return case_of("swin", swin, "SwinTransformer", 32)


def convnext() -> Case:
    """Maps of 13, 6, 3 and 1."""
    convnext = ConvNeXt(depths=(2, 2, 2, 2), dims=(6, 12, 24, 48), num_classes=10)
    return case_of("convnext", convnext, "ConvNeXt", 52)


def cases():
    yield vit()
    yield regnet()
    yield pit()
    yield xcit()
    yield nano()
    yield swin()
    yield convnext()
