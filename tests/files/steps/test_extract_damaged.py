"""A damaged Word file or PDF is told as damaged; a part of its text is never given out as the whole."""

from collections.abc import Iterator

import pytest

from files.steps.extract import extract
from huleedu.failures.errors import ErrorCode, StepError
from tests.files.damage import BOTH, DOCX, PDF, Damage, cuts, flips, gaps
from tests.files.documents import SAMPLES

WORD = ("en.soffice.docx", "en.pandoc.docx", "sv.soffice.docx", "sv.pandoc.docx")
PORTABLE = ("en.soffice.pdf", "sv.soffice.pdf")
# Nothing of the text is lost by these: reading it is right, and so is telling of the damage.
HARMLESS = {
    *("no content types", "wrong content types", "other content types", "empty content types"),
    *("no relations at all", "table leads nowhere", "no trailer", "no table", "trailer of zeros"),
    *("table of zeros", "table is short", "end of a stream lost", "packed bytes changed"),
}
WHOLE = {name: extract((SAMPLES / name).read_bytes(), name).text for name in (*WORD, *PORTABLE)}


def outcome(data: bytes, name: str) -> str:
    """The code of the failure, ``whole`` for all of the text, and what came instead of it otherwise."""
    try:
        found = extract(data, name)
    except StepError as error:
        return str(error.code)
    return "whole" if found.text == WHOLE[name] else f"{len(found.text)} characters as {found.format}"


def cases(kinds: dict[str, Damage], names: tuple[str, ...]) -> Iterator[tuple[str, str, Damage]]:
    """Each kind of damage with each sample."""
    for kind, damage in kinds.items():
        for name in names:
            yield name, kind, damage


@pytest.mark.parametrize(
    ("name", "kind", "damage"),
    [*cases({**BOTH, **DOCX}, WORD), *cases({**BOTH, **PDF}, PORTABLE)],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_kind_of_damage_is_told(name: str, kind: str, damage: Damage) -> None:
    whole = (SAMPLES / name).read_bytes()
    damaged = damage(whole)
    assert damaged != whole
    allowed = {ErrorCode.CORRUPTED_FILE.value, *(["whole"] if kind in HARMLESS else [])}
    assert outcome(damaged, name) in allowed


@pytest.mark.parametrize("name", [*WORD, *PORTABLE])
def test_cut_anywhere_it_is_told(name: str) -> None:
    whole = (SAMPLES / name).read_bytes()
    assert {outcome(damaged, name) for damaged in cuts(whole)} == {ErrorCode.CORRUPTED_FILE.value}


@pytest.mark.parametrize("several", [gaps, flips])
@pytest.mark.parametrize("name", [*WORD, *PORTABLE])
def test_holes_and_single_bits_never_cost_text_in_silence(name: str, several: object) -> None:
    """What stands in no part of the text, such as a style, may be damaged.

    Of a PDF's names and numbers outside of streams nothing tells whether one bit of them changed.
    """
    whole = (SAMPLES / name).read_bytes()
    assert callable(several)
    told = [outcome(damaged, name) for damaged in several(whole)]
    silent = [each for each in told if each not in (ErrorCode.CORRUPTED_FILE.value, "whole")]
    assert len(silent) <= (len(told) / 100 if several is flips and name.endswith("pdf") else 0), silent
    assert told.count(ErrorCode.CORRUPTED_FILE.value) > len(told) / 10
