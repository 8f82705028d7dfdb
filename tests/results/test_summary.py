"""The figures of the results page."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from hypothesis import given
from hypothesis import strategies as st

from essays.models import StepRun
from essays.steps.findings import density
from huleedu.templatetags.interface import measured
from results import spelling, summary
from results.lines import FileLine
from results.marks import stored_findings
from results.outliers import range_of
from results.queries import make_counts
from tests.rows import add_essay, finding, make_batch

LINE = FileLine(
    file_upload_id=UUID(int=0),
    filename="essay.txt",
    folder="",
    format="txt",
    size=1,
    status="assigned",
    words=None,
    language="en",
    stray=False,
    phases={},
    read=False,
    note="",
    number=1,
    essay_id=UUID(int=1),
    essay_status="completed",
    error_code="",
    kind="txt",
)


def row(**fields: Any) -> FileLine:
    return replace(LINE, **fields)


def found(findings: int) -> dict[str, Any]:
    return {"spellcheck": {"findings": findings}}


def test_tiles_before_anything_is_known() -> None:
    tiles = summary.tiles(make_counts(4, {}), 4, [])
    assert tiles == summary.Tiles(ready=0, expected=4, median_words=None, density=None, attention=0)


def test_one_strange_essay_moves_neither_length_nor_density_and_unchecked_ones_do_not_count() -> None:
    rows = [row(words=100, phases=found(2)), row(words=300, phases=found(9)), row(words=50)]
    strange = row(words=4000, phases=found(3900))
    tiles = summary.tiles(make_counts(4, {"assigned": 4}), 4, [*rows, strange])
    assert tiles.density == 3.0
    assert tiles.median_words == 200


def test_the_median_is_the_same_in_the_tile_and_below_the_bars() -> None:
    rows = [row(number=1, words=206, phases=found(2)), row(number=2, words=207, phases=found(2))]
    tiles, over = summary.tiles(make_counts(2, {"assigned": 2}), 2, rows), range_of(summary.lengths(rows))
    assert over is not None and str(tiles.median_words) == measured(over.median, 0)


def test_marks_per_100_words_are_those_of_the_table() -> None:
    """7 marks in 192 words are 3.6458, which the table has as 3.65."""
    (one,) = spelling.densities([row(words=192, phases=found(7))])
    assert one.value == density(7, 192)


def test_words_of_files_that_are_no_essays_do_not_count() -> None:
    assert summary.word_counts([row(words=10), row(words=20, number=None)]) == [10]


@given(st.lists(st.integers(0, 12_000), min_size=1, max_size=200))
def test_histogram_counts_every_essay_once(lengths: list[int]) -> None:
    bars = summary.histogram(lengths)
    assert len(bars) <= 8
    assert sum(bar.count for bar in bars) == len(lengths)
    assert max(bar.height_percent for bar in bars) == 100
    for bar in bars:
        first, last = (int(part) for part in bar.label.split("–"))
        assert bar.count == sum(first <= length <= last for length in lengths)


def test_histogram_has_as_many_bars_as_there_is_place_for() -> None:
    assert len(summary.histogram([0, 199])) == 8


def test_histogram_of_equal_lengths_is_one_bar() -> None:
    assert summary.histogram([210, 210]) == [summary.Bar("200–224", 2, 100.0)]
    assert summary.histogram([]) == []


def test_kinds_are_ranked_and_whole() -> None:
    kinds = summary.kinds([row(), row(kind="pdf"), row(kind="pdf"), row(kind="unknown"), row(kind="")])
    assert [(kind.format, kind.count) for kind in kinds] == [("pdf", 2), ("txt", 1), ("unknown", 1)]
    assert sum(kind.percent for kind in kinds) == 100
    assert summary.kinds([]) == []


def test_problems_are_ranked_with_words() -> None:
    rows = [row(error_code="EMPTY_CONTENT"), row(error_code="TIMEOUT"), row(error_code="TIMEOUT"), row()]
    assert [(one.error_code, one.count) for one in summary.problems(rows)] == [
        ("TIMEOUT", 2),
        ("EMPTY_CONTENT", 1),
    ]
    assert all(one.title for one in summary.problems(rows))


def test_common_marks_ignore_case_and_choose_the_usual_form() -> None:
    findings = [
        {"word": "Becouse", "suggestions": ["Because"], "number": 4, "start": 9},
        {"word": "becouse", "suggestions": ["because", "becomes"], "number": 2, "start": 30},
        {"word": "becouse", "suggestions": ["because"], "number": 2, "start": 60},
        {"word": "xyzzy", "suggestions": [], "number": 7, "start": 0},
    ]
    assert spelling.common_marks(findings) == [
        spelling.CommonMark("becouse", "because", 3, essays=2, number=2, start=30),
        spelling.CommonMark("xyzzy", "", 1, essays=1, number=7, start=0),
    ]
    assert len(spelling.common_marks(findings, limit=1)) == 1


@pytest.mark.django_db
def test_findings_of_an_older_text_are_not_counted(teacher: User) -> None:
    batch = make_batch(teacher, 1)
    text = "I was siting"
    add_essay(batch, 1, text, [finding(text, "siting", "sitting")])
    assert len(stored_findings(batch)) == 1
    StepRun.objects.filter(slot__batch=batch).update(revision=99)
    assert stored_findings(batch) == []


@pytest.mark.django_db
def test_a_running_phase_shows_its_counts_so_far(teacher: User) -> None:
    batch = make_batch(teacher, 2)
    add_essay(batch, 1, "one two", [])
    add_essay(batch, 2, "one two")
    batch.phases.create(phase="spellcheck", run=batch.run)
    (line,) = summary.phase_lines(batch)
    assert (line.status, line.succeeded, line.failed) == ("running", 1, 0)


def test_the_most_frequent_kind_comes_first() -> None:
    files = [row(kind=name) for name in ("docx", "pdf", "txt", "pdf", "txt", "pdf")]
    assert [(kind.format, kind.count) for kind in summary.kinds(files)] == [
        ("pdf", 3),
        ("txt", 2),
        ("docx", 1),
    ]


def test_a_length_far_from_the_others_is_counted_where_a_bar_stands_for_it() -> None:
    """Else the bar says 7, and the rows that it leads to are 8."""
    rows = [row(number=number, words=words) for number, words in enumerate([205] * 6 + [206, 220], 1)]
    lengths = summary.lengths([*rows, row(number=9, words=4000)])
    over = range_of(lengths)
    assert over is not None and {one.value for one in over.far} == {220, 4000}
    assert summary.bars(lengths, over) == [summary.Bar("200–224", 8, 100.0)]


def test_one_strange_length_does_not_squeeze_the_bars_of_the_others() -> None:
    rows = [row(number=number, words=200 + 10 * number) for number in range(1, 9)]
    lengths = summary.lengths([*rows, row(number=9, words=4000)])
    over = range_of(lengths)
    assert over is not None and [one.number for one in over.far] == [9]
    assert summary.near(lengths, over) == [line.words for line in rows]
    assert summary.near([], None) == []
