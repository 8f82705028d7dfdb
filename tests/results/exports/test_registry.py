"""One file declares a kind of export: what is forgotten or another's already is told by name."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from django.core.exceptions import ImproperlyConfigured

from results.exports import registry
from results.exports.registry import KINDS, load
from results.exports.words import failure_in_words, note_in_words

WHOLE = """
from results.exports.kind import ExportKind

KIND = ExportKind(
    name="{name}", label="One", help="One of them.", stem="one", ending="txt", media_type="text/plain",
    make=lambda making: None, order={order}, needs_essays=False,
)
"""
Make = Callable[..., ModuleType]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Makes a package of modules with these texts."""
    monkeypatch.syspath_prepend(tmp_path)

    def make(**modules: str) -> ModuleType:
        folder = tmp_path / "made_up_kinds"
        folder.mkdir()
        (folder / "__init__.py").touch()
        for name, text in modules.items():
            (folder / f"{name}.py").write_text(text)
        return __import__("made_up_kinds")

    yield make
    for name in [name for name in sys.modules if name.startswith("made_up_kinds")]:
        del sys.modules[name]


def test_every_module_is_a_kind_in_the_order_that_it_says(package: Make) -> None:
    found = load(package(a=WHOLE.format(name="late", order=2), b=WHOLE.format(name="early", order=1)))
    assert list(found) == ["early", "late"]


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ({"a": ""}, "made_up_kinds.a declares no KIND"),
        ({"a": WHOLE.format(name="x", order=1), "b": WHOLE.format(name="x", order=2)}, "Two exports are"),
        ({"a": WHOLE.format(name="x", order=1), "b": WHOLE.format(name="y", order=1)}, "another's place"),
        ({"a": WHOLE.format(name="X", order=1)}, "other letters than a–z"),
        ({"a": WHOLE.format(name="x", order=1).replace('"One"', '""')}, "has no label"),
        ({"a": WHOLE.format(name="x", order=1).replace('"txt"', '".txt"')}, "its ending"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told_by_name(package: Make, texts: dict[str, str], words: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=words):
        load(package(**texts))


def test_every_code_of_a_kind_has_words() -> None:
    assert registry.KINDS
    for kind in KINDS.values():
        for code in kind.failures:
            assert failure_in_words(code) == str(kind.failures[code])
        for code in kind.notes:
            assert note_in_words(code) == str(kind.notes[code])
    assert failure_in_words("UNHEARD_OF") == failure_in_words("EXPORT_FAILED")
