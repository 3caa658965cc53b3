"""VATT (Akbari et al., 2021): published in TensorFlow alone, so an oracle in PyTorch from the facts of its code. Layers of
the towers are timm's, the buckets of distances transformers' T5's."""

from functools import partial

import torch
import torch.nn.functional as F
from timm.models.vision_transformer import Block
from torch import nn
from transformers.models.t5.modeling_t5 import T5Attention as T5

from case import Case, given, uniform

SPEC = "test/oracle/specs/vatt.vit"
norm = partial(nn.LayerNorm, eps=1e-6)

# five clips of three texts of four words; 0 pads
IDS = [[[3, 17, 9, 0], [5, 5, 0, 0], [0, 0, 0, 0]], [[7, 29, 8, 1], [39, 2, 0, 0], [12, 0, 0, 0]],
       [[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]], [[21, 4, 30, 11], [6, 0, 0, 0], [13, 38, 2, 0]],
       [[1, 2, 3, 4], [24, 0, 0, 0], [31, 33, 0, 0]]]
SPOKEN = [True, True, False, True, True]


class Attention(nn.Module):
    """Queries, keys and values in one map; what is not present answers nothing; `near` is added to the products."""

    def __init__(self, width: int, heads: int, bias: bool = True, scaled: bool = True):
        super().__init__()
        self.heads, self.scale = heads, (width // heads) ** -0.5 if scaled else 1.0
        self.qkv = nn.Linear(width, 3 * width, bias=bias)
        self.proj = nn.Linear(width, width, bias=bias)

    def forward(self, x: torch.Tensor, present: torch.Tensor | None = None, near: torch.Tensor | float = 0.0) -> torch.Tensor:
        batch, tokens, width = x.shape
        q, k, v = self.qkv(x).reshape(batch, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-1, -2) * self.scale + near
        if present is not None:
            scores = scores.masked_fill(~present[:, None, None], -1e9)
        return self.proj((scores.softmax(-1) @ v).transpose(1, 2).reshape(batch, tokens, width))


class Encoder(nn.Module):
    def __init__(self, width: int, heads: int, hidden: int, depth: int = 2):
        super().__init__()
        make = lambda: Block(width, heads, mlp_ratio=hidden / width, qkv_bias=True, norm_layer=norm)
        self.layers = nn.ModuleList(make() for _ in range(depth))
        for layer in self.layers:
            layer.attn = Attention(width, heads)
        self.norm = norm(width)

    def forward(self, x: torch.Tensor, present: torch.Tensor | None = None) -> torch.Tensor:
        for layer in self.layers:
            x = x + layer.attn(layer.norm1(x), present)
            x = x + layer.mlp(layer.norm2(x))
        return self.norm(x)


class Positions(nn.Module):
    """A table for each axis; their sum is normed."""

    def __init__(self, width: int, **axes: int):
        super().__init__()
        for name, extent in axes.items():
            setattr(self, name, nn.Parameter(torch.zeros(extent, width)))
        self.axes = list(axes)
        self.norm = norm(width)

    def forward(self) -> torch.Tensor:
        total = None
        for place, name in enumerate(self.axes):
            shape = [1] * len(self.axes)
            table = getattr(self, name)
            shape[place] = len(table)
            table = table.reshape(*shape, -1)
            total = table if total is None else total + table
        return self.norm(total).reshape(-1, total.shape[-1])


class Tower(nn.Module):
    """Patches or words as [batch, tokens, width]; in training every other token is kept."""

    def __init__(self, width: int, axes: dict, encoder: nn.Module | None, before: int = 0, after: int = 0, drops: bool = True):
        super().__init__()
        self.token = nn.Parameter(torch.zeros(width))
        self.positions = Positions(width, **axes)
        if encoder is not None:
            self.encoder = encoder
        if before:
            self.before = nn.Linear(before, width)
        if after:
            self.after = nn.Linear(width, after)
        self.drops = drops

    def forward(self, x: torch.Tensor, encoder: nn.Module, present: torch.Tensor | None = None) -> torch.Tensor:
        x = F.gelu(self.before(x)) if hasattr(self, "before") else x
        x = x + self.positions()
        if self.drops and self.training:
            x = x[:, 0 : x.shape[1] // 2 * 2 : 2]
        x = torch.cat([self.token.expand(len(x), 1, -1), x], 1)
        if present is not None:
            present = torch.cat([torch.ones(len(x), 1, dtype=torch.bool), present], 1)
        y = encoder(x, present)[:, 0]
        return F.gelu(self.after(y)) if hasattr(self, "after") else y


class Patches(nn.Module):
    """A convolution whose windows do not meet, over a channels-last signal, and a tower over what it gives."""

    def __init__(self, kind, channels: int, width: int, window: tuple, axes: dict, encoder, bias: bool = True, **more):
        super().__init__()
        self.patches = kind(channels, width, window, window, bias=bias)
        self.tower = Tower(width, axes, encoder, **more)

    def forward(self, x: torch.Tensor, encoder: nn.Module | None = None) -> torch.Tensor:
        y = self.patches(x.movedim(-1, 1)).flatten(2).transpose(1, 2)
        return self.tower(y, encoder or self.tower.encoder)


def video(width: int, encoder, **more) -> Patches:
    return Patches(nn.Conv3d, 3, width, (4, 16, 16), {"temporal": 2, "vertical": 2, "horizontal": 2}, encoder, **more)


def wave(width: int, encoder, **more) -> Patches:
    return Patches(nn.Conv1d, 1, width, (128,), {"temporal": 6}, encoder, **more)


class T5Layer(nn.Module):
    """T5's norm before attention, an ordinary one before the rest; no biases."""

    def __init__(self, width: int, heads: int, hidden: int):
        super().__init__()
        self.norm1, self.norm2 = nn.RMSNorm(width, eps=1e-6), norm(width)
        self.attn = Attention(width, heads, bias=False, scaled=False)
        self.wi, self.wo = nn.Linear(width, hidden, bias=False), nn.Linear(hidden, width, bias=False)

    def forward(self, x, present, near):
        x = x + self.attn(self.norm1(x), present, near)
        return x + self.wo(F.gelu(self.wi(self.norm2(x))))


class T5Tower(nn.Module):
    def __init__(self, width: int = 16, heads: int = 2, hidden: int = 24, words: int = 40):
        super().__init__()
        self.words = nn.Embedding(words, 300)
        self.words.requires_grad_(False)
        self.fc = nn.Linear(300, width, bias=False)
        self.token = nn.Parameter(torch.zeros(width))
        self.table = nn.Parameter(torch.zeros(32, heads))
        self.layers = nn.ModuleList(T5Layer(width, heads, hidden) for _ in range(2))
        self.norm = nn.RMSNorm(width, eps=1e-6)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        x = torch.cat([self.token.expand(len(ids), 1, -1), self.fc(self.words(ids))], 1)
        present = torch.cat([torch.ones(len(ids), 1, dtype=torch.bool), ids != 0], 1)
        places = torch.arange(x.shape[1])
        kinds = T5._relative_position_bucket(places[None] - places[:, None], True, 32, 64)
        near = self.table[kinds].permute(2, 0, 1)
        for layer in self.layers:
            x = layer(x, present, near)
        return self.norm(x)[:, 0]


class WordTower(nn.Module):
    def __init__(self, width: int, after: int, words: int = 40):
        super().__init__()
        self.words = nn.Embedding(words, 300)
        self.words.requires_grad_(False)
        self.before = nn.Linear(300, width)
        self.tower = Tower(width, {"temporal": 4}, None, after=after, drops=False)

    def forward(self, ids: torch.Tensor, encoder: nn.Module) -> torch.Tensor:
        return self.tower(F.gelu(self.before(self.words(ids))), encoder, ids != 0)


class Spaces(nn.Module):
    def __init__(self, seen: int, heard: int, read: int, fine: int = 14, coarse: int = 10):
        super().__init__()
        part = lambda **layers: nn.ModuleDict(layers)
        self.video_fine = part(fc1=nn.Linear(seen, fine, bias=False), bn1=nn.BatchNorm1d(fine),
                               fc2=nn.Linear(fine, fine, bias=False), bn2=nn.BatchNorm1d(fine))
        self.video_coarse = part(fc=nn.Linear(fine, coarse, bias=False), bn=nn.BatchNorm1d(coarse))
        self.audio_fine, self.text_coarse = nn.Linear(heard, fine), nn.Linear(read, coarse)

    def forward(self, seen, heard, read) -> dict:
        one, two = self.video_fine, self.video_coarse
        near = one["bn2"](one["fc2"](F.relu(one["bn1"](one["fc1"](seen)))))
        return {"video_audio": near, "audio": self.audio_fine(heard), "video_text": two["bn"](two["fc"](F.relu(near))),
                "text": self.text_coarse(read)}


class Specific(nn.Module):
    def __init__(self):
        super().__init__()
        self.see, self.hear = video(16, Encoder(16, 2, 24)), wave(12, Encoder(12, 2, 20))
        self.read, self.spaces = T5Tower(), Spaces(16, 12, 16)

    def forward(self, clips, sound, ids) -> dict:
        read = self.read(ids.flatten(0, 1)).unflatten(0, ids.shape[:2])
        return self.spaces(self.see(clips), self.hear(sound), read)


class Agnostic(nn.Module):
    def __init__(self):
        super().__init__()
        self.shared = Encoder(16, 2, 24)
        self.see, self.hear = video(16, None, before=16, after=18), wave(16, None, before=16, after=18)
        self.read, self.spaces = WordTower(16, 18), Spaces(18, 18, 18)

    def forward(self, clips, sound, ids) -> dict:
        read = self.read(ids.flatten(0, 1), self.shared).unflatten(0, ids.shape[:2])
        return self.spaces(self.see(clips, self.shared), self.hear(sound, self.shared), read)


def mil_nce(v: torch.Tensor, t: torch.Tensor, present: torch.Tensor | None = None, heat: float = 0.07) -> torch.Tensor:
    """Clips [batch, dim] and candidates [batch, n, dim]: one denominator for both directions."""
    u, w = F.normalize(v, dim=-1), F.normalize(t, dim=-1)
    scores = torch.einsum("id,jnd->ijn", u, w) / heat
    answered = scores if present is None else scores - 1e9 * (1 - present.double())[None, :, None]
    everything = torch.cat([answered, scores.transpose(0, 1)], 1).flatten(1)
    right = torch.stack([scores[i, i] for i in range(len(v))])
    loss = everything.logsumexp(1) - right.logsumexp(1)
    return loss.mean() if present is None else loss[present].mean()


def case_of(name: str, model: nn.Module, what: str, spec: str, recipe: str) -> Case:
    case = Case(name, model, as_="torch", package="timm", what=what)
    shapes = lambda count: {"video": uniform(count, 8, 32, 32, 3), "audio": uniform(count, 768, 1), "text": given(IDS[:count])}
    case.forward(f"{SPEC}:{spec}", shapes(2), lambda *inputs: model(*inputs))

    def loss(clips, sound, ids, spoken):
        z = model(clips, sound, ids)
        return {"sound": mil_nce(z["video_audio"], z["audio"][:, None]) / 2, "words": mil_nce(z["video_text"], z["text"], spoken) / 2}

    learning = [p for p in model.parameters() if p.requires_grad]
    return case.train(f"{SPEC}:{recipe}", {**shapes(5), "clip.has_text": given(SPOKEN)}, loss,
                      torch.optim.Adam(learning, lr=5e-3, eps=1.0), rates=[5e-3, 2.5e-3])


def cases():
    yield case_of("vatt-specific", Specific(), "VATT's three towers", "Specific", "specific")
    yield case_of("vatt-agnostic", Agnostic(), "VATT's one Transformer", "Agnostic", "agnostic")
    model = Patches(nn.Conv2d, 1, 12, (16, 5), {"temporal": 3, "spectral": 2}, Encoder(12, 2, 20), bias=False)
    case = Case("vatt-spectrum", model, as_="torch", package="timm", what="VATT's tower for spectrograms")
    yield case.forward(f"{SPEC}:Spectrum", {"audio": uniform(2, 48, 10, 1)}, lambda audio: {"output": model(audio)})
