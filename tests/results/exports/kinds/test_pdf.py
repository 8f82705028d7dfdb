"""A PDF of each essay: searchable, tagged, right in every letter, whatever its text says."""

import io
import zipfile
from collections.abc import Callable

import pypdfium2
from django.contrib.auth.models import User
from pypdfium2 import raw

from batches.models import Batch
from essays.actions.noting import note
from files import content
from results.actions import ending_exports
from results.export_records import record
from tests.pipeline import Pipeline
from tests.results.exports.material import file_of, made

Essays = Callable[[int], bytes]
HOSTILE = (
    '#import "x" *bold* _it_ $x$ = <a> @b #eval("1") // /* \\u{41} `raw` ```x``` ~ -- --- \\\\ '
    "recieve åäö ÅÄÖ 😀 👩‍👩‍👧 🇸🇪 ﬁ Привет مرحبا"
)


def text_of(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(pdf)
    pages = [document[number].get_textpage().get_text_range() for number in range(len(document))]
    return " ".join(" ".join(pages).split())


def pdfs(
    pipeline: Pipeline, batch: Batch, language: str = "en", *, with_note: bool = False
) -> dict[str, bytes]:
    export = made(pipeline, batch, "pdf", language, with_note=with_note)
    assert export.status == "ready", export.error_code
    with zipfile.ZipFile(io.BytesIO(file_of(export, batch.owner))) as zipped:
        assert zipped.testzip() is None
        return {info.filename: zipped.read(info) for info in zipped.infolist()}


def test_one_for_each_essay_with_marks_and_figures(
    pipeline: Pipeline, teacher: User, make_essay: Essays
) -> None:
    batch = pipeline.register(teacher, 2)
    pipeline.upload(batch, make_essay(1), "Åsa Öman.txt")
    pipeline.upload(batch, b"I recieve a letter every morning. " * 8, "con.txt")
    pipeline.run()
    found = pdfs(pipeline, batch)
    assert list(found) == ["01 Åsa Öman.pdf", "02 con.pdf"]
    first, second = map(text_of, found.values())
    assert "This is essay number 1. Every morning the same thing happens" in first
    assert "Essay 2" in second and "8 spelling marks" in second and "recieve → receive" in second
    assert "Marks per 100 words" in second and "con.txt" in second


def test_no_text_becomes_markup_and_every_letter_is_right(pipeline: Pipeline, teacher: User) -> None:
    batch = pipeline.completed(teacher, f"{HOSTILE}\n\n{HOSTILE}".encode())
    (pdf,) = pdfs(pipeline, batch, "sv").values()
    said = text_of(pdf)
    for piece in ('#import "x" *bold* _it_ $x$ = <a> @b #eval("1")', "`raw` ```x```", "åäö ÅÄÖ 😀", "Привет"):
        assert piece in said
    assert "Uppsats 1" in said


def test_tagged_with_a_title_and_its_languages(pipeline: Pipeline, teacher: User, make_essay: Essays) -> None:
    batch = pipeline.completed(teacher, make_essay(1))
    (pdf,) = pdfs(pipeline, batch, "sv").values()
    document = pypdfium2.PdfDocument(pdf)
    assert raw.FPDFCatalog_IsTagged(document.raw)
    assert b"<dc:title>" in pdf and b"Uppsats 1" in pdf
    assert b"/Lang(sv)" in pdf and b"/Lang(en)" in pdf and b"<pdfuaid:part>1<" in pdf


def test_what_the_fonts_do_not_have_is_told(pipeline: Pipeline, teacher: User, make_essay: Essays) -> None:
    batch = pipeline.completed(teacher, make_essay(1) + " 你好".encode())
    export = made(pipeline, batch, "pdf")
    assert export.left_out == [{"essay": 1, "code": "LETTERS_MISSING", "signs": "你 好"}]
    (told,) = record(export).notes
    assert told.message.endswith("Missing signs: 你 好")
    with zipfile.ZipFile(io.BytesIO(file_of(export, teacher))) as zipped:
        said = text_of(zipped.read("01 Astrid 1.pdf"))
    assert "This is essay number 1" in said and "do not have: U+4F60, U+597D. They are right" in said
    ending_exports.remove(export.pk)
    export.refresh_from_db()
    assert export.left_out == []  # signs of a text go with the bytes


def test_a_word_without_end_stays_on_the_paper(pipeline: Pipeline, teacher: User, make_essay: Essays) -> None:
    word = "Donaudampfschiff" * 30
    batch = pipeline.completed(teacher, make_essay(1) + f" {word} ".encode() + b"_" * 200)
    (pdf,) = pdfs(pipeline, batch).values()
    document = pypdfium2.PdfDocument(pdf)
    for page in (document[number] for number in range(len(document))):
        assert all(each.get_bounds()[2] <= page.get_width() for each in page.get_objects())
    assert word in "".join(text_of(pdf).replace("\u200b", "").split())


def test_a_text_that_breaks_the_typesetter_leaves_the_others(
    pipeline: Pipeline, teacher: User, make_essay: Essays
) -> None:
    # A letter of more bytes than the typesetter counts: it fails in its middle.
    batch = pipeline.completed(teacher, make_essay(1), ("Hej på dig. " + "👩\u200d" * 24_000).encode())
    export = made(pipeline, batch, "pdf")
    assert (export.status, export.left_out) == ("ready", [{"essay": 2, "code": "TYPESETTING_FAILED"}])


def test_a_damaged_text_leaves_the_others(pipeline: Pipeline, teacher: User, make_essay: Essays) -> None:
    batch = pipeline.completed(teacher, make_essay(1), make_essay(2))
    content.delete([batch.files.order_by("created_at")[0].text_id])
    export = made(pipeline, batch, "pdf")
    assert (export.status, export.left_out) == ("ready", [{"essay": 1, "code": "CONTENT_DAMAGED"}])


def test_a_note_stands_on_paper_only_when_it_is_ticked(
    pipeline: Pipeline, teacher: User, make_essay: Essays
) -> None:
    batch = pipeline.completed(teacher, make_essay(1), make_essay(2))
    note(batch.files.get(slot__number=1), teacher, text=f"Well begun.\n\n{HOSTILE}\x07")
    plain, _ = map(text_of, pdfs(pipeline, batch).values())
    assert "Well begun" not in plain and "From your teacher" not in plain
    noted, other = map(text_of, pdfs(pipeline, batch, with_note=True).values())
    assert "From your teacher Well begun." in noted and '#import "x" *bold*' in noted
    assert "From your teacher" not in other
