"""Texts as cells of a table: none of them is ever a formula, and none breaks the table."""

import re
import unicodedata

MOST_CHARACTERS = 32_767  # of a cell, in Excel
FORMULA = frozenset("=+-@\t\r\n＝＋－＠")
SAFE = "'"
# What XML 1.0 cannot hold; a table has no use for it either.
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def cleaned(text: str) -> str:
    """``text`` without control characters, at most as long as a cell may be."""
    return CONTROL.sub("", text.replace("\r\n", "\n"))[:MOST_CHARACTERS]


def begins_formula(text: str) -> bool:
    """Whether a program that opens a table may take ``text`` for a formula.

    White space and characters that do not show are looked through: some programs leave them out.
    """
    for character in text:
        if character in FORMULA:
            return True
        if not character.isspace() and unicodedata.category(character) not in {"Cc", "Cf"}:
            return False
    return False


def harmless(text: str) -> str:
    """``text`` as a cell of a table that knows nothing but text: never a formula."""
    kept = cleaned(text)
    if begins_formula(kept):
        return SAFE + kept[: MOST_CHARACTERS - 1]
    return kept
