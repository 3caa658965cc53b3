"""MLP-Mixer (Tolstikhin et al., 2021), against timm: with the tanh of the public code's gelu, and with the exact one."""

from functools import partial

import torch
import torch.nn.functional as F
from timm.models.mlp_mixer import MlpMixer

from case import Case, integers, nchw, uniform
from flax_vit import Flat, mlp_shapes, norm_shapes
from objectives import HalfSgd, blended, decayed, sigmoid_loss

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
        torch.optim.AdamW(decayed(module, 0.1), lr=1e-2, eps=1e-2),
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
        HalfSgd(module.parameters()),
        clip=1.0,
        rates=[0.05, 0.025],
    )


class FlaxMixer(Flat):
    """big_vision's, from its facts."""

    def __init__(self):
        shapes = {"stem/kernel": (4, 4, 3, 24), "stem/bias": (24,)}
        for i in range(2):
            shapes |= norm_shapes(f"MixerBlock_{i}/LayerNorm_0", 24) | norm_shapes(f"MixerBlock_{i}/LayerNorm_1", 24)
            shapes |= mlp_shapes(f"MixerBlock_{i}/token_mixing", 25, 12) | mlp_shapes(f"MixerBlock_{i}/channel_mixing", 24, 48)
        super().__init__(shapes | norm_shapes("pre_head_layer_norm", 24) | {"head/kernel": (24, 10), "head/bias": (10,)})

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        x = F.conv2d(nchw(image), self["stem/kernel"].permute(3, 2, 0, 1), self["stem/bias"], stride=4)
        x = x.flatten(2).transpose(1, 2)
        for i in range(2):
            name = f"MixerBlock_{i}"
            x = x + self.mlp(self.norm(x, f"{name}/LayerNorm_0").mT, f"{name}/token_mixing").mT
            x = x + self.mlp(self.norm(x, f"{name}/LayerNorm_1"), f"{name}/channel_mixing")
        return self.dense(self.norm(x, "pre_head_layer_norm").mean(1), "head")


def flax() -> Case:
    module = FlaxMixer()
    case = Case("mixer-flax", module, as_="big_vision", package="torch", rules=module.rules(),
                what="big_vision's Mixer, written from its facts")
    return case.forward(f"{SPEC}:Small", {"image": uniform(2, 20, 20, 3)}, lambda image: {"output": module(image)})


def cases():
    yield pretraining()
    yield transfer()
    yield flax()
