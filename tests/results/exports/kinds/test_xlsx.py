"""The workbook."""

import io

import openpyxl
from django.contrib.auth.models import User

from tests.pipeline import Pipeline
from tests.results.exports.material import file_of, made


def test_three_sheets_of_essays_others_and_marks(pipeline: Pipeline, teacher: User) -> None:
    batch = pipeline.register(teacher, 2)
    text = b"I recieve at home and wrote this essay about the phones in the box. Nobody knows why."
    pipeline.upload(batch, text, "=1+1.txt")
    pipeline.upload(batch, b"", "Åsa.txt")
    pipeline.run()
    book = openpyxl.load_workbook(io.BytesIO(file_of(made(pipeline, batch, "xlsx"), teacher)))
    assert book.sheetnames == ["Essays", "Other files", "Marks"]
    essays, others, marks = (list(book[name].values) for name in book.sheetnames)
    assert (essays[1][0], essays[1][1]) == (1, "=1+1.txt")
    assert book["Essays"]["B2"].data_type == "s" and book["Essays"]["A2"].data_type == "n"
    assert [row[0] for row in others] == ["File", "Åsa.txt"]
    assert marks[1][:4] == (1, "=1+1.txt", 1, "recieve")
    assert all(sheet.freeze_panes == "A2" for sheet in book)
