"""A reference in PyTorch -> a fixture: weights by rule, outputs, losses, gradients and steps in float64.

A case owns nets (any `torch.nn.Module`). Every weight is `center + spread * uniform(key)` in the row-major order of the
reference's own layout, so that a fixture names weights and holds none. What the tests compare is small: outputs whole,
gradients and changes of parameters as a norm and two inner products with generated vectors.
"""

import copy
import json
import math
import re
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import numpy as np
import torch

from counter import uniform as counter

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

FIXTURES = Path(__file__).parent / "fixtures"


# ---- inputs ----


@dataclass(frozen=True)
class Input:
    """What a tensor handed to both sides is made of. Reals are rounded to float32, which both can hold."""

    shape: tuple[int, ...]
    recipe: dict

    def values(self, name: str) -> torch.Tensor:
        count = math.prod(self.shape)
        kind = self.recipe["kind"]
        if kind == "given":
            return torch.tensor(self.recipe["values"], dtype=self._dtype()).reshape(self.shape)
        draws = counter(f"input/{name}", count)
        if kind == "uniform":
            reals = self.recipe["center"] + self.recipe["spread"] * draws
            return torch.from_numpy(reals.astype(np.float32).astype(np.float64)).reshape(self.shape)
        if kind == "integers":
            below = self.recipe["below"]
            return torch.from_numpy(np.floor((draws + 1) / 2 * below).astype(np.int64)).reshape(self.shape)
        return torch.from_numpy((draws + 1) / 2 < self.recipe["share"]).reshape(self.shape)

    def _dtype(self) -> torch.dtype:
        return {"real": torch.float64, "integer": torch.int64, "boolean": torch.bool}[self.recipe["type"]]


def uniform(*shape: int, center: float = 0.0, spread: float = 1.0) -> Input:
    """Reals in [center - spread, center + spread). Images in our layout: (batch, rows, cols, channels)."""
    return Input(shape, {"kind": "uniform", "center": center, "spread": spread})


def integers(*shape: int, below: int) -> Input:
    """Whole numbers from 0: labels, ids of words."""
    return Input(shape, {"kind": "integers", "below": below})


def booleans(*shape: int, share: float = 0.5) -> Input:
    return Input(shape, {"kind": "booleans", "share": share})


def given(values) -> Input:
    """These very values (reals must be float32 numbers), for what must be a permutation, a box, a distribution."""
    tensor = torch.as_tensor(values)
    if tensor.dtype == torch.bool:
        kind, flat = "boolean", [int(value) for value in tensor.flatten()]
    elif tensor.dtype.is_floating_point:
        kind, flat = "real", [float(value) for value in tensor.flatten().to(torch.float32)]
    else:
        kind, flat = "integer", [int(value) for value in tensor.flatten()]
    return Input(tuple(tensor.shape), {"kind": "given", "type": kind, "values": flat})


def nchw(image: torch.Tensor) -> torch.Tensor:
    """(batch, rows, cols, channels) -> (batch, channels, rows, cols)."""
    return image.permute(0, 3, 1, 2).contiguous()


def nhwc(image: torch.Tensor) -> torch.Tensor:
    return image.permute(0, 2, 3, 1).contiguous()


# ---- weights ----

_SCALES = re.compile(r"(^|[._])(gamma\w*|ls\d?|layer_?scale\w*|lambda\w*)$")


def rule_of(name: str, tensor: torch.Tensor, module: torch.nn.Module) -> tuple[float, float]:
    """Center and spread of a weight, by its last name, its rank and whose it is."""
    leaf = name.rsplit(".", 1)[-1]
    if leaf == "running_var":
        return 1.0, 0.5
    if leaf == "running_mean":
        return 0.0, 0.3
    if tensor.dim() == 0:
        return float(tensor), 0.1  # a logarithm of a temperature: about where it starts
    if _SCALES.search(name):
        return 0.5, 0.3
    if "Norm" in type(module).__name__ and leaf in ("weight", "scale"):
        return 1.0, 0.3
    if isinstance(module, torch.nn.Embedding):
        return 0.0, 0.3
    is_weight = leaf.endswith("weight") or leaf == "kernel"
    if tensor.dim() >= 2 and is_weight:
        return 0.0, math.sqrt(3.0 / math.prod(tensor.shape[1:]))
    return 0.0, 0.3


