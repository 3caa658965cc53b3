"""python test/oracle/make.py [FAMILY[:CASE] ...] -> fixtures/*.json, of all families where none is named.

A family is a file beside this one whose `cases()` gives its cases.
"""

import importlib.util
import sys
from pathlib import Path

HERE = Path(__file__).parent


def family(path: Path):
    spec = importlib.util.spec_from_file_location(f"oracle_{path.stem.replace('-', '_')}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main(wanted: list[str]) -> None:
    files = {path.stem: path for path in sorted(HERE.glob("*.py")) if "\ndef cases()" in path.read_text()}
    names = wanted or list(files)
    for name in names:
        stem, _, only = name.partition(":")
        if stem not in files:
            raise SystemExit(f"there is no family {stem}; there are {', '.join(files)}")
        for case in family(files[stem]).cases():
            if not only or case.name == only:
                path = case.write()
                print(f"{path.relative_to(HERE)}  {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    # a family may be called like a package (clip.py): packages first, then this folder
    folder = sys.path.pop(0)
    sys.path.append(folder)
    main(sys.argv[1:])
