import pytest

from files.steps.formats.pdf import is_pdf, was_pdf
from tests.files.documents import ESSAY, pdf

WHOLE = pdf([[ESSAY]])


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (WHOLE, True),
        (b"\r\n \t" + WHOLE, True),
        (bytes(range(200)) + WHOLE, True),
        (bytes(range(256)) * 4 + WHOLE, False),
        (b"A PDF begins with %PDF-1.7, as I learned in school.", False),
    ],
)
def test_its_mark_stands_at_its_beginning_or_behind_a_little_that_is_no_text(
    data: bytes, expected: bool
) -> None:
    assert is_pdf(data) is expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (WHOLE[1100:], True),
        (WHOLE, False),
        (b"1 0 obj << >> endobj 2 0 obj << >> endobj", True),
        (b"An obj and an endobj are words that I wrote.", False),
    ],
)
def test_without_its_beginning_its_words_tell(data: bytes, expected: bool) -> None:
    assert was_pdf(data) is expected