class Net:
    """A module in a case, its weights generated. `name` is that of the recipe's net."""

    def __init__(self, name: str, module: torch.nn.Module, as_: str, rules: dict[str, tuple[float, float]], skip: str):
        self.name, self.module, self.as_ = name, module.double(), as_
        self.weights: list[dict] = []
        modules = dict(module.named_modules())
        seen: set[int] = set()
        for entry, tensor in module.state_dict(keep_vars=True).items():
            if not tensor.dtype.is_floating_point or tensor.data_ptr() in seen:
                continue  # counters and indices; a weight that is used twice has its first name
            if skip and re.search(skip, entry):
                continue
            seen.add(tensor.data_ptr())
            owner = modules[entry.rsplit(".", 1)[0] if "." in entry else ""]
            chosen = [rule for pattern, rule in rules.items() if re.search(pattern, entry)]
            center, spread = chosen[0] if chosen else rule_of(entry, tensor, owner)
            values = center + spread * counter(f"{name}/{entry}", tensor.numel())
            with torch.no_grad():
                tensor.copy_(torch.from_numpy(values).reshape(tensor.shape))
            weight = {"name": entry, "shape": list(tensor.shape), "center": center, "spread": spread}
            self.weights.append(weight)
        self.names = [weight["name"] for weight in self.weights]

    def values(self) -> dict[str, torch.Tensor]:
        state = self.module.state_dict()
        return {name: state[name].detach().clone() for name in self.names}

    def gradients(self) -> dict[str, torch.Tensor]:
        """Of every parameter that learns; zeros where the loss does not reach."""
        found = {}
        for name, tensor in self.module.named_parameters():
            if name in self.names and tensor.requires_grad:
                found[name] = torch.zeros_like(tensor) if tensor.grad is None else tensor.grad.detach().clone()
        return found


# ---- what is written ----


def _short(value: float) -> float:
    return float(f"{value:.12g}")


def measure(values: dict[str, torch.Tensor]) -> dict[str, list[float]]:
    """name -> [norm, inner product with `name#1`, with `name#2`]."""
    measured = {}
    for name, tensor in values.items():
        flat = tensor.detach().double().flatten().numpy()
        dots = [float(flat @ counter(f"{name}#{k}", flat.size)) for k in (1, 2)]
        measured[name] = [_short(float(np.linalg.norm(flat))), *(_short(dot) for dot in dots)]
    return measured


def _tensor(value: torch.Tensor) -> dict:
    flat = value.detach().double().flatten().tolist()
    return {"shape": list(value.shape), "values": [_short(each) for each in flat]}


