"""Jigsaw and Colorization (Goyal et al., 2019): torchvision's ResNet as a trunk, AlexNet's convolutions, the towers, the
colour bins and their weights in PyTorch, written here from the facts of the released code."""

import torch
import torch.nn.functional as F
from torch import nn

from case import Case, integers, nchw, nhwc, uniform
from resnet import SmallResNet

SPEC = "test/oracle/specs/ssl-scaling.vit"


class AlexNet(nn.Module):
    """Five convolutions, three of two groups; responses are normalised (Jigsaw), or batches everywhere (Colorization)."""

    def __init__(self, widths: list[int], stride: int, channels: int, norm: str):
        super().__init__()
        a, b, c, d, e = widths
        self.norm = norm
        self.conv1 = nn.Conv2d(channels, a, 11, stride=stride)
        self.conv2 = nn.Conv2d(a, b, 5, padding=2, groups=2)
        self.conv3 = nn.Conv2d(b, c, 3, padding=1)
        self.conv4 = nn.Conv2d(c, d, 3, padding=1, groups=2)
        self.conv5 = nn.Conv2d(d, e, 3, padding=1, groups=2)
        for i, width in enumerate(widths, start=1):
            if i > 2 or norm == "batches":
                setattr(self, f"bn{i}", nn.BatchNorm2d(width))
        self.response = nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for i in range(1, 6):
            x = getattr(self, f"conv{i}")(x)
            if hasattr(self, f"bn{i}"):
                x = getattr(self, f"bn{i}")(x)
            x = F.relu(x)
            if i in (1, 2, 5):
                x = F.max_pool2d(x, 3, stride=2)
            if i < 3 and self.norm == "responses":
                x = self.response(x)
        return x


class ResNetTower(nn.Module):
    def __init__(self, width: int, features: int):
        super().__init__()
        self.trunk = SmallResNet([1, 1, 1, 1], width, classes=None)
        self.fc = nn.Linear(self.trunk.inplanes, features)
        self.bn = nn.BatchNorm1d(features)

    def forward(self, pieces: torch.Tensor) -> torch.Tensor:
        return F.relu(self.bn(self.fc(self.trunk(nchw(pieces)))))


class AlexNetTower(nn.Module):
    def __init__(self, widths: list[int], features: int):
        super().__init__()
        self.trunk = AlexNet(widths, 2, 3, "responses")
        self.fc6 = nn.Linear(4 * widths[-1], features)

    def forward(self, pieces: torch.Tensor) -> torch.Tensor:
        return F.relu(self.fc6(nhwc(self.trunk(nchw(pieces))).flatten(1)))


class Jigsaw(nn.Module):
    """One tower over all pieces; what it says of them, in the order they are shown, goes into a linear map or two."""

    def __init__(self, tower: nn.Module, features: int, hidden: int | None, orders: int):
        super().__init__()
        self.tower = tower
        if hidden is not None:
            self.fc7 = nn.Linear(9 * features, hidden)
        self.head = nn.Linear(9 * features if hidden is None else hidden, orders)

    def forward(self, pieces: torch.Tensor) -> torch.Tensor:
        x = self.tower(pieces.flatten(0, 1)).reshape(len(pieces), -1)
        return self.head(F.relu(self.fc7(x)) if hasattr(self, "fc7") else x)


def puzzle(name: str, kind: str, module: nn.Module, patch: int, package: str, what: str) -> Case:
    case = Case(f"ssl-scaling-{name}", module, as_=package, package=package, what=what)
    case.forward(f"{SPEC}:{kind}", {"pieces": uniform(1, 9, patch, patch, 3)}, lambda pieces: {"output": module(pieces)})
    norms = {p for m in module.modules() if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d)) for p in m.parameters()}
    groups = [
        {"params": [p for p in module.parameters() if p not in norms], "weight_decay": 1e-2},
        {"params": list(norms), "weight_decay": 0.0},
    ]
    return case.train(
        f"{SPEC}:{name.replace('-', '_')}",
        {"puzzle.patches": uniform(2, 9, patch, patch, 3), "puzzle.which": integers(2, below=7)},
        lambda pieces, which: F.cross_entropy(module(pieces), which),
        torch.optim.SGD(groups, lr=0.02, momentum=0.9),
        rates=[0.02, 0.01],
    )


