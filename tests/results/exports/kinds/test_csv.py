"""The table of all files."""

import csv
import io

from django.contrib.auth.models import User

from essays.actions.noting import note
from tests.pipeline import Pipeline
from tests.results.exports.material import file_of, made

HOSTILE = "=HYPERLINK(x).txt"


def test_one_row_for_each_file_and_no_formula(pipeline: Pipeline, teacher: User) -> None:
    batch = pipeline.register(teacher, 2)
    text = b"I recieve at home and wrote this essay about the phones in the box. Nobody knows why."
    pipeline.upload(batch, text, HOSTILE)
    pipeline.upload(batch, b"", "Åsa.txt")
    pipeline.run()
    note(batch.files.get(slot__number=1), teacher, text="=1+1, he says", read=True)
    data = file_of(made(pipeline, batch, "csv", "sv"), teacher).decode("utf-8-sig")
    head, essay, other = csv.reader(io.StringIO(data, newline=""), delimiter=";")
    assert head[:2] == ["Uppsats", "Fil"]
    assert len(essay) == len(other) == len(head)
    assert (essay[0], essay[1], other[0], other[1]) == ("1", f"'{HOSTILE}", "", "Åsa.txt")
    assert essay[head.index("Problem")] == "" and other[head.index("Problem")] != ""
    assert "," in essay[head.index("Markeringar per 100 ord")]
    assert essay[head.index("Läst ✓") :][:2] == ["ja", "'=1+1, he says"]
    assert other[head.index("Läst ✓") :][:2] == ["", ""]
