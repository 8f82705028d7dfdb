"""A batch as it is handed back: the figures, states and marks of the pages, in few queries."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.utils import translation

from essays.accepted import accepted_in
from essays.actions.accepting import accept
from files.models import FileUpload
from huleedu.answers.error_words import make_detail
from huleedu.failures.errors import ErrorCode
from huleedu.templatetags.interface import measured
from results.exports import tables
from results.exports.gathering import gather
from results.exports.paper import figures
from results.exports.pile import Heading
from results.marks import findings_of
from results.models import EssayResult
from results.queries import results
from tests.rows import add_essay, add_file, finding, make_batch

Questions = Callable[[int], AbstractContextManager[object]]

pytestmark = pytest.mark.django_db
TEXT = "I was siting at home. Then I went hom."
MARKS = [finding(TEXT, "siting", "sitting", "sizing"), finding(TEXT, "hom.", "home")]


def test_essays_by_number_others_by_name_and_marks_in_the_order_of_the_text(teacher: User) -> None:
    batch = make_batch(teacher, title="My town", class_name="9B")
    add_essay(batch, 2, TEXT, MARKS[::-1])
    add_essay(batch, 1, TEXT)
    add_file(batch, "failed", filename="b.txt", folder="Anna")
    add_file(batch, "failed", filename="A.txt")
    add_file(batch, "removed", filename="gone.txt")
    pile = gather(batch)
    assert (pile.title, pile.class_name) == ("My town", "9B")
    assert [essay.number for essay in pile.essays] == [1, 2]
    assert [other.filename for other in pile.others] == ["A.txt", "b.txt"]
    assert pile.essays[0].marks is None, "not checked is not without marks"
    assert [mark.word for mark in pile.essays[1].marks or ()] == ["siting", "hom."]
    assert pile.others[1].folder == "Anna" and pile.others[0].problem


def test_figures_are_those_of_the_api(teacher: User) -> None:
    batch = make_batch(teacher)
    add_essay(batch, 1, TEXT, MARKS)
    (essay,) = gather(batch).essays
    (row,) = results(batch).essays
    told = row.model_dump()
    labels = [heading.label for heading in gather(batch).headings]
    figures = dict(zip(labels, essay.figures, strict=True))
    with translation.override("en"):
        assert figures["Spelling marks"] == told["spellcheck"]["findings"] == len(essay.marks or ())
        assert figures["Marks per 100 words"] == told["spellcheck"]["density"]


def test_a_file_that_was_not_read_is_of_the_kind_that_the_page_tells(teacher: User) -> None:
    batch = make_batch(teacher)
    told = make_detail(ErrorCode.UNSUPPORTED_FORMAT, "extract", uuid4(), detected="odt").model_dump(
        mode="json"
    )
    add_file(batch, "failed", filename="a.odt", error=told)
    add_file(batch, "failed", filename="b.pdf")
    add_file(batch, "processing", filename="c.pdf")
    with translation.override("en"):
        kinds = [other.format_label for other in gather(batch).others]
    assert kinds == ["OpenDocument (.odt)", "Kind not known", ""]


def test_a_figure_is_rounded_on_paper_and_in_tables_as_on_the_page(teacher: User) -> None:
    batch = make_batch(teacher)
    add_essay(batch, 1, TEXT, MARKS)
    pile = gather(batch)
    for value in (3.67, 2.25, 2.35, 0.05, 3.0, 206.5):
        for digits in (0, 1, 2):
            heading = Heading("Marks", digits)
            one = replace(pile, headings=[heading], essays=[replace(pile.essays[0], figures=(value,))])
            with translation.override("en"):
                shown = measured(value, digits)
                assert figures(one, one.essays[0]) == [("Marks", shown)]
            assert f"{tables.rounded(value, heading):.{digits}f}" == shown


def test_marks_of_an_older_text_do_not_count(teacher: User) -> None:
    batch = make_batch(teacher)
    add_essay(batch, 1, TEXT, MARKS)
    EssayResult.objects.update(revision=9)
    assert gather(batch).essays[0].marks is None
    assert findings_of(EssayResult.objects.get(), accepted_in(batch)) == []


def test_what_the_teacher_accepted_is_not_handed_back_as_a_mark(teacher: User) -> None:
    batch = make_batch(teacher)
    add_essay(batch, 1, TEXT, MARKS)
    before = gather(batch).essays[0]
    assert "siting" in [mark.word for mark in before.marks or ()]
    accept(FileUpload.objects.get(batch=batch), teacher, "Siting", "batch")
    pile = gather(batch)
    after = pile.essays[0]
    assert [mark.word for mark in after.marks or ()] == [
        mark.word for mark in before.marks or () if mark.word != "siting"
    ]
    labels = [heading.label for heading in pile.headings]
    assert dict(zip(labels, after.figures, strict=True))["Spelling marks"] == len(after.marks or ())


def test_as_many_queries_for_many_essays(teacher: User, django_assert_max_num_queries: Questions) -> None:
    batch = make_batch(teacher, expected=5)
    for number in range(1, 6):
        add_essay(batch, number, TEXT, MARKS)
    with django_assert_max_num_queries(5):
        gather(batch)


def test_rows_have_a_cell_for_each_heading(teacher: User) -> None:
    batch = make_batch(teacher)
    add_essay(batch, 1, TEXT, MARKS)
    add_file(batch, "failed", filename="b.txt")
    pile = gather(batch)
    assert len(tables.essay_row(pile, pile.essays[0])) == len(tables.essay_headings(pile))
    assert len(tables.other_row(pile.others[0])) == len(tables.other_headings())
    for row in tables.mark_rows(pile.essays[0]):
        assert len(row) == len(tables.mark_headings())
    assert next(tables.mark_rows(pile.essays[0]))[2:] == [1, "siting", "sitting", "sizing"]