def jigsaw_resnet() -> Case:
    """Pieces of 33 pixels: 17, 9, 5, 3 and 2."""
    module = Jigsaw(ResNetTower(4, 12), 12, None, 7)
    return puzzle("jigsaw-resnet", "ResNetPuzzle", module, 33, "torchvision", "ResNet; the towers are written here after VISSL")


def jigsaw_alexnet() -> Case:
    """Pieces of 55 pixels: 23, 11, 5 and 2. Nothing is dropped."""
    module = Jigsaw(AlexNetTower([6, 8, 12, 12, 8], 10), 10, 14, 7)
    return puzzle("jigsaw-alexnet", "AlexNetPuzzle", module, 55, "torch", "AlexNet and its towers, written here after VISSL")


class Colors(nn.Module):
    """The recipe's own: bins of the plane of a and b, and how often each occurs."""

    def __init__(self, bins: int):
        super().__init__()
        self.register_buffer("bins", torch.zeros(bins, 2))
        self.register_buffer("prior", torch.zeros(bins))


def soft_bins(ab: torch.Tensor, bins: torch.Tensor, nearest: int, sigma: float = 5.0) -> torch.Tensor:
    """(.., 2) -> (.., bins): the nearest bins by a Gaussian of the distance."""
    far = ((ab[..., None, :] - bins) ** 2).sum(-1)
    close, which = far.topk(nearest, largest=False)
    return torch.zeros_like(far).scatter(-1, which, torch.softmax(-close / (2 * sigma**2), dim=-1))


def rebalanced(logits: torch.Tensor, target: torch.Tensor, prior: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of each place, times the weight of the bin that its colour is nearest to."""
    weight = 1 / (0.5 * prior + 0.5 / len(prior))
    weight = weight / (weight * prior).sum()
    each = -(target * torch.log_softmax(logits, dim=-1)).sum(-1)
    return (weight[target.argmax(-1)] * each).mean()


def colorization() -> Case:
    """ResNet whose last stage keeps its grid; three of twelve bins for each place of 16 by 16 pixels."""
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.trunk = SmallResNet([2, 1, 1, 2], 4, classes=None, channels=1, strides=(1, 2, 2, 1))
            self.head = nn.Conv2d(self.trunk.inplanes, 12, 1)

        def forward(self, light: torch.Tensor) -> torch.Tensor:
            return nhwc(self.head(self.trunk.features(nchw(light))))

    module = Net()
    case = Case("ssl-scaling-colorization", module, as_="torchvision", package="torchvision",
                what="ResNet; bins and weights are written here after VISSL and Zhang et al., 2016")
    colors = case.net("", Colors(12), as_="torch", rules={"bins": (0.0, 40.0), "prior": (0.1, 0.05)})
    case.forward(f"{SPEC}:Colors", {"light": uniform(1, 48, 48, 1)}, lambda light: {"output": module(light)}, net="model")

    def loss(light, ab):
        small = nhwc(F.avg_pool2d(nchw(ab), 16))
        return rebalanced(module(light), soft_bins(small, colors.bins, 3), colors.prior)

    return case.train(
        f"{SPEC}:colors",
        {"lab.l": uniform(2, 48, 48, 1, spread=50.0), "lab.ab": uniform(2, 48, 48, 2, spread=200.0)},
        loss,
        torch.optim.SGD(module.parameters(), lr=0.02, momentum=0.9, weight_decay=1e-2),
        rates=[0.02, 0.01],
    )


def color_alexnet() -> Case:
    """The other trunk: batch norms everywhere, then two hidden layers of one pixel. Outputs alone."""
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.trunk = AlexNet([6, 8, 12, 12, 8], 4, 1, "batches")
            self.fc6 = nn.Conv2d(8, 10, 1)
            self.fc7 = nn.Conv2d(10, 10, 1)
            self.head = nn.Conv2d(10, 12, 1)

        def forward(self, light: torch.Tensor) -> torch.Tensor:
            x = F.relu(self.fc6(self.trunk(nchw(light))))
            return nhwc(self.head(F.relu(self.fc7(x))))

    module = Net()
    case = Case("ssl-scaling-color-alexnet", module, as_="torch", package="torch", what="AlexNet, written here after VISSL")
    return case.forward(f"{SPEC}:AlexNetColors", {"light": uniform(1, 99, 99, 1)}, lambda light: {"output": module(light)})


def cases():
    yield jigsaw_resnet()
    yield jigsaw_alexnet()
    yield colorization()
    yield color_alexnet()
