"""Feedback that Moodle's importer takes."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from django.contrib.auth.models import User
from django.core.files.base import ContentFile

from files.actions import receiving
from files.actions.incoming import Incoming
from results.exports.words import failure_in_words
from tests.pipeline import Pipeline
from tests.results.exports.material import file_of, made
from tests.results.exports.steps.test_platforms import moodle_reads

Essays = Callable[[int], bytes]


def test_a_pdf_for_each_pupil_where_moodle_looks_for_it(
    pipeline: Pipeline, teacher: User, make_essay: Essays
) -> None:
    batch = pipeline.register(teacher, 3)
    pipeline.upload(batch, make_essay(1), "Anna Larsson_123_assignsubmission_file_essay.txt")
    folder = "9B-Essay/Bo Öberg_124_assignsubmission_file"
    incoming = Incoming(file=ContentFile(make_essay(2)), filename="my_essay.txt", folder=folder)
    receiving.receive(batch.pk, teacher, incoming, uuid4())
    pipeline.upload(batch, make_essay(3), "Cilla.txt")
    pipeline.run()
    export = made(pipeline, batch, "moodle")
    assert export.left_out == [{"essay": 3, "code": "NAME_NOT_OF_MOODLE"}]
    with zipfile.ZipFile(io.BytesIO(file_of(export, teacher))) as zipped:
        read = [moodle_reads(name) for name in zipped.namelist()]
        assert all(zipped.read(name).startswith(b"%PDF-") for name in zipped.namelist())
    assert read == [
        (123, "assignsubmission_file", "essay.pdf"),
        (124, "assignsubmission_file", "/my_essay.pdf"),
    ]


def test_a_batch_of_other_files_is_told_what_to_do(
    pipeline: Pipeline, teacher: User, make_essay: Essays
) -> None:
    export = made(pipeline, pipeline.completed(teacher, make_essay(1)), "moodle")
    assert (export.status, export.error_code) == ("failed", "NAMES_NOT_OF_MOODLE")
    assert "Download all submissions" in failure_in_words(export.error_code)


def test_hard_names_are_unpacked_and_find_their_pupils(
    pipeline: Pipeline, teacher: User, make_essay: Essays, tmp_path: Path
) -> None:
    names = ["\u0e01" * 130 + ".txt", "~essay.txt", ".essay.txt", "essay.txt", "Essay.txt", "con.txt"]
    batch = pipeline.register(teacher, len(names))
    for number, name in enumerate(names):
        incoming = Incoming(
            ContentFile(make_essay(number)), name, folder="Bo Öberg_124_assignsubmission_file_"
        )
        receiving.receive(batch.pk, teacher, incoming, uuid4())
    pipeline.run()
    with zipfile.ZipFile(io.BytesIO(file_of(made(pipeline, batch, "moodle"), teacher))) as zipped:
        zipped.extractall(tmp_path)
        paths = zipped.namelist()
    assert len(paths) == len({path.casefold() for path in paths}) == len(names)
    assert all((tmp_path / path).is_file() for path in paths)
    assert {found[0] for path in paths if (found := moodle_reads(path))} == {124}
    assert not any(path.rpartition("/")[2].startswith((".", "~")) for path in paths)
