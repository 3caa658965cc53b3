"""python test/oracle/public_names.py: what public libraries call the tensors of their models at full size, and of what
shape -> public-names.json: how many there are, and a digest of all of them. Nothing is allocated.
"""

import hashlib
import json
from importlib import metadata
from pathlib import Path

import timm
import torch
import torchvision

TIMM = {
    "vit.vit:ViT@B/16": "vit_base_patch16_224",
    "vit.vit:ViT@L/32": "vit_large_patch32_224",
    "vit.vit:ViT@H/14": "vit_huge_patch14_224",
    "deit.vit:DeiT@S": "deit_small_patch16_224",
    "deit.vit:DistilledDeiT@B@384": "deit_base_distilled_patch16_384",
    "mixer.vit:Mixer@B/16": "mixer_b16_224",
    "mixer.vit:Mixer@L/16": "mixer_l16_224",
    "cosub.vit:DeiT3@S/16": "deit3_small_patch16_224",
    "cosub.vit:DeiT3@M/16": "deit3_medium_patch16_224",
    "cosub.vit:DeiT3@B/16": "deit3_base_patch16_224",
    "cosub.vit:DeiT3@L/16": "deit3_large_patch16_224",
    "cosub.vit:DeiT3@H/14": "deit3_huge_patch14_224",
    "regnet.vit:RegNetY@800MF": "regnety_008",
    "regnet.vit:RegNetY@1.6GF": "regnety_016",
    "regnet.vit:RegNetY@3.2GF": "regnety_032",
    "regnet.vit:RegNetY@4GF": "regnety_040",
    "regnet.vit:RegNetY@8GF": "regnety_080",
    "regnet.vit:RegNetY@12GF": "regnety_120",
    "regnet.vit:RegNetY@16GF": "regnety_160",
    "regnet.vit:RegNetY@32GF": "regnety_320",
    "regnet.vit:RegNetY@64GF": "regnety_640",
    "regnet.vit:RegNetY@128GF": "regnety_1280",
    "pit.vit:PiT@Ti": "pit_ti_224",
    "pit.vit:PiT@XS": "pit_xs_224",
    "pit.vit:PiT@S": "pit_s_224",
    "pit.vit:PiT@B": "pit_b_224",
    "xcit.vit:Xcit@N12": "xcit_nano_12_p16_224",
    "xcit.vit:Xcit@T12": "xcit_tiny_12_p16_224",
    "xcit.vit:Xcit@T24": "xcit_tiny_24_p16_224",
    "xcit.vit:Xcit@S12": "xcit_small_12_p16_224",
    "xcit.vit:Xcit@S24": "xcit_small_24_p16_224",
    "xcit.vit:Xcit@M24": "xcit_medium_24_p16_224",
    "xcit.vit:Xcit@L24": "xcit_large_24_p16_224",
    "swin.vit:Swin@T": "swin_tiny_patch4_window7_224",
    "swin.vit:Swin@S": "swin_small_patch4_window7_224",
    "swin.vit:Swin@B": "swin_base_patch4_window7_224",
    "swin.vit:Swin@L": "swin_large_patch4_window7_224",
    "convnext.vit:ConvNeXt@T": "convnext_tiny",
    "convnext.vit:ConvNeXt@S": "convnext_small",
    "convnext.vit:ConvNeXt@B": "convnext_base",
    "convnext.vit:ConvNeXt@L": "convnext_large",
    "convnext.vit:ConvNeXt@XL": "convnext_xlarge",
}

TORCHVISION = {
    "resnet.vit:ResNet@50": "resnet50",
    "resnet.vit:ResNet@101": "resnet101",
    "resnet.vit:ResNet@152": "resnet152",
    "vit.vit:ViT@B/32": "vit_b_32",
    "vit.vit:ViT@L/16": "vit_l_16",
}


def row(spec: str, package: str, model: str, module: torch.nn.Module) -> dict:
    """Names in the order of their bytes, `name [shape]` on a line each."""
    lines = sorted(f"{name} [{', '.join(map(str, tensor.shape))}]\n" for name, tensor in module.state_dict().items())
    digest = hashlib.sha256("".join(lines).encode()).hexdigest()
    return {"spec": f"specs/{spec}", "as": package, "model": model, "tensors": len(lines), "sha256": digest}


def main() -> None:
    with torch.device("meta"):
        rows = [row(spec, "timm", name, timm.create_model(name, num_classes=1000)) for spec, name in TIMM.items()]
        rows += [row(spec, "torchvision", name, torchvision.models.get_model(name)) for spec, name in TORCHVISION.items()]
    versions = {package: metadata.version(package) for package in ("timm", "torchvision")}
    path = Path(__file__).parent / "public-names.json"
    path.write_text(json.dumps({"versions": versions, "models": rows}, indent=2) + "\n")
    print(f"{path.name}  {len(rows)} models")


if __name__ == "__main__":
    main()
