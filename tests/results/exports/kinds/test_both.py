"""The essays' files with a PDF beside each."""

import io
import zipfile
from collections.abc import Callable

from django.contrib.auth.models import User

from tests.pipeline import Pipeline
from tests.results.exports.material import file_of, made

Essays = Callable[[int], bytes]


def test_a_pdf_beside_each_file(pipeline: Pipeline, teacher: User, make_essay: Essays) -> None:
    batch = pipeline.completed(teacher, make_essay(1), make_essay(2))
    with zipfile.ZipFile(io.BytesIO(file_of(made(pipeline, batch, "both"), teacher))) as zipped:
        found = {name: zipped.read(name) for name in zipped.namelist()}
    assert list(found) == ["01 Astrid 1.txt", "01 Astrid 1.pdf", "02 Astrid 2.txt", "02 Astrid 2.pdf"]
    assert found["01 Astrid 1.txt"] == make_essay(1) and found["01 Astrid 1.pdf"].startswith(b"%PDF-")
