"""python test/oracle/exchange.py [FAMILY ...]: weights over the fence, both ways, by the command line.

    theirs -> ours   the library saves generated weights in its own file; `vit run --as` computes with them
    ours -> theirs   `vit export --as` writes first values of ours; the library loads all of them and computes the same

A family's `exchanges()` says what is exchanged. Nothing is downloaded, and nothing is kept.
"""

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import torch
from safetensors.torch import load_file, save_file

ROOT = Path(__file__).resolve().parents[2]
TOLERANCE = 1e-4


@dataclass
class Exchange:
    """`run(module, *tensors)` gives outputs by our names; both sides in float32. A library that has files of its own
    says how it saves a module into a folder and makes one from there."""

    target: str
    as_: str
    module: torch.nn.Module
    inputs: dict
    run: Callable
    file: str = "weights.safetensors"
    save: Callable | None = None
    load: Callable | None = None
    rules: dict | None = None
    skip: str = ""


def vit(*words: str) -> None:
    done = subprocess.run(["node", "bin/vit.js", *words], cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"vit {' '.join(words)}\n{done.stdout}{done.stderr}")


def difference(ours: dict, theirs: dict) -> float:
    assert set(ours) == set(theirs), (set(ours), set(theirs))
    return max(float((ours[name] - value).abs().max() / value.abs().max()) for name, value in theirs.items())


def save_plain(module: torch.nn.Module, path: Path) -> None:
    state = {name: tensor.contiguous().clone() for name, tensor in module.state_dict().items()}
    torch.save(state, path) if path.suffix in (".pt", ".pth") else save_file(state, path)


def exchange(each: Exchange, folder: Path) -> tuple[float, float]:
    from case import Net

    module = Net("model", each.module, each.as_, each.rules or {}, each.skip).module.float().eval()
    inputs = {name: made.values(name) for name, made in each.inputs.items()}
    inputs = {name: value.float() if value.is_floating_point() else value for name, value in inputs.items()}
    save_file({name: value.contiguous() for name, value in inputs.items()}, folder / "inputs.safetensors")

    def ours(weights: Path) -> dict:
        out = folder / "outputs.safetensors"
        vit("run", each.target, "--weights", str(weights), "--as", each.as_, "--inputs", str(folder / "inputs.safetensors"),
            "--out", str(out), "--device", "wasm")
        return load_file(out)

    def theirs(one: torch.nn.Module) -> dict:
        with torch.no_grad():
            return each.run(one, *inputs.values())

    (each.save or save_plain)(module, folder if each.save else folder / each.file)
    there = difference(ours(folder / each.file), theirs(module))

    exported = folder / ("model.safetensors" if each.load else "exported.safetensors")
    vit("export", each.target, "--as", each.as_, "--out", str(exported))
    if each.load:
        loaded = each.load(folder)
    else:
        module.load_state_dict(load_file(exported), strict=True)
        loaded = module
    return there, difference(ours(exported), theirs(loaded.float().eval()))


def main(wanted: list[str]) -> None:
    from make import HERE, family

    worst = 0.0
    for path in sorted(HERE.glob("*.py")):
        if wanted and path.stem not in wanted or path.stem in ("exchange", "make") or "def exchanges" not in path.read_text():
            continue
        for each in family(path).exchanges():
            with tempfile.TemporaryDirectory() as folder:
                there, back = exchange(each, Path(folder))
            worst = max(worst, there, back)
            print(f"{each.target.rsplit('/', 1)[-1]:32} as {each.as_:13} theirs -> ours {there:.1e}   ours -> theirs {back:.1e}")
    if worst > TOLERANCE:
        raise SystemExit(f"{worst:.1e} is more than {TOLERANCE}")


if __name__ == "__main__":
    # a family may be called like a package (clip.py): packages first, then this folder
    folder = sys.path.pop(0)
    sys.path.append(folder)
    torch.set_default_dtype(torch.float64)
    main(sys.argv[1:])
