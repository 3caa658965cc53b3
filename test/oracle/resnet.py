"""ResNet (He et al., 2016), against torchvision at reduced width."""

import torch
import torch.nn.functional as F
from torch import nn
from torchvision.models.resnet import Bottleneck, ResNet

from case import Case, integers, nchw, uniform

SPEC = "test/oracle/specs/resnet.vit"


class SmallResNet(ResNet):
    """torchvision's ResNet of bottlenecks, its layers made anew at `width` instead of 64."""

    def __init__(self, depths: list[int], width: int, classes: int | None, channels: int = 3, strides=(1, 2, 2, 2)):
        super().__init__(Bottleneck, [1, 1, 1, 1])
        self.inplanes = width
        self.conv1 = nn.Conv2d(channels, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        for stage in range(4):
            delattr(self, f"layer{stage + 1}")
        self.stages = len(depths)
        for stage, depth in enumerate(depths):
            layer = self._make_layer(Bottleneck, width * 2**stage, depth, stride=strides[stage])
            setattr(self, f"layer{stage + 1}", layer)
        self.fc = nn.Identity() if classes is None else nn.Linear(self.inplanes, classes)

    def features(self, image: torch.Tensor) -> torch.Tensor:
        """The last map, before the mean."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(image))))
        for stage in range(self.stages):
            x = getattr(self, f"layer{stage + 1}")(x)
        return x

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.fc(torch.flatten(self.avgpool(self.features(image)), 1))


def decayed(module: nn.Module, decay: float, flat: tuple[str, ...] = (), **without) -> list[dict]:
    """Two groups: no decay for parameters of fewer than two axes, nor for those of `flat`, which have one in our layout."""
    named = [(name, p) for name, p in module.named_parameters() if p.requires_grad]
    is_flat = {name: p.dim() < 2 or name.rsplit(".", 1)[-1] in flat for name, p in named}
    return [
        {"params": [p for name, p in named if not is_flat[name]], "weight_decay": decay},
        {"params": [p for name, p in named if is_flat[name]], "weight_decay": 0.0, **without},
    ]


def four_stages() -> Case:
    """Two bottlenecks a stage, an image that strides leave odd; cross-entropy under SGD with momentum."""
    module = SmallResNet([2, 2, 2, 2], 4, classes=10)
    case = Case("resnet-four-stages", module, as_="torchvision", package="torchvision", what="ResNet of bottlenecks, width 4")
    case.forward(f"{SPEC}:FourStages", {"image": uniform(2, 36, 36, 3)}, lambda image: {"output": module(nchw(image))})
    return case.train(
        f"{SPEC}:four_stages",
        {"image": uniform(4, 36, 36, 3), "train.label": integers(4, below=10)},
        lambda image, label: F.cross_entropy(module(nchw(image)), label),
        torch.optim.SGD(decayed(module, 1e-2), lr=0.05, momentum=0.9),
        rates=[0.05, 0.025],
    )


def cases():
    yield four_stages()
