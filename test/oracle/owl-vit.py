"""OWL-ViT (Minderer et al., 2022): transformers for the detector; the losses from the facts of the paper's own code."""

import torch
from scipy.optimize import linear_sum_assignment
from torch import nn
from transformers import OwlViTConfig, OwlViTForObjectDetection

from case import Case, given, integers, nchw, uniform
from exchange import Exchange

SPEC = "test/oracle/specs/owl-vit.vit"

# for each image five queries of six words; the largest number ends a text, one that begins with 0 is none
IDS = [
    [[38, 39, 0, 0, 0, 0], [38, 3, 17, 39, 0, 0], [38, 5, 39, 0, 0, 0], [38, 8, 2, 2, 9, 39], [38, 30, 31, 39, 0, 0]],
    [[38, 39, 0, 0, 0, 0], [38, 11, 39, 0, 0, 0], [38, 7, 29, 8, 39, 0], [38, 3, 39, 0, 0, 0], [38, 12, 13, 39, 0, 0]],
    [[38, 39, 0, 0, 0, 0], [38, 21, 4, 39, 0, 0], [38, 6, 6, 6, 39, 0], [38, 1, 39, 0, 0, 0], [0, 0, 0, 0, 0, 0]],
]


def detector() -> OwlViTForObjectDetection:
    """The paper's own code has tanh's gelu in the box head and 1e-6 in the merged norm."""
    vision = dict(hidden_size=24, intermediate_size=96, num_hidden_layers=2, num_attention_heads=3, image_size=24, patch_size=8)
    text = dict(vocab_size=40, hidden_size=16, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
                max_position_embeddings=6, bos_token_id=38, eos_token_id=39, pad_token_id=0)
    model = OwlViTForObjectDetection(OwlViTConfig(text_config=text, vision_config=vision, projection_dim=16))
    model.box_head.gelu = nn.GELU(approximate="tanh")
    model.layer_norm.eps = 1e-6
    return model.double()


def prior(side: int) -> torch.Tensor:
    """In float64, where the reference keeps float32."""
    logit = lambda p: torch.log(p + 1e-4) - torch.log1p(-p + 1e-4)
    edge = logit(torch.arange(1, side + 1) / side)
    cell = logit(torch.tensor(1.0 / side)).expand(side, side)
    down, right = torch.meshgrid(edge, edge, indexing="ij")
    return torch.stack([right, down, cell, cell], -1).reshape(-1, 4)


def seen(model: OwlViTForObjectDetection, image: torch.Tensor, ids: torch.Tensor) -> dict:
    batch, count, words = ids.shape
    tower = model.owlvit
    tokens = tower.vision_model.post_layernorm(tower.vision_model(pixel_values=nchw(image))[0])
    features = model.layer_norm(tokens[:, 1:] * tokens[:, :1])
    flat = ids.reshape(-1, words)
    # what pads a text stands behind its end, where a causal tower does not look
    pooled = tower.text_model(input_ids=flat, attention_mask=torch.ones_like(flat))[1]
    queries = tower.text_projection(pooled).reshape(batch, count, -1)
    logits, _ = model.class_head(features, queries, None)
    logits = torch.where(ids[:, None, :, 0] == 0, -1e6, logits)
    boxes = torch.sigmoid(model.box_head(features) + prior(3))
    return {"boxes": boxes, "embedding": model.class_head.dense0(features), "logits": logits}


def corners(boxes: torch.Tensor) -> torch.Tensor:
    centre, size = boxes[..., :2], boxes[..., 2:]
    return torch.cat([centre - size / 2, centre + size / 2], -1)


def area(low: torch.Tensor, high: torch.Tensor) -> torch.Tensor:
    return (high - low).clamp(min=0).prod(-1)


def overlap(a: torch.Tensor, b: torch.Tensor, eps: float = 1e-6) -> torch.Tensor:
    """Generalised intersection over union of boxes by corners."""
    shared = area(torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:]))
    union = area(a[..., :2], a[..., 2:]) + area(b[..., :2], b[..., 2:]) - shared
    around = area(torch.minimum(a[..., :2], b[..., :2]), torch.maximum(a[..., 2:], b[..., 2:]))
    return shared / (union + eps) - (around - union) / (around + eps)


def losses(found: dict, truth: torch.Tensor, labels: torch.Tensor, alpha: float = 0.3, gamma: float = 2) -> dict:
    """The first query is empty and counts nowhere; an object without a name is none."""
    logits, wanted = found["logits"][..., 1:], labels[..., 1:].double()
    p = logits.sigmoid()
    yes = alpha * (1 - p) ** gamma * -nn.functional.logsigmoid(logits)
    no = (1 - alpha) * p**gamma * -nn.functional.logsigmoid(-logits)
    named, placed, covered = [], [], []
    for i in range(len(truth)):
        present = wanted[i].sum(-1) > 0
        boxes, names = truth[i][present], wanted[i][present]
        own = found["boxes"][i]
        each, pair = corners(own)[:, None], corners(boxes)[None]
        cost = (yes[i] - no[i]) @ names.T + (own[:, None] - boxes[None]).abs().sum(-1) - overlap(each, pair)
        tokens, objects = linear_sum_assignment(cost.detach().numpy())
        answer = torch.zeros_like(logits[i])
        answer[tokens] = names[objects]
        mine, right = corners(own[tokens]), corners(boxes[objects])
        count = max(len(tokens), 1)
        named.append((answer * yes[i] + (1 - answer) * no[i]).sum() / max(names.sum().item(), 1))
        placed.append((mine - right).abs().sum() / count)
        covered.append((1 - overlap(mine, right)).sum() / count)
    mean = lambda values: torch.stack(values).mean()
    return {"named": mean(named), "placed": mean(placed), "covered": mean(covered)}


def cases():
    model = detector()
    case = Case("owl-vit-detector", model, as_="transformers", package="transformers",
                what="OwlViTForObjectDetection", skip=r"logit_scale$|visual_projection")
    case.forward(f"{SPEC}:Detector", {"image": uniform(2, 24, 24, 3), "texts": given(IDS[1:])},
                 lambda image, ids: seen(model, image, ids))
    text = [p for name, p in model.named_parameters() if "text" in name]
    rest = [p for name, p in model.named_parameters() if "text" not in name]
    optimizer = torch.optim.Adam([{"params": rest}, {"params": text, "scale": 0.1}], lr=2e-2, eps=1e-2)
    yield case.train(
        f"{SPEC}:detector",
        {"image": uniform(3, 24, 24, 3), "texts": given(IDS), "truth": uniform(3, 100, 4, center=0.5, spread=0.3),
         "labels": integers(3, 100, 100, below=2)},
        lambda image, ids, truth, labels: losses(seen(model, image, ids), truth[:, :4], labels[:, :4, :5]),
        optimizer,
        clip=1.0,
        rates=[2e-2, 1e-2],
    )


def loaded(folder) -> OwlViTForObjectDetection:
    model = OwlViTForObjectDetection.from_pretrained(folder)
    model.box_head.gelu = nn.GELU(approximate="tanh")
    model.layer_norm.eps = 1e-6
    return model


def exchanges():
    """CLIP's projection of images and its temperature come along in their files; a detector has no use for them."""
    inputs = {"image": uniform(2, 24, 24, 3), "texts": given(IDS[1:])}
    yield Exchange(f"{SPEC}:Detector", "transformers", detector(), inputs, seen, file="model.safetensors",
                   save=lambda model, folder: model.save_pretrained(folder), load=loaded)
