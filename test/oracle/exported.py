"""python test/oracle/exported.py [FAMILY[:CASE] ...]: our models, written by `vit export`, in the reference libraries.

For each case with a forward pass: weights of ours, none of them 0, go out under the reference's names; its class loads
all of them and computes what `vit run` computes. `transformers` is a ViT of that library, by its own files. Prints the largest difference over the largest output; at most 1e-4.
"""

import math
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.append(sys.path.pop(0))  # a family may be called like a package (clip.py): packages first

import numpy as np
import torch
from safetensors.numpy import load_file, save_file

import case
from counter import uniform as counter
from make import HERE, family

WORST = 1e-4


class Exported(case.Case):
    """A case that neither trains nor writes a fixture: its forward pass is kept for later."""

    asked = None

    def forward(self, spec, inputs, run, *, net=None, settings=None):
        self.asked = (spec, inputs, run, net or next(iter(self.nets)), settings or {})
        return self

    def train(self, *_, **__):
        return self


def vit(*words: str) -> None:
    done = subprocess.run(["node", "bin/vit.js", *words], cwd=HERE.parent.parent, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"vit {' '.join(words)}\n{done.stderr}")


def weight(name: str, first: np.ndarray) -> np.ndarray:
    """About as large as after training, and never what hides a mistake."""
    leaf = name.rsplit(".", 1)[-1]
    draws = counter(f"ours/{name}", first.size).reshape(first.shape)
    if leaf in ("scale", "running_var"):
        return 1 + 0.3 * draws
    if first.ndim >= 2 and leaf == "weight":
        return math.sqrt(3 / math.prod(first.shape[:-1])) * draws
    return first + 0.3 * draws if first.ndim == 0 else 0.3 * draws


def prove(one: Exported, folder: Path) -> float:
    spec, inputs, run, name, settings = one.asked
    net = one.nets[name]
    sets = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    first, ours, theirs, into, out = (str(folder / f"{each}.safetensors") for each in ("first", "ours", "theirs", "in", "out"))
    vit("export", spec, *sets, "--as", "vitrail", "--out", first)
    made = {path: np.asarray(weight(path, values), np.float32) for path, values in load_file(first).items()}
    save_file(made, ours)
    vit("export", spec, *sets, "--weights", ours, "--as", net.as_, "--out", theirs)
    given = {path: each.values(path) for path, each in inputs.items()}
    save_file({path: np.ascontiguousarray(plain(each)) for path, each in given.items()}, into)
    vit("run", spec, *sets, "--weights", ours, "--inputs", into, "--out", out, "--device", "wasm")
    state = {path: torch.from_numpy(values) for path, values in load_file(theirs).items()}
    missing, unexpected = net.module.load_state_dict(state, strict=False)
    lost = [path for path in missing if path in net.names]
    if lost or unexpected:
        raise SystemExit(f"{one.name}: missing {lost}, unexpected {unexpected}")
    net.module.eval()
    with torch.no_grad():
        wanted = run(*given.values())
    found = load_file(out)
    return max(
        float(np.abs(found[key] - value.numpy()).max() / np.abs(value.numpy()).max()) for key, value in wanted.items()
    )


def from_pretrained(folder: Path) -> float:
    """transformers has names of its own on the disk, which only its own reading and writing know: both directions."""
    from transformers import ViTConfig, ViTForImageClassification

    config = ViTConfig(hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16, image_size=6,
                       patch_size=2, num_labels=5, layer_norm_eps=1e-6)
    module = ViTForImageClassification(config).eval()
    for name, parameter in module.named_parameters():
        parameter.data = 0.3 * torch.from_numpy(counter(name, parameter.numel()).astype(np.float32)).reshape(parameter.shape)
    module.save_pretrained(folder / "theirs")
    shape = {"width": 8, "depth": 2, "heads": 2, "hidden": 16, "patch": 2, "size": 6, "classes": 5}
    model = ["specs/vit.vit:ViT", *(word for key, value in shape.items() for word in ("--set", f"{key}={value}"))]
    ours, into, out = (str(folder / f"{each}.safetensors") for each in ("ours", "in", "out"))
    save_file({"image": counter("image", 216).reshape(2, 6, 6, 3).astype(np.float32)}, into)
    vit("import", *model, "--weights", str(folder / "theirs/model.safetensors"), "--as", "transformers", "--out", ours)
    vit("run", *model, "--weights", ours, "--inputs", into, "--out", out, "--device", "wasm")
    (folder / "theirs/model.safetensors").unlink()
    vit("export", *model, "--weights", ours, "--as", "transformers", "--out", str(folder / "theirs/model.safetensors"))
    back = ViTForImageClassification.from_pretrained(folder / "theirs").eval()
    with torch.no_grad():
        wanted = back(torch.from_numpy(load_file(into)["image"]).permute(0, 3, 1, 2).to(back.dtype)).logits.numpy()
    return float(np.abs(load_file(out)["output"] - wanted).max() / np.abs(wanted).max())


def plain(tensor: torch.Tensor) -> np.ndarray:
    return tensor.to(torch.float32).numpy() if tensor.dtype == torch.float64 else tensor.numpy()


def main(wanted: list[str]) -> None:
    case.Case = Exported
    files = {path.stem: path for path in sorted(HERE.glob("*.py")) if "\ndef cases()" in path.read_text()}
    worst = 0.0
    for chosen in wanted or ["transformers", *files]:
        if chosen == "transformers":
            with tempfile.TemporaryDirectory() as folder:
                worst = max(worst, from_pretrained(Path(folder)))
            print(f"{'ViTForImageClassification':32} {chosen:14} {worst:.1e}", flush=True)
            continue
        stem, _, only = chosen.partition(":")
        for one in family(files[stem]).cases():
            if one.asked is None or (only and one.name != only):
                continue
            with tempfile.TemporaryDirectory() as folder:
                difference = prove(one, Path(folder))
            worst = max(worst, difference)
            print(f"{one.name:32} {one.nets[one.asked[3]].as_:14} {difference:.1e}", flush=True)
    if worst > WORST:
        raise SystemExit(f"the largest difference is {worst:.1e}, more than {WORST:.0e}")


if __name__ == "__main__":
    main(sys.argv[1:])
