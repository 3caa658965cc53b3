"""BiT (Kolesnikov et al., 2020), against timm's ResNetV2 with group norm and standardised weights."""

from functools import partial

import torch
import torch.nn.functional as F
from timm.layers import StdConv2d
from timm.models.resnetv2 import ResNetV2

from case import Case, integers, nchw, uniform
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


def cases():
    yield case_of("bit-s", "small", softmax, 1e-4)
    yield case_of("bit-m", "small_m", sigmoid, 1e-4)
    yield case_of("bit-transfer", "rule", mixed, 0.0)
