"""What stands on an essay's paper: the text whole, cut where marks, lines and paragraphs end."""

from hypothesis import given
from hypothesis import strategies as st

from results.exports.paper import ENDLESS, MAY_BREAK, cleaned, paragraphs
from results.exports.pile import Mark


def test_marks_lines_and_paragraphs() -> None:
    text = "I was siting\tthere.\nThen\n\nhom."
    last = text.index("hom.")
    marks = (Mark(6, 12, "siting", (), "spelling"), Mark(last, last + 4, "hom.", (), "spelling"))
    assert paragraphs(text, marks) == [
        [("I was ", 0), ("siting", 1), ("\u2003there.", 0), ("\n", 0), ("Then", 0)],
        [("hom.", 1)],
    ]


def test_a_mark_outside_the_text_is_left_out() -> None:
    assert paragraphs("ab", (Mark(1, 5, "bcde", (), "spelling"),)) == [[("ab", 0)]]


@given(st.text(alphabet="ab \n\t\x00\r", max_size=60), st.integers(0, 50), st.integers(1, 10))
def test_nothing_of_a_text_is_lost(text: str, start: int, length: int) -> None:
    end = min(len(text), start + length)
    marks = (Mark(start, end, text[start:end], (), "spelling"),) if start < end else ()
    found = "".join(piece for each in paragraphs(text, marks) for piece, _ in each)
    wanted = cleaned(text)
    assert "".join(found.split()) == "".join(wanted.split())


@given(st.text(alphabet="aÅж_\u0301 \u0e01", max_size=300))
def test_words_without_end_may_be_broken_and_lose_nothing(text: str) -> None:
    shown = cleaned(text)
    assert shown.replace(MAY_BREAK, "") == text
    assert not any(MAY_BREAK + accent in shown for accent in "\u0301")
    if "\u0301" not in text:
        assert not ENDLESS.search(shown)
