"""A ViT as big_vision has it, in PyTorch from the facts of its code: Flax's names, layouts and initial shapes.

Parameters are flat, `Transformer/encoderblock_0/MlpBlock_0/Dense_0/kernel`, as its npz files hold them.
"""

import math

import torch
import torch.nn.functional as F


class Flat(torch.nn.Module):
    """Parameters by names with slashes."""

    def __init__(self, shapes: dict[str, tuple[int, ...]]):
        super().__init__()
        for name, shape in shapes.items():
            self.register_parameter(name, torch.nn.Parameter(torch.zeros(*shape)))

    def __getitem__(self, name: str) -> torch.Tensor:
        return self._parameters[name]

    def rules(self) -> dict[str, tuple[float, float]]:
        """Centers and spreads: kernels by what goes in, scales about one."""
        found = {}
        for name, value in self.named_parameters():
            if name.endswith("/kernel"):
                ways_in = math.prod(value.shape[:-1]) if "/out/" in name or value.dim() in (2, 4) else value.shape[0]
                found[f"^{name}$"] = (0.0, math.sqrt(3.0 / ways_in))
            if name.endswith("/scale"):
                found[f"^{name}$"] = (1.0, 0.3)
        return found

    def norm(self, x: torch.Tensor, name: str) -> torch.Tensor:
        return F.layer_norm(x, x.shape[-1:], self[f"{name}/scale"], self[f"{name}/bias"], 1e-6)

    def dense(self, x: torch.Tensor, name: str) -> torch.Tensor:
        return x @ self[f"{name}/kernel"] + self[f"{name}/bias"]

    def mlp(self, x: torch.Tensor, name: str) -> torch.Tensor:
        return self.dense(F.gelu(self.dense(x, f"{name}/Dense_0"), approximate="tanh"), f"{name}/Dense_1")

    def attention(self, q: torch.Tensor, x: torch.Tensor, name: str) -> torch.Tensor:
        """Heads are an axis of the kernels."""
        query, key, value = (
            torch.einsum("btd,dhc->bhtc", y, self[f"{name}/{part}/kernel"]) + self[f"{name}/{part}/bias"][:, None]
            for part, y in (("query", q), ("key", x), ("value", x))
        )
        scores = (query / math.sqrt(query.shape[-1])) @ key.transpose(-1, -2)
        out = torch.einsum("bhtc,hcd->btd", scores.softmax(-1) @ value, self[f"{name}/out/kernel"])
        return out + self[f"{name}/out/bias"]

    def encoder(self, x: torch.Tensor, depth: int) -> torch.Tensor:
        for i in range(depth):
            name = f"Transformer/encoderblock_{i}"
            y = self.norm(x, f"{name}/LayerNorm_0")
            x = x + self.attention(y, y, f"{name}/MultiHeadDotProductAttention_0")
            x = x + self.mlp(self.norm(x, f"{name}/LayerNorm_1"), f"{name}/MlpBlock_0")
        return self.norm(x, "Transformer/encoder_norm")


def attention_shapes(name: str, width: int, heads: int) -> dict[str, tuple[int, ...]]:
    c = width // heads
    parts = {f"{name}/{part}/{leaf}": shape for part in ("query", "key", "value")
             for leaf, shape in (("kernel", (width, heads, c)), ("bias", (heads, c)))}
    return {**parts, f"{name}/out/kernel": (heads, c, width), f"{name}/out/bias": (width,)}


def mlp_shapes(name: str, width: int, hidden: int) -> dict[str, tuple[int, ...]]:
    return {
        f"{name}/Dense_0/kernel": (width, hidden), f"{name}/Dense_0/bias": (hidden,),
        f"{name}/Dense_1/kernel": (hidden, width), f"{name}/Dense_1/bias": (width,),
    }


def norm_shapes(name: str, width: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}/scale": (width,), f"{name}/bias": (width,)}


def encoder_shapes(width: int, depth: int, heads: int, hidden: int) -> dict[str, tuple[int, ...]]:
    shapes = {}
    for i in range(depth):
        name = f"Transformer/encoderblock_{i}"
        shapes |= norm_shapes(f"{name}/LayerNorm_0", width)
        shapes |= attention_shapes(f"{name}/MultiHeadDotProductAttention_0", width, heads)
        shapes |= norm_shapes(f"{name}/LayerNorm_1", width)
        shapes |= mlp_shapes(f"{name}/MlpBlock_0", width, hidden)
    return shapes | norm_shapes("Transformer/encoder_norm", width)
