"""BiT (Kolesnikov et al., 2020), against timm's ResNetV2 with group norm and standardised weights."""

from functools import partial

import torch
import torch.nn.functional as F
from timm.layers import StdConv2d
from timm.models.resnetv2 import ResNetV2

from case import Case, integers, nchw, uniform
from flax_vit import Flat
from objectives import mirrored, sigmoid_loss

SPEC = "test/oracle/specs/bit.vit"


def case_of(name: str, recipe: str, objective, decay: float) -> Case:
    """The zeros around the stem's map count in the pool; `eps` is that of the paper's code."""
    module = ResNetV2([2, 2], channels=(128, 256), stem_chs=32, num_classes=10, stem_type="fixed",
                      conv_layer=partial(StdConv2d, eps=1e-10))
    case = Case(name, module, as_="timm", package="timm", what="ResNetV2 with group norm and standardised weights")
    case.forward(f"{SPEC}:Small", {"image": uniform(2, 25, 25, 3)}, lambda image: {"output": module(nchw(image))})
    return case.train(
        f"{SPEC}:{recipe}",
        {"image": uniform(2, 25, 25, 3), "train.label": integers(2, below=10)},
        lambda image, label: objective(module, image, label),
        torch.optim.SGD(module.parameters(), lr=0.1, momentum=0.9, weight_decay=decay),
        rates=[0.1, 0.05],
    )


def softmax(module, image, label):
    return F.cross_entropy(module(nchw(image)), label)


def sigmoid(module, image, label):
    return sigmoid_loss(module(nchw(image)), F.one_hot(label, 10).double())


def mixed(module, image, label):
    target = mirrored(F.one_hot(label, 10).double(), 0.75)
    return -(target * F.log_softmax(module(nchw(mirrored(image, 0.75))), -1)).sum(-1).mean()


class FlaxBiT(Flat):
    """`bit_paper` of big_vision, from its facts; but its pool has the zeros around it of the paper's code."""

    DEPTHS, WIDTH = (2, 2), 32

    def __init__(self):
        shapes, channels = {"root_block/conv_root/kernel": (7, 7, 3, self.WIDTH)}, self.WIDTH
        for unit, planes, _ in self._units():
            sizes = {"conv1": (1, 1, channels, planes), "conv2": (3, 3, planes, planes), "conv3": (1, 1, planes, 4 * planes)}
            if channels != 4 * planes:
                sizes["conv_proj"] = (1, 1, channels, 4 * planes)
            shapes |= {f"{unit}/{name}/kernel": size for name, size in sizes.items()}
            for i, width in enumerate((channels, planes, planes), 1):
                shapes |= {f"{unit}/gn{i}/scale": (1, 1, 1, width), f"{unit}/gn{i}/bias": (1, 1, 1, width)}
            channels = 4 * planes
        shapes |= {"norm-pre-head/scale": (1, 1, 1, channels), "norm-pre-head/bias": (1, 1, 1, channels)}
        super().__init__(shapes | {"head/kernel": (channels, 10), "head/bias": (10,)})

    def _units(self):
        for s, depth in enumerate(self.DEPTHS):
            for b in range(depth):
                yield f"block{s + 1}/unit{b + 1:02d}", self.WIDTH * 2**s, 2 if s > 0 and b == 0 else 1

    def _conv(self, x: torch.Tensor, name: str, stride: int = 1, padding: int = 0) -> torch.Tensor:
        kernel = self[f"{name}/kernel"]
        kernel = kernel - kernel.mean((0, 1, 2))
        kernel = kernel / (kernel.square().mean((0, 1, 2)) + 1e-10).sqrt()
        return F.conv2d(x, kernel.permute(3, 2, 0, 1), stride=stride, padding=padding)

    def _norm(self, x: torch.Tensor, name: str) -> torch.Tensor:
        return F.relu(F.group_norm(x, 32, self[f"{name}/scale"].flatten(), self[f"{name}/bias"].flatten(), 1e-5))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        x = self._conv(nchw(image), "root_block/conv_root", 2, 3)
        x = F.max_pool2d(F.pad(x, (1, 1, 1, 1)), 3, 2)
        for unit, planes, stride in self._units():
            a = self._norm(x, f"{unit}/gn1")
            skip = self._conv(a, f"{unit}/conv_proj", stride) if f"{unit}/conv_proj/kernel" in self._parameters else x
            y = self._norm(self._conv(a, f"{unit}/conv1"), f"{unit}/gn2")
            y = self._norm(self._conv(y, f"{unit}/conv2", stride, 1), f"{unit}/gn3")
            x = self._conv(y, f"{unit}/conv3") + skip
        return self.dense(self._norm(x, "norm-pre-head").mean((2, 3)), "head")


def flax() -> Case:
    module = FlaxBiT()
    case = Case("bit-flax", module, as_="big_vision", package="torch", rules=module.rules(),
                what="big_vision's bit_paper, written from its facts, with the pool of the paper's code")
    return case.forward(f"{SPEC}:Small", {"image": uniform(2, 25, 25, 3)}, lambda image: {"output": module(image)})


def cases():
    yield case_of("bit-s", "small", softmax, 1e-4)
    yield case_of("bit-m", "small_m", sigmoid, 1e-4)
    yield case_of("bit-transfer", "rule", mixed, 0.0)
    yield flax()
