"""CSV as spreadsheets of either language read it."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from results.exports.steps import csv_text
from results.exports.steps.cells import harmless


def written(rows: list[list[csv_text.Value]], language: str) -> bytes:
    out = io.BytesIO()
    csv_text.write(out, rows, language)
    return out.getvalue()


def test_a_mark_first_and_the_separator_of_the_language() -> None:
    rows: list[list[csv_text.Value]] = [["Fil", "Ord"], ["Åsa; Öman.txt", 7], ["=1+1", 2.5], [None, 0]]
    assert written(rows, "sv").decode() == '\ufeffFil;Ord\r\n"Åsa; Öman.txt";7\r\n\'=1+1;2,5\r\n;0\r\n'
    assert written(rows, "en").decode() == "\ufeffFil,Ord\r\nÅsa; Öman.txt,7\r\n'=1+1,2.5\r\n,0\r\n"


@pytest.mark.parametrize("language", ["sv", "en"])
@given(texts=st.lists(st.lists(st.text(), min_size=2, max_size=4), max_size=5))
def test_what_is_written_is_read_again(language: str, texts: list[list[str]]) -> None:
    data = written([list(row) for row in texts], language).decode("utf-8-sig")
    read = list(csv.reader(io.StringIO(data, newline=""), delimiter=";" if language == "sv" else ","))
    assert read == [[harmless(text) for text in row] for row in texts]
