"""The table's rows and their order: by any column, what is not known last, equals as they were."""

from dataclasses import replace

import pytest
from django.contrib.auth.models import User

from results.lines import file_lines
from results.table import Asked, headings, natural, rows_of
from tests.rows import add_essay, add_file, finding, make_batch

pytestmark = pytest.mark.django_db
TEXT = "one two three four"


def test_every_column_sorts_both_ways_and_loses_no_row(teacher: User) -> None:
    batch = make_batch(teacher, 3)
    add_essay(batch, 1, TEXT, [finding(TEXT, "two", "to")])
    add_essay(batch, 2, "one two", [])
    add_essay(batch, 3, "one")
    add_file(batch, "failed", filename="Åsa.txt")
    add_file(batch, "processing", filename="astrid.txt")
    lines, known = file_lines(batch), headings(batch)
    for heading in known:
        up = rows_of(lines, Asked(sort=heading.name), known)
        down = rows_of(lines, Asked(sort=f"-{heading.name}"), known)
        assert {row.file_upload_id for row in up} == {row.file_upload_id for row in lines}, heading.name
        for rows in (up, down):
            unknown = [heading.value(row) is None for row in rows]
            assert unknown == sorted(unknown), heading.name
        values = [str(heading.value(row)) for row in down if heading.value(row) is not None]
        if not heading.is_number:
            assert values == sorted(values, reverse=True), heading.name
    numbers = [row.number for row in rows_of(lines, Asked(sort="-words"), known)]
    assert numbers == [1, 2, 3, None, None]
    names = [row.filename for row in rows_of(lines, Asked(sort="file"), known)]
    assert names == ["Åsa.txt", "astrid.txt", "essay 1.txt", "essay 2.txt", "essay 3.txt"]
    assert rows_of(lines, Asked(sort="nothing"), known) == lines


def test_names_are_ordered_as_people_count(teacher: User) -> None:
    batch = make_batch(teacher)
    for name in ("Elev 10.txt", "Elev 2.txt", "10.txt", "9.txt", "Elev.txt", "9" * 40 + ".txt"):
        add_file(batch, "failed", filename=name)
    rows = rows_of(file_lines(batch), Asked(sort="file"), headings(batch))
    assert [row.filename for row in rows] == [
        "9.txt",
        "10.txt",
        "9" * 40 + ".txt",
        "Elev 2.txt",
        "Elev 10.txt",
        "Elev.txt",
    ]


def test_long_numbers_in_other_digits_are_words() -> None:
    assert natural("٣" * 5000) < natural("٣" * 5001)


def test_figures_lead_to_their_rows(teacher: User) -> None:
    batch = make_batch(teacher, 2)
    add_essay(batch, 1, TEXT)
    add_essay(batch, 2, "one two")
    add_file(batch, "failed", filename="empty.txt")
    add_file(batch, "excess", filename="late.txt")
    lines, known = file_lines(batch), headings(batch)

    def found(**asked: str) -> list[str]:
        return [row.filename for row in rows_of(lines, Asked(**asked), known)]

    assert found(words="2-3") == ["essay 2.txt"]
    assert found(words="x") == found(words="-") == found(step="spellcheck") == []
    assert found(status="attention") == ["empty.txt", "late.txt"]
    assert found(code="EMPTY_CONTENT") == ["empty.txt", "late.txt"]


def test_filters_must_all_hold(teacher: User) -> None:
    batch = make_batch(teacher, 2)
    add_essay(batch, 1, TEXT)
    add_essay(batch, 2, "one two")
    add_file(batch, "failed", filename="empty.txt")
    first, *others = file_lines(batch)
    lines, known = [replace(first, read=True, note="x"), *others], headings(batch)

    def found(**asked: str) -> list[str]:
        return [row.filename for row in rows_of(lines, Asked(**asked), known)]

    assert found(read="yes") == ["essay 1.txt"]
    assert found(read="no", status="assigned") == ["essay 2.txt"]
    assert found(q="ESSAY", read="yes") == ["essay 1.txt"]
    assert found(status="failed") == ["empty.txt"]
    assert found(format="nothing") == []


def test_the_address_of_an_order_says_all_that_is_asked_for() -> None:
    asked = Asked(q="anna", s="sealed", read="no", sort="words")
    assert asked.query(sort=asked.sorting_by("words")) == "s=sealed&read=no&sort=-words"
    assert replace(asked, sort="-words").sorting_by("words") == "words"
    assert Asked().query() == ""
