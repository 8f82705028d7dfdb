"""Pupils' Word files are strangers': what is wrong with one ends in words, and in time."""

import io
import zipfile

import docx
import pytest

from files import sandbox
from huleedu.failures.errors import StepError
from results.exports.commenting import COMMENTING, commented, leave

FILLING = "Every morning the same thing happens at my school, and nobody knows why."


def word_file(*paragraphs: str) -> bytes:
    document = docx.Document()
    for text in paragraphs:
        document.add_paragraph(text)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def with_part(data: bytes, name: str, part: bytes) -> bytes:
    """The file with another part of that name."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            new.writestr(info.filename, part if info.filename == name else old.read(info))
    return out.getvalue()


BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9))
    + b']><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p>'
    b"<w:r><w:t>&j;</w:t></w:r></w:p></w:body></w:document>"
)
OUTSIDE = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
    b'<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p>'
    b"<w:r><w:t>&e;recieve</w:t></w:r></w:p></w:body></w:document>"
)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04",
        word_file(FILLING)[:500],
        with_part(word_file(FILLING), "word/document.xml", BOMB),
        with_part(word_file(FILLING), "word/document.xml", OUTSIDE),
        with_part(word_file(FILLING), "word/document.xml", b"<w:document"),
        with_part(word_file(FILLING), "word/styles.xml", b"x" * 40_000_000),
        with_part(word_file(FILLING), "word/_rels/document.xml.rels", b"<a/>"),
    ],
    ids=["empty", "begun", "cut", "bomb", "outside", "broken", "huge", "relations"],
)
def test_what_cannot_be_marked_is_refused(data: bytes) -> None:
    with pytest.raises(StepError, match="COMMENTS_FAILED"):
        commented(data, FILLING, [(0, 5, "x")])


def test_a_text_that_was_read_of_another_file() -> None:
    with pytest.raises(StepError, match="COMMENTS_FAILED"):
        commented(word_file(FILLING), "Another text", [(0, 7, "x")])


def test_words_of_a_comment_are_words() -> None:
    said = "<w:b/>&amp; ]]> \u2028 😀"
    data, placed = commented(word_file(FILLING), FILLING, [(0, 5, said)])
    assert placed == 1
    assert [each.text for each in docx.Document(io.BytesIO(data)).comments] == [said]


def test_more_marks_than_word_can_show() -> None:
    text = "teh " * 1500 + FILLING
    _, placed = commented(word_file(text), text, [(4 * n, 4 * n + 3, "the") for n in range(1500)])
    assert placed == 1000


def test_the_warm_process_ends_when_it_is_left() -> None:
    commented(word_file(FILLING), FILLING, [(0, 5, "x")])
    first = sandbox.nursery(COMMENTING)
    leave()
    assert sandbox.nursery(COMMENTING) is not first
