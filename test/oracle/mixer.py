"""MLP-Mixer (Tolstikhin et al., 2021), against timm: with the tanh of the public code's gelu, and with the exact one."""

from functools import partial

import torch
import torch.nn.functional as F
from timm.models.mlp_mixer import MlpMixer

from case import Case, integers, nchw, uniform
from objectives import blended, decayed, sigmoid_loss

SPEC = "test/oracle/specs/mixer.vit"


def timm_mixer(gelu: str) -> MlpMixer:
    return MlpMixer(num_classes=10, img_size=20, patch_size=4, num_blocks=2, embed_dim=24, mlp_ratio=(0.5, 2.0),
                    act_layer=partial(torch.nn.GELU, approximate=gelu))


def pretraining() -> Case:
    """Sigmoid cross-entropy of mixed labels, summed over classes; kernels alone decay."""
    module = timm_mixer("tanh")
    case = Case("mixer-pretraining", module, as_="timm", package="timm", what="MlpMixer with the tanh of big_vision's gelu")
    case.forward(f"{SPEC}:Small", {"image": uniform(2, 20, 20, 3)}, lambda image: {"output": module(nchw(image))})
    return case.train(
        f"{SPEC}:small",
        {"image": uniform(4, 20, 20, 3), "train.label": integers(4, below=10)},
        lambda image, label: sigmoid_loss(module(nchw(blended(image, 0.75))), blended(F.one_hot(label, 10).double(), 0.75)),
        torch.optim.AdamW(decayed(module, 0.1), lr=1e-2, eps=1e-3),
        clip=1.0,
        rates=[1e-2, 5e-3],
    )


def transfer() -> Case:
    """The exact gelu, as timm has it; softmax cross-entropy under SGD with momentum, clipping and no decay."""
    module = timm_mixer("none")
    case = Case("mixer-transfer", module, as_="timm", package="timm", what="MlpMixer")
    case.forward(f"{SPEC}:Small", {"image": uniform(2, 20, 20, 3)}, lambda image: {"output": module(nchw(image))},
                 settings={"gelu": "gelu"})
    return case.train(
        f"{SPEC}:small_transfer",
        {"image": uniform(4, 20, 20, 3), "train.label": integers(4, below=10)},
        lambda image, label: F.cross_entropy(module(nchw(image)), label),
        torch.optim.SGD(module.parameters(), lr=0.05, momentum=0.9),
        clip=1.0,
        rates=[0.05, 0.025],
    )


def cases():
    yield pretraining()
    yield transfer()
