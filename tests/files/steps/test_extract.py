from pathlib import Path

import pytest

from files.steps.detect import Format
from files.steps.extract import EXTENSION_MISMATCH, READERS, extract
from files.steps.validate import count_words
from huleedu.errors import StepError
from tests.files.documents import ESSAY, SAMPLES, needs_samples, pdf, word

# Code page 850 has no typographic quotation marks: the sample's own text lost them.
_READABLE = ("*.txt", "*.docx", "*.soffice.pdf")


def _readable() -> list[Path]:
    return sorted(path for pattern in _READABLE for path in SAMPLES.glob(f"documents/{pattern}"))


def test_every_format_has_a_reader() -> None:
    assert set(READERS) == set(Format)


@needs_samples
@pytest.mark.parametrize("path", _readable(), ids=lambda path: path.name)
def test_samples_word_for_word(path: Path) -> None:
    truth = (SAMPLES / "truth" / f"{path.name.partition('.')[0]}.txt").read_text("utf-8")
    if ".cp850." in path.name:
        truth = truth.encode("cp850", "replace").decode("cp850")
    extracted = extract(path.read_bytes(), path.name)
    assert extracted.text.split() == truth.split()
    assert extracted.warnings == ()
    assert count_words(extracted.text) > 100


@needs_samples
def test_every_sample_ends_typed_and_alike_twice() -> None:
    for path in [*SAMPLES.glob("documents/*"), *SAMPLES.glob("thirdparty/*")]:
        outcomes: list[object] = []
        for _ in range(2):
            try:
                outcomes.append(extract(path.read_bytes(), path.name))
            except StepError as error:
                outcomes.append((error.code, error.details))
        assert outcomes[0] == outcomes[1], path.name


@pytest.mark.parametrize(
    ("data", "filename", "found", "warnings"),
    [
        (word(ESSAY), "a.docx", Format.DOCX, ()),
        (word(ESSAY), "a.pdf", Format.DOCX, (EXTENSION_MISMATCH,)),
        (pdf([[ESSAY]]), "a.docx", Format.PDF, (EXTENSION_MISMATCH,)),
        (ESSAY.encode(), "a.docx", Format.TXT, (EXTENSION_MISMATCH,)),
        (ESSAY.encode(), "a.md", Format.TXT, ()),
        (ESSAY.encode(), "a", Format.TXT, ()),
    ],
)
def test_wrong_names_are_read_and_told(
    data: bytes, filename: str, found: Format, warnings: tuple[str, ...]
) -> None:
    extracted = extract(data, filename)
    assert (extracted.text, extracted.format, extracted.warnings) == (ESSAY, found, warnings)
    assert extracted.engine


def test_text_is_normalised() -> None:
    assert extract("\ufeffa\u030a\r\n\x00 och mer text".encode(), "a.txt").text == "å\n\ufffd och mer text"
