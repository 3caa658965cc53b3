"""LiT (Zhai et al., 2022): timm's ViT, locked, and transformers' BERT; for sentence pieces an encoder of timm's blocks."""

import math
from functools import partial

import torch
import torch.nn.functional as F
from torch import nn
from timm.models.vision_transformer import VisionTransformer
from transformers import BertConfig, BertModel

from case import Case, given, nchw, uniform
from exchange import Exchange
from flip import layers, norm
from vit import Adafactor

SPEC = "test/oracle/specs/lit.vit"

# a mark, word pieces, padding; sentence pieces end with a mark and are filled up with it
WORDS = [[31, 3, 17, 9, 0, 0, 0], [31, 5, 5, 21, 30, 2, 12], [31, 11, 0, 0, 0, 0, 0], [31, 7, 29, 8, 1, 39, 0], [31, 38, 0, 0, 0, 0, 0]]
SENTENCES = [[3, 17, 9, 1, 1], [5, 5, 21, 30, 1], [1, 1, 1, 1, 1], [7, 29, 1, 1, 1]]


class Bert(nn.Module):
    def __init__(self):
        super().__init__()
        config = BertConfig(vocab_size=40, hidden_size=18, num_hidden_layers=2, num_attention_heads=2, intermediate_size=72,
                            max_position_embeddings=9, hidden_act="gelu_pytorch_tanh", hidden_dropout_prob=0.0,
                            attention_probs_dropout_prob=0.0, attn_implementation="eager")
        self.bert = BertModel(config, add_pooling_layer=False)
        self.proj = nn.Linear(18, 24)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.proj(self.bert(ids, attention_mask=(ids != 0).long()).last_hidden_state[:, 0])


class Pieces(nn.Module):
    """The last place is projected, with a bias."""

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(40, 16)
        self.position = nn.Parameter(torch.zeros(5, 16))
        self.layers = layers(16, 2)
        self.norm = norm(16)
        self.proj = nn.Linear(16, 20)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        x = self.words(ids) + self.position
        for layer in self.layers:
            x = layer(x)
        return self.proj(self.norm(x)[:, -1])


class Tower(nn.Module):
    """The image tower again, of timm's blocks and by our names."""

    def __init__(self):
        super().__init__()
        self.class_token = nn.Parameter(torch.zeros(24))
        self.position = nn.Parameter(torch.zeros(10, 24))
        self.patch_embed = nn.Conv2d(3, 24, 8, 8)
        self.layers = layers(24, 3, ratio=2)
        self.norm = norm(24)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        x = self.patch_embed(nchw(image)).flatten(2).transpose(1, 2)
        x = torch.cat([self.class_token.expand(len(x), 1, -1), x], 1) + self.position
        for layer in self.layers:
            x = layer(x)
        return self.norm(x)[:, 0]


def unit(z: torch.Tensor) -> torch.Tensor:
    return z / (z.norm(dim=-1, keepdim=True) + 1e-8)


class Lit(nn.Module):
    def __init__(self, visual: nn.Module, textual: nn.Module, project: int | None = None):
        super().__init__()
        self.visual, self.textual = visual, textual
        if project:
            self.image_proj = nn.Linear(24, project)
        self.log_scale = nn.Parameter(torch.tensor(math.log(10)))
        self.visual.requires_grad_(False)

    def forward(self, image: torch.Tensor, ids: torch.Tensor) -> dict:
        seen = self.visual(image)
        u = self.image_proj(seen) if hasattr(self, "image_proj") else seen
        return {"image": unit(u), "text": unit(self.textual(ids)), "scale": self.log_scale.exp()}


def trained(case: Case, model, learning: list, recipe: str, ids: list, optimizer) -> Case:
    def loss(image, words):
        seen = model(image, words)
        logits = seen["scale"] * seen["image"] @ seen["text"].T
        diagonal = torch.arange(len(image))
        return (F.cross_entropy(logits, diagonal) + F.cross_entropy(logits.T, diagonal)) / 2

    groups = [{"params": [p for p in learning if p.dim() >= 2], "weight_decay": 0.03},
              {"params": [p for p in learning if p.dim() < 2], "weight_decay": 0.0}]
    return case.train(
        f"{SPEC}:{recipe}",
        {"image": uniform(len(ids), 24, 24, 3), "text": given(ids)},
        loss,
        optimizer(groups),
        clip=1.0,
        rates=[1e-2, 5e-3],
    )


class Scale(nn.Module):
    def __init__(self):
        super().__init__()
        self.log_scale = nn.Parameter(torch.tensor(math.log(10)))


def bert() -> Case:
    case = Case("lit-bert", package="transformers", what="BertModel, beside timm's VisionTransformer")
    text = case.net("model.textual", Bert(), as_="transformers")
    gelu = partial(nn.GELU, approximate="tanh")
    image = case.net("model.visual", VisionTransformer(img_size=24, patch_size=8, embed_dim=24, depth=2, num_heads=3,
                                                       mlp_ratio=2, num_classes=0, act_layer=gelu), as_="timm")
    scale = case.net("", Scale())
    image.requires_grad_(False)
    case.forward(f"{SPEC}:Words", {"text": given(WORDS)}, lambda ids: {"output": text(ids)}, net="model.textual")
    towers = lambda pictures, ids: {"image": unit(image(nchw(pictures))), "text": unit(text(ids)), "scale": scale.log_scale.exp()}
    return trained(case, towers, [*text.parameters(), scale.log_scale], "bert", WORDS,
                   lambda groups: torch.optim.AdamW(groups, lr=1e-2, eps=1e-2))


def pieces() -> Case:
    model = Lit(Tower(), Pieces(), 20)
    case = Case("lit-pieces", model, as_="torch", package="timm", what="towers of timm's Block")
    inputs = {"image": uniform(2, 24, 24, 3), "text": given(SENTENCES[:2])}
    case.forward(f"{SPEC}:Pieces", inputs, lambda *tensors: model(*tensors))
    return trained(case, model, [p for p in model.parameters() if p.requires_grad], "pieces", SENTENCES,
                   lambda groups: Adafactor(groups, lr=1e-2, eps=1e-4, least=16))


def cases():
    yield bert()
    yield pieces()


def exchanges():
    yield Exchange(f"{SPEC}:Words", "transformers", Bert(), {"text": given(WORDS)}, lambda model, ids: {"output": model(ids)})
