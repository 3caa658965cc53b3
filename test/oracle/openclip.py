"""OpenCLIP (Cherti et al., 2023): open_clip's CLIP with the exact gelu and layers whose width is no power of two."""

import torch
from open_clip.model import CLIP

from case import Case, given, uniform
from exchange import Exchange
from clip import IDS, TEXT, outputs, trained

SPEC = "test/oracle/specs/openclip.vit"


def towers() -> CLIP:
    vision = dict(image_size=24, layers=2, width=24, head_width=12, patch_size=6, mlp_ratio=4.3637)
    return CLIP(embed_dim=20, vision_cfg=vision, text_cfg={**TEXT, "width": 18, "heads": 3}, quick_gelu=False)


def cases():
    model = towers()
    case = Case("openclip-towers", model, as_="openclip", package="open_clip_torch", what="CLIP", rules={r"logit_scale": (4.7, 0.01)})
    case.forward(f"{SPEC}:Towers", {"image": uniform(2, 24, 24, 3), "text": given(IDS[:2])},
                 lambda image, ids: outputs(model, image, ids))
    yield trained(case, model, f"{SPEC}:towers", 24, 5, (0.9, 0.98), eps=1e-2)


def exchanges():
    yield Exchange(f"{SPEC}:Towers", "openclip", towers(), {"image": uniform(2, 24, 24, 3), "text": given(IDS[:2])}, outputs)
