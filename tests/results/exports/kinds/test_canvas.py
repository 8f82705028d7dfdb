"""Feedback that Canvas's importer takes, of the kind that each pupil handed in."""

import io
import zipfile
from collections.abc import Callable

import docx
from django.contrib.auth.models import User

from results.exports.words import failure_in_words
from tests.files.documents import pdf
from tests.pipeline import Pipeline
from tests.results.exports.material import file_of, made
from tests.results.exports.steps.test_platforms import canvas_reads

Essays = Callable[[int], bytes]
TEXT = "I recieve a letter every morning, and nobody knows why it does not come in the evening."


def test_each_file_comes_back_as_the_kind_it_was(
    pipeline: Pipeline, teacher: User, make_essay: Essays
) -> None:
    document, out = docx.Document(), io.BytesIO()
    document.add_paragraph(TEXT)
    document.save(out)
    batch = pipeline.register(teacher, 4)
    names = [
        "larssonanna_12_3456_essay.docx",
        "obergbo_LATE_13_3457_essay.pdf",
        "x_14_3458_essay.txt",
        "Dan.txt",
    ]
    for name, data in zip(names, (out.getvalue(), pdf([[TEXT]]), make_essay(3), make_essay(4)), strict=True):
        pipeline.upload(batch, data, name)
        pipeline.run()
    export = made(pipeline, batch, "canvas")
    assert export.left_out == [
        {"essay": 3, "code": "CANVAS_KEEPS_KIND"},
        {"essay": 4, "code": "NAME_NOT_OF_CANVAS"},
    ]
    with zipfile.ZipFile(io.BytesIO(file_of(export, teacher))) as zipped:
        assert zipped.namelist() == names[:2]
        assert [canvas_reads(name) for name in zipped.namelist()] == [("12", "3456"), ("13", "3457")]
        comments = docx.Document(io.BytesIO(zipped.read(names[0]))).comments
        assert [each.text.split(", ")[0] for each in comments] == ["Spelling: receive"]
        assert zipped.read(names[1]).startswith(b"%PDF-")


def test_a_batch_of_other_files_is_told_what_to_do(
    pipeline: Pipeline, teacher: User, make_essay: Essays
) -> None:
    export = made(pipeline, pipeline.completed(teacher, make_essay(1)), "canvas")
    assert (export.status, export.error_code) == ("failed", "NAMES_NOT_OF_CANVAS")
    assert "Download submissions" in failure_in_words(export.error_code)
