"""CLIP (Radford et al., 2021): open_clip for both kinds of image towers and the text tower, transformers for the ViT."""

import math

import torch
import torch.nn.functional as F
from open_clip.model import CLIP
from transformers import CLIPConfig, CLIPModel

from case import Case, given, nchw, uniform
from exchange import Exchange

SPEC = "test/oracle/specs/clip.vit"
TEXT = dict(context_length=7, vocab_size=40, width=16, heads=2, layers=2)

# a mark, words, the end with the largest number, padding
IDS = [[38, 3, 17, 39, 0, 0, 0], [38, 5, 5, 21, 30, 2, 39], [38, 39, 0, 0, 0, 0, 0], [38, 11, 39, 0, 0, 0, 0],
       [38, 7, 29, 8, 1, 39, 0]]


def scale_of(model) -> torch.Tensor:
    return model.logit_scale.exp()


def outputs(model, image, ids) -> dict:
    return {
        "image": model.encode_image(nchw(image), normalize=True),
        "text": model.encode_text(ids, normalize=True),
        "scale": scale_of(model),
    }


def contrast(u: torch.Tensor, v: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    logits = scale * u @ v.T
    diagonal = torch.arange(len(u))
    return (F.cross_entropy(logits, diagonal) + F.cross_entropy(logits.T, diagonal)) / 2


def decayed(module: torch.nn.Module, decay: float) -> list[dict]:
    named = list(module.named_parameters())
    return [
        {"params": [p for _, p in named if p.dim() >= 2], "weight_decay": decay},
        {"params": [p for _, p in named if p.dim() < 2], "weight_decay": 0.0},
    ]


def trained(case: Case, model: CLIP, recipe: str, size: int, count: int, betas: tuple, eps: float = 1e-3,
            rates: tuple = (2e-2, 1e-2)) -> Case:
    """The symmetric loss under AdamW; the temperature is held back after each step."""

    def loss(image, ids):
        u = model.encode_image(nchw(image), normalize=True)
        return contrast(u, model.encode_text(ids, normalize=True), scale_of(model))

    def hold(_):
        with torch.no_grad():
            model.logit_scale.clamp_(0, math.log(100))

    return case.train(
        recipe,
        {"image": uniform(count, size, size, 3), "text": given(IDS[:count])},
        loss,
        torch.optim.AdamW(decayed(model, 0.2), lr=2e-2, betas=betas, eps=eps),
        rates=list(rates),
        after=hold,
    )


def vit_tower() -> CLIP:
    vision = dict(image_size=24, layers=2, width=24, head_width=8, patch_size=8)
    return CLIP(embed_dim=20, vision_cfg=vision, text_cfg=TEXT, quick_gelu=True)


def vit() -> Case:
    model = vit_tower()
    case = Case("clip-vit", model, as_="openclip", package="open_clip_torch", what="CLIP with a VisionTransformer")
    case.forward(f"{SPEC}:Vit", {"image": uniform(2, 24, 24, 3), "text": given(IDS[:2])},
                 lambda image, ids: outputs(model, image, ids))
    return trained(case, model, f"{SPEC}:vit", 24, 5, (0.9, 0.98))


def resnet_tower() -> CLIP:
    vision = dict(image_size=64, layers=(1, 2, 2, 1), width=4, head_width=64)
    return CLIP(embed_dim=12, vision_cfg=vision, text_cfg=TEXT, quick_gelu=True)


def resnet() -> Case:
    model = resnet_tower()
    case = Case("clip-resnet", model, as_="openclip", package="open_clip_torch", what="CLIP with a ModifiedResNet")
    case.forward(f"{SPEC}:ResNet", {"image": uniform(2, 64, 64, 3), "text": given(IDS[:2])},
                 lambda image, ids: outputs(model, image, ids))
    return trained(case, model, f"{SPEC}:resnet", 64, 4, (0.9, 0.999), eps=0.1, rates=(2e-3, 1e-3))


def cases():
    yield vit()
    yield resnet()


def hugging() -> CLIPModel:
    """Its text tower looks for the end by its number."""
    vision = dict(hidden_size=24, intermediate_size=96, num_hidden_layers=2, num_attention_heads=3, image_size=24, patch_size=8)
    text = dict(vocab_size=40, hidden_size=16, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
                max_position_embeddings=7, bos_token_id=38, eos_token_id=39, pad_token_id=0)
    return CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=20))


def hugging_outputs(model: CLIPModel, image, ids) -> dict:
    seen = model(pixel_values=nchw(image), input_ids=ids)
    return {"image": seen.image_embeds, "text": seen.text_embeds, "scale": model.logit_scale.exp()}


def exchanges():
    inputs = {"image": uniform(2, 24, 24, 3), "text": given(IDS[:2])}
    yield Exchange(f"{SPEC}:Vit", "openclip", vit_tower(), inputs, outputs)
    yield Exchange(f"{SPEC}:Vit", "transformers", hugging(), inputs, hugging_outputs, file="model.safetensors",
                   save=lambda model, folder: model.save_pretrained(folder), load=CLIPModel.from_pretrained)
    yield Exchange(f"{SPEC}:ResNet", "openclip", resnet_tower(), {"image": uniform(2, 64, 64, 3), "text": given(IDS[:2])},
                   outputs, file="weights.pt")