class Case:
    """One reference and what it computes, written to fixtures/NAME.json."""

    def __init__(self, name: str, module: torch.nn.Module | None = None, *, as_: str = "torch", package: str, what: str,
                 net: str = "model", rules: dict[str, tuple[float, float]] | None = None, skip: str = ""):
        """`package` is what the reference comes from (`timm`), or `torch` for one that is written here. `rules` are
        patterns of names with their own (center, spread); weights that match `skip` stay as they are on both sides."""
        self.name = name
        self.reference = {"package": package, "version": metadata.version(package), "what": what}
        self.nets: dict[str, Net] = {}
        self.twins: dict[str, tuple[str, torch.nn.Module]] = {}
        self.parts: dict = {}
        if module is not None:
            self.net(net, module, as_=as_, rules=rules, skip=skip)

    def net(self, name: str, module: torch.nn.Module, *, as_: str = "torch",
            rules: dict[str, tuple[float, float]] | None = None, skip: str = "") -> torch.nn.Module:
        """A further net of the recipe, under the recipe's name for it."""
        self.nets[name] = Net(name, module, as_, rules or {}, skip)
        return module

    def twin(self, name: str, of: str, module: torch.nn.Module | None = None) -> torch.nn.Module:
        """What follows a net; starts as its copy, without gradients. A module of its own may be a part of that net."""
        source = self.nets[of].module
        if module is None:
            module = copy.deepcopy(source)
        else:
            module.double().load_state_dict(source.state_dict(), strict=False)
        module.requires_grad_(False)
        self.twins[name] = (of, module)
        return module

    def forward(self, spec: str, inputs: dict[str, Input], run, *, net: str | None = None, settings: dict | None = None):
        """`run(*tensors)` in the order of `inputs` -> {output: tensor}, in evaluation form and our layout."""
        for one in self.nets.values():
            one.module.eval()
        with torch.no_grad():
            outputs = run(*(given_.values(name) for name, given_ in inputs.items()))
        self.parts["forward"] = {
            "spec": spec,
            "net": net or next(iter(self.nets)),
            "settings": settings or {},
            "inputs": self._inputs(inputs),
            "outputs": {name: _tensor(value) for name, value in outputs.items()},
        }
        return self

    def train(self, recipe: str, inputs: dict[str, Input], loss, optimizer, *, steps: int = 2, clip: float | None = None,
              rates: list[float] | None = None, before=None, after=None, tolerance: dict | None = None):
        """Optimizer steps on one batch. `loss(*tensors)` is a number or {name: number}, which add up. `rates` are the
        learning rates by step, times a group's `scale`; `before(step)` runs before the forward pass and `after(step)`
        after the optimizer: there twins follow."""
        tensors = [given_.values(name) for name, given_ in inputs.items()]
        for one in self.nets.values():
            one.module.train()
        starts = {name: one.values() for name, one in self.nets.items()}
        twin_starts = {name: self._twin(name) for name in self.twins}
        written: list[dict] = []
        gradients: dict = {}
        for step in range(steps):
            if before:
                before(step)
            for one in self.nets.values():
                one.module.zero_grad(set_to_none=True)
            losses = loss(*tensors)
            losses = losses if isinstance(losses, dict) else {"loss": losses}
            total = sum(losses.values())
            total.backward()
            learning = [p for one in self.nets.values() for p in one.module.parameters() if p.grad is not None]
            if step == 0:
                gradients = {name: measure(one.gradients()) for name, one in self.nets.items()}
            norm = torch.nn.utils.get_total_norm([p.grad for p in learning])
            if clip is not None:
                torch.nn.utils.clip_grad_norm_(learning, clip)
            for group in optimizer.param_groups if rates else []:
                group["lr"] = rates[step] * group.get("scale", 1.0)
            optimizer.step()
            if after:
                after(step)
            changes = {name: self._change(one.values(), starts[name]) for name, one in self.nets.items()}
            twins = {name: self._change(self._twin(name), twin_starts[name]) for name in self.twins}
            written.append({
                "losses": {"loss": _short(total.item()), **{name: _short(value.item()) for name, value in losses.items()}},
                "gradient_norm": _short(float(norm)),
                "changes": changes,
                "twins": twins,
            })
        self.parts["training"] = {
            "recipe": recipe,
            "inputs": self._inputs(inputs),
            "gradients": gradients,
            "twins": {name: of for name, (of, _) in self.twins.items()},
            "steps": written,
            **({"tolerance": tolerance} if tolerance else {}),
        }
        return self

    def write(self) -> Path:
        nets = {name: {"as": one.as_, "weights": one.weights} for name, one in self.nets.items()}
        fixture = {"name": self.name, "reference": self.reference, "nets": nets, **self.parts}
        path = FIXTURES / f"{self.name}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(_lines(fixture) + "\n")
        return path

    def _twin(self, name: str) -> dict[str, torch.Tensor]:
        of, module = self.twins[name]
        state = module.state_dict()
        return {entry: state[entry].detach().clone() for entry in self.nets[of].names if entry in state}

    @staticmethod
    def _inputs(inputs: dict[str, Input]) -> dict:
        return {name: {"shape": list(each.shape), **each.recipe} for name, each in inputs.items()}

    @staticmethod
    def _change(now: dict[str, torch.Tensor], start: dict[str, torch.Tensor]) -> dict[str, list[float]]:
        return measure({name: now[name] - start[name] for name in now})


def _lines(value, depth: int = 0) -> str:
    """JSON with one line for what is small: readable differences, small files."""
    flat = json.dumps(value, ensure_ascii=False)
    if len(flat) <= 140 - depth or not isinstance(value, (dict, list)) or not value:
        return flat
    if isinstance(value, list) and not any(isinstance(each, (dict, list)) for each in value):
        return flat
    pad, close = "\n" + " " * (depth + 1), "\n" + " " * depth
    if isinstance(value, dict):
        inner = [f"{json.dumps(key, ensure_ascii=False)}: {_lines(each, depth + 1)}" for key, each in value.items()]
        return "{" + pad + ("," + pad).join(inner) + close + "}"
    return "[" + pad + ("," + pad).join(_lines(each, depth + 1) for each in value) + close + "]"
