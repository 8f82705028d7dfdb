import random
from pathlib import Path

import pytest

from files.steps.extract import EXTENSION_MISMATCH, extract
from files.steps.validate import count_words
from huleedu.failures.errors import StepError
from tests.files.documents import ESSAY, SAMPLES, pdf, word

DOCUMENTS = [path for ending in ("docx", "pdf") for path in sorted(SAMPLES.glob(f"*[ce].{ending}"))]
TEXTS = ("sv", "en")
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252", "mac-roman", "cp850")


def truth(name: str) -> str:
    """What the sample called ``name`` says."""
    return (SAMPLES / f"{name}.txt").read_text("utf-8")


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_samples_word_for_word(path: Path) -> None:
    extracted = extract(path.read_bytes(), path.name)
    assert extracted.text.split() == truth(path.name.partition(".")[0]).split()
    assert extracted.warnings == ()
    assert count_words(extracted.text) > 100


def test_the_samples_are_there() -> None:
    assert len(DOCUMENTS) == 6


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("name", TEXTS)
def test_texts_in_any_encoding(name: str, encoding: str) -> None:
    data = truth(name).encode(encoding, "replace")  # code page 850 has no typographic quotation marks
    expected = data.decode(encoding).removeprefix("\ufeff")
    assert extract(data, f"{name}.txt").text.split() == expected.split()


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.*.*")), ids=lambda path: path.name)
def test_every_sample_ends_typed_and_alike_twice_however_damaged(path: Path) -> None:
    whole, choose = path.read_bytes(), random.Random(path.name)  # noqa: S311 - the same damage each time
    for data in (whole, whole[: len(whole) // 2], *(damaged(whole, choose) for _ in range(8))):
        assert outcome(data, path.name) == outcome(data, path.name)


def damaged(data: bytes, choose: random.Random) -> bytes:
    """Some bytes overwritten."""
    changed = bytearray(data)
    for place in choose.sample(range(len(data)), 20):
        changed[place] = choose.randrange(256)
    return bytes(changed)


def outcome(data: bytes, name: str) -> object:
    try:
        return extract(data, name)
    except StepError as error:
        return error.code, error.details


@pytest.mark.parametrize(
    ("data", "filename", "found", "warnings"),
    [
        (word(ESSAY), "a.docx", "docx", ()),
        (word(ESSAY), "a.pdf", "docx", (EXTENSION_MISMATCH,)),
        (pdf([[ESSAY]]), "a.docx", "pdf", (EXTENSION_MISMATCH,)),
        (ESSAY.encode(), "a.docx", "txt", (EXTENSION_MISMATCH,)),
        (ESSAY.encode(), "a.md", "txt", ()),
        (ESSAY.encode(), "a", "txt", ()),
    ],
)
def test_wrong_names_are_read_and_told(
    data: bytes, filename: str, found: str, warnings: tuple[str, ...]
) -> None:
    extracted = extract(data, filename)
    assert (extracted.text, extracted.format, extracted.warnings) == (ESSAY, found, warnings)
    assert extracted.engine


def test_text_is_normalised() -> None:
    assert extract("\ufeffa\u030a\r\n\x00 och mer text".encode(), "a.txt").text == "å\n\ufffd och mer text"
