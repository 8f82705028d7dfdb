"""Word files with the marks as comments: the text untouched, and each comment at its word."""

import io
import zipfile
from collections.abc import Callable

import docx
import pytest
from django.contrib.auth.models import User
from docx.document import Document
from docx.oxml.ns import qn
from docx.oxml.parser import OxmlElement

from files.steps.extract import extract
from huleedu.failures.errors import StepError
from results.exports import commenting
from results.exports.steps import word_comments
from tests.pipeline import Pipeline
from tests.results.exports.material import file_of, made

Essays = Callable[[int], bytes]
FILLING = "Every morning the same thing happens at my school, and nobody knows why it does."


def saved(document: Document) -> bytes:
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def essay() -> Document:
    """A document in which marks stand in every kind of place."""
    document = docx.Document()
    document.add_heading("My scool", 1)
    paragraph = document.add_paragraph("I re")
    paragraph.add_run("cie").bold = True
    paragraph.add_run("ve letters.\tI recieve many, and ")
    run = paragraph.add_run("hidden recieve")
    run.font.hidden = True
    paragraph.add_run("åa\u030as. ")
    document.add_paragraph(FILLING)
    table = document.add_table(1, 2)
    table.cell(0, 0).text = "I recieve this in a table."
    table.cell(0, 1).text = FILLING
    document.sections[0].header.paragraphs[0].text = "I recieve this in a header."
    return document


def commented_words(data: bytes) -> list[tuple[str, str]]:
    """What each comment says, and the text that it is on."""
    document = docx.Document(io.BytesIO(data))
    said = {each.comment_id: each.text for each in document.comments}
    found = []
    for start in document.element.body.iter(qn("w:commentRangeStart")):
        number = start.get(qn("w:id"))
        text, inside = "", False
        for element in document.element.body.iter():
            if element.tag in (qn("w:commentRangeStart"), qn("w:commentRangeEnd")):
                if element.get(qn("w:id")) == number:
                    inside = element.tag == qn("w:commentRangeStart")
            elif element.tag == qn("w:t") and inside:
                text += element.text or ""
        found.append((said[int(number)], text))
    return found


def test_each_comment_stands_at_its_word_and_the_text_is_the_same(pipeline: Pipeline, teacher: User) -> None:
    original = saved(essay())
    batch = pipeline.register(teacher, 1)
    pipeline.upload(batch, original, "Åsa.docx")
    pipeline.run()
    export = made(pipeline, batch, "word")
    with zipfile.ZipFile(io.BytesIO(file_of(export, teacher))) as zipped:
        data = zipped.read("01 Åsa.docx")
    assert extract(data, "a.docx").text == extract(original, "a.docx").text
    found = [(words, text) for words, text in commented_words(data) if "receive" in words]
    assert [text for _, text in found] == ["recieve", "recieve", "recieve"]
    assert all(words.startswith("Spelling: receive") for words, _ in found)
    # The one in the header has no place in the document's body.
    assert export.left_out == [{"essay": 1, "code": "MARKS_NOT_PLACED"}]


def test_looks_and_everything_else_stay(pipeline: Pipeline, teacher: User) -> None:
    document = essay()
    text = extract(saved(document), "a.docx").text
    at = text.index("recieve letters")
    data, placed = commenting.commented(saved(document), text, [(at, at + 7, "receive")])
    assert placed == 1
    runs = docx.Document(io.BytesIO(data)).paragraphs[1].runs
    assert [run.text for run in runs if run.bold] == ["cie"]
    assert "\t" in docx.Document(io.BytesIO(data)).paragraphs[1].text
    with zipfile.ZipFile(io.BytesIO(data)) as new, zipfile.ZipFile(io.BytesIO(saved(document))) as old:
        assert set(old.namelist()) <= set(new.namelist())
        assert new.read("word/styles.xml") == old.read("word/styles.xml")


def test_many_marks_in_one_run_and_comments_that_were_there(pipeline: Pipeline, teacher: User) -> None:
    document = docx.Document()
    paragraph = document.add_paragraph("teh " * 300 + FILLING)
    document.add_comment(paragraph.runs, "by the pupil", "Astrid", "A")
    text = extract(saved(document), "a.docx").text
    comments = [(at, at + 3, f"the {at}") for at in range(0, 1200, 4)]
    data, placed = commenting.commented(saved(document), text, comments)
    assert placed == 300
    found = commented_words(data)
    assert [words for words, _ in found if words != "by the pupil"] == [words for *_, words in comments]
    assert {text for words, text in found if words != "by the pupil"} == {"teh"}
    assert ("by the pupil", "teh " * 300 + FILLING) in found


def test_other_kinds_of_files_are_there_as_they_came(
    pipeline: Pipeline, teacher: User, make_essay: Essays
) -> None:
    batch = pipeline.completed(teacher, make_essay(1))
    export = made(pipeline, batch, "word")
    assert export.left_out == [{"essay": 1, "code": "NOT_WORD"}]
    with zipfile.ZipFile(io.BytesIO(file_of(export, teacher))) as zipped:
        assert zipped.read("01 Astrid 1.txt") == make_essay(1)


def test_a_file_that_cannot_be_marked_is_there_as_it_came(
    pipeline: Pipeline, teacher: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = saved(essay())
    batch = pipeline.register(teacher, 1)
    pipeline.upload(batch, original, "a.docx")
    pipeline.run()
    monkeypatch.setattr(commenting, "read", lambda _: "something else")
    export = made(pipeline, batch, "word")
    assert export.left_out == [{"essay": 1, "code": "COMMENTS_FAILED"}]
    with zipfile.ZipFile(io.BytesIO(file_of(export, teacher))) as zipped:
        assert zipped.read("01 a.docx") == original


def test_tracked_changes_and_fields_keep_their_text() -> None:
    document = docx.Document()
    paragraph = document.add_paragraph("I ")
    inserted = OxmlElement("w:ins", {qn("w:id"): "1", qn("w:author"): "A"})
    run = OxmlElement("w:r")
    text = OxmlElement("w:t")
    text.text = "recieve it"
    run.append(text)
    inserted.append(run)
    paragraph._p.append(inserted)
    document.add_paragraph(FILLING)
    original = saved(document)
    read = extract(original, "a.docx").text
    at = read.index("recieve")
    data, placed = commenting.commented(original, read, [(at, at + 7, "receive")])
    assert placed == 1 and commented_words(data) == [("receive", "recieve")]
    assert extract(data, "a.docx").text == read


def test_the_child_says_nothing_of_a_file_whose_text_would_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word_comments, "part", lambda *_: None)
    document = docx.Document()
    document.add_paragraph("I recieve.")
    told = b'{"text": "I recieve.", "marks": [[2, 9, "receive"]]}'
    with pytest.raises(StepError, match="COMMENTS_FAILED"):
        list(word_comments.outcomes(told + b"\n" + saved(document), []))
