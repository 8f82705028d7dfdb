"""The essays' files as they came, and those with a PDF beside each."""

import io
import zipfile
from collections.abc import Callable

from django.contrib.auth.models import User

from files import content
from tests.pipeline import Pipeline
from tests.results.exports.material import file_of, made

Essays = Callable[[int], bytes]


def test_numbered_and_byte_for_byte(pipeline: Pipeline, teacher: User, make_essay: Essays) -> None:
    batch = pipeline.register(teacher, 2)
    pipeline.upload(batch, make_essay(1), "CON.txt")
    pipeline.upload(batch, make_essay(2), "Åsa: Öman?.txt")
    pipeline.upload(batch, b"", "empty.txt")
    pipeline.run()
    with zipfile.ZipFile(io.BytesIO(file_of(made(pipeline, batch, "originals"), teacher))) as zipped:
        found = {name: zipped.read(name) for name in zipped.namelist()}
    assert found == {"01 CON.txt": make_essay(1), "02 Åsa_ Öman_.txt": make_essay(2)}


def test_what_is_damaged_is_told_and_not_in_it(pipeline: Pipeline, teacher: User, make_essay: Essays) -> None:
    batch = pipeline.completed(teacher, make_essay(1), make_essay(2))
    content.delete([batch.files.order_by("created_at")[0].raw_id])
    export = made(pipeline, batch, "originals")
    assert (export.status, export.left_out) == ("ready", [{"essay": 1, "code": "CONTENT_DAMAGED"}])
    with zipfile.ZipFile(io.BytesIO(file_of(export, teacher))) as zipped:
        assert zipped.namelist() == ["02 Astrid 2.txt"]
