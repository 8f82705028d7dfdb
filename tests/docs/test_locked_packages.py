"""The locked packages are whole on every Python that is promised, not only on the one that locked them."""

import importlib.metadata
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKED = re.compile(r"^([A-Za-z0-9._-]+)==", re.MULTILINE)
PYTHONS = ("3.11.0", "3.11.2", "3.12.0", "3.13.0")  # 3.11.2 is Debian 12's


def locked(*files: str) -> set[str]:
    """The packages in files of ours."""
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in files]
    return {canonicalize_name(name) for text in texts for name in LOCKED.findall(text)}


def lacking(names: set[str], python: str) -> Iterator[str]:
    """What installed packages among ``names`` ask for on that Python and is not locked."""
    for name in sorted(names):
        try:
            asked = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        for text in asked:
            wanted = Requirement(text)
            environment = {"python_full_version": python, "python_version": python.rpartition(".")[0]}
            wants = wanted.marker is None or wanted.marker.evaluate({**environment, "extra": ""})
            if wants and canonicalize_name(wanted.name) not in names:
                yield f"{name} asks for {text}"


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize(
    "files",
    [("requirements.txt",), ("requirements.txt", "requirements-dev.txt")],
    ids=["to run", "to test"],
)
def test_nothing_that_a_package_asks_for_is_missing(files: tuple[str, ...], python: str) -> None:
    assert list(lacking(locked(*files), python)) == []
