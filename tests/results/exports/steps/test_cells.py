"""No cell is ever a formula, whatever stands before what makes it one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from results.exports.steps.cells import MOST_CHARACTERS, begins_formula, cleaned, harmless

SIGNS = "=+-@\t\r\n＝＋－＠"


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("before", ["", " ", "\u00a0", "\ufeff", "\u200b", "\x00", "  \u200e"])
def test_what_a_program_takes_for_a_formula_is_none(sign: str, before: str) -> None:
    assert harmless(f"{before}{sign}cmd|'/c calc'!A1").startswith("'")


@pytest.mark.parametrize("text", ["", "Astrid", "7 + 3", "a=b", "'=x", "åäö", "😀", "1–2"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert harmless(text) == text


def test_what_a_table_cannot_hold_is_left_out() -> None:
    assert cleaned("a\x00b\x1fc\r\nd\ufffee") == "abc\nde"
    assert len(cleaned("x" * 40_000)) == MOST_CHARACTERS
    assert len(harmless("=" + "x" * 40_000)) == MOST_CHARACTERS


@given(st.text())
def test_nothing_gets_through(text: str) -> None:
    made = harmless(text)
    assert not begins_formula(made)
    assert harmless(made) == made
