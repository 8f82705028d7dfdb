"""The lines of essays and files."""

import pytest
from django.contrib.auth.models import User

from huleedu.answers.error_words import make_detail
from huleedu.failures.errors import ErrorCode
from results.lines import UNREAD, essay_lines, file_lines
from results.measuring import columns
from results.models import EssayResult
from tests.rows import add_essay, add_file, make_batch

pytestmark = pytest.mark.django_db


def test_files_show_essays_first_and_leave_removed_ones_out(teacher: User) -> None:
    batch = make_batch(teacher, 3)
    add_file(batch, "failed", filename="b.txt")
    add_file(batch, "processing", filename="A.txt")
    add_file(batch, "removed", filename="gone.txt")
    add_essay(batch, 2, "one two three", [])
    add_essay(batch, 1, "one two")
    lines = file_lines(batch)
    assert [line.filename for line in lines] == ["essay 1.txt", "essay 2.txt", "A.txt", "b.txt"]
    marks = columns(batch)[0]
    assert [marks.value(line) for line in lines] == [None, 0, None, None]
    assert lines[3].error_code == "EMPTY_CONTENT"


def test_an_essays_line_is_the_same_as_its_files(teacher: User) -> None:
    batch = make_batch(teacher, 1)
    add_essay(batch, 1, "one two three", [])
    (essay,), (file,) = essay_lines(batch), file_lines(batch)
    shared = vars(essay).keys() & vars(file).keys() - {"status"}
    assert len(shared) == 13
    assert {name: getattr(essay, name) for name in shared} == {name: getattr(file, name) for name in shared}
    assert (essay.status, file.status) == ("ready", "assigned")


def test_a_failed_step_is_a_problem_of_its_essay(teacher: User) -> None:
    batch = make_batch(teacher, 1)
    add_essay(batch, 1, "one two")
    result = EssayResult.objects.get(batch=batch)
    error = make_detail("SPELLCHECK_FAILED", "spellcheck", batch.correlation_id).model_dump(mode="json")
    result.phases = {"spellcheck": {"status": "failed", "error": error, "findings": None, "density": None}}
    result.save()
    (file,), (essay,) = file_lines(batch), essay_lines(batch)
    assert file.error_code == "SPELLCHECK_FAILED"
    assert essay.error == error


def test_a_file_is_of_the_kind_that_its_bytes_showed(teacher: User) -> None:
    batch = make_batch(teacher, 1)
    add_essay(batch, 1, "one two three")
    detail = make_detail(ErrorCode.UNSUPPORTED_FORMAT, "extract", batch.correlation_id, detected="odt")
    add_file(batch, "failed", filename="b.odt", error=detail.model_dump(mode="json"))
    add_file(batch, "failed", filename="c.txt")  # empty: nobody knows
    add_file(batch, "processing", filename="d.txt")
    assert [line.kind for line in file_lines(batch)] == ["txt", "odt", UNREAD, ""]
