import pytest
from django.utils import translation

from files.steps.formats import docx, pdf, txt
from files.steps.registry import Formats
from huleedu.answers import format_words
from huleedu.answers.error_words import WORDS
from huleedu.failures.errors import ErrorCode


@pytest.mark.parametrize(
    ("name", "english", "swedish"),
    [
        ("txt", "Plain text", "Ren text"),
        ("docx", "Word (.docx)", "Word (.docx)"),
        ("pdf", "PDF", "PDF"),
        ("unknown", "Not recognised", "Okänd"),
        ("odt", "OpenDocument (.odt)", "OpenDocument (.odt)"),
        ("once", "ONCE", "ONCE"),
    ],
)
def test_labels(name: str, english: str, swedish: str) -> None:
    for language, words in (("en", english), ("sv", swedish)):
        with translation.override(language):
            assert format_words.label(name) == words


def test_all_that_are_read_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    three = [(each.__name__, each.FORMAT) for each in (docx, pdf, txt)]
    monkeypatch.setattr(format_words, "FORMATS", Formats(three))
    with translation.override("en"):
        assert format_words.short() == "Word, PDF or plain text"
        assert str(WORDS[ErrorCode.UNSUPPORTED_FORMAT].help) == (
            "Save the essay as Word (.docx), PDF or plain text, then replace the file. "
            "If it is a photo, ask for a file with real text."
        )
    with translation.override("sv"):
        assert format_words.short() == "Word, PDF eller ren text"
        assert str(WORDS[ErrorCode.UNSUPPORTED_FORMAT].help) == (
            "Spara uppsatsen som Word (.docx), PDF eller ren text och byt sedan ut filen. "
            "Är det ett foto, be om en fil med riktig text."
        )
