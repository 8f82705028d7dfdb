"""Cutting a text for marks loses nothing and puts each mark on its word."""

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from essays.segments import PARAGRAPH_END, Segment, make_marks, split

TEXTS = st.text(alphabet="ab å👩\u200d🏫\n", max_size=60)
Spans = list[tuple[int, int]]


@st.composite
def texts_with_spans(draw: st.DrawFn) -> tuple[str, Spans]:
    """A text, and places in it, some of which lie outside or are upside down."""
    text = draw(TEXTS)
    place = st.integers(-2, len(text) + 2)
    return text, draw(st.lists(st.tuples(place, place), max_size=12))


def finding(text: str, start: int, end: int) -> dict[str, Any]:
    return {
        "start": start,
        "end": end,
        "word": text[max(start, 0) : end],
        "suggestions": ["b"],
        "kind": "spelling",
    }


def joined(paragraphs: list[list[Segment]]) -> str:
    return PARAGRAPH_END.join("".join(segment.text for segment in one) for one in paragraphs)


@given(texts_with_spans())
def test_segments_joined_are_the_text(given: tuple[str, Spans]) -> None:
    text, spans = given
    marks = make_marks([finding(text, *span) for span in spans], len(text))
    assert joined(split(text, marks)) == text


@given(texts_with_spans())
def test_marks_are_numbered_in_order_and_never_overlap(given: tuple[str, Spans]) -> None:
    text, spans = given
    marks = make_marks([finding(text, *span) for span in spans], len(text))
    assert [mark.index for mark in marks] == list(range(1, len(marks) + 1))
    assert all(one.end <= other.start for one, other in pairwise(marks))


@given(texts_with_spans())
def test_a_mark_covers_exactly_its_word(given: tuple[str, Spans]) -> None:
    text, spans = given
    marks = make_marks([finding(text, *span) for span in spans], len(text))
    segments = [segment for one in split(text, marks) for segment in one if segment.finding]
    for mark in marks:
        covered = "".join(segment.text for segment in segments if segment.finding == mark)
        assert covered == mark.word.replace(PARAGRAPH_END, "")


def test_marks_are_counted_from_one_in_the_order_of_the_text() -> None:
    """And what lies outside, holds nothing or begins inside another is left out."""
    text = "onee twoo threee"
    spans = [(10, 16), (0, 4), (5, 9), (6, 8), (3, 3), (-1, 2), (12, 17)]
    marks = make_marks([finding(text, *span) for span in spans], len(text))
    assert [(mark.index, mark.word) for mark in marks] == [(1, "onee"), (2, "twoo"), (3, "threee")]


def test_a_mark_in_the_middle() -> None:
    text = "I was siting.\nThere.\n\nHe to."
    marks = make_marks([finding(text, 6, 12)], len(text))
    first, last = split(text, marks)
    assert [(segment.text, segment.finding is not None) for segment in first] == [
        ("I was ", False),
        ("siting", True),
        (".\nThere.", False),
    ]
    assert [segment.text for segment in last] == ["He to."]


def test_equal_paragraphs_stay_apart() -> None:
    assert split("a\n\na", []) == [[Segment("a")], [Segment("a")]]
