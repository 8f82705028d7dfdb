"""Batches are found by words that may stand in several places, as the browser finds files."""

import json

import pytest
from django.contrib.auth.models import User

from batches.models import Batch
from results.searching import holding
from tests.documents import ROOT
from tests.rows import add_file, make_batch

pytestmark = pytest.mark.django_db
SHARED = json.loads((ROOT / "tests" / "samples" / "folding.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("query", "text", "found"), SHARED["found"])
def test_the_database_finds_what_the_browser_finds(
    teacher: User, colleague: User, query: str, text: str, found: bool
) -> None:
    make_batch(teacher, title=text)
    add_file(make_batch(colleague), filename=text)
    for owner in (teacher, colleague):
        assert holding(Batch.objects.owned_by(owner), query).exists() is found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("resa 9b asa", True),  # title, class and file
        ("ASA RESA", True),
        ("grupp bo", True),  # two files
        ("resa 8a", False),
        ("borttagen", False),  # a removed file
    ],
)
def test_each_word_may_be_somewhere_else(teacher: User, query: str, found: bool) -> None:
    batch = make_batch(teacher, title="Årets resa", class_name="9B")
    make_batch(teacher, title="Brev", class_name="8A")
    add_file(batch, filename="Åsa.docx")
    add_file(batch, filename="Bo.docx", folder="Grupp 2")
    add_file(batch, "removed", filename="Borttagen.docx")
    assert [each.title for each in holding(Batch.objects.all(), query)] == ["Årets resa"] * found
