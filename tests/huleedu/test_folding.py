"""Search words and names are folded alike everywhere, and a folded copy follows its row."""

import ast
import json
import sys
from collections.abc import Iterator

import pytest
from django.apps import apps
from django.contrib.auth.models import User

from batches.models import Batch
from files.models import FileUpload
from huleedu.folding import Folded, fold, folded_from, matches, words_of
from tests.documents import ROOT
from tests.rows import add_file, make_batch

# The database has the same cases, in tests/results/test_searching.py, and the browser, in
# tests/browser/js/folding.test.mjs.
SHARED = json.loads((ROOT / "tests" / "samples" / "folding.json").read_text(encoding="utf-8"))
FOLDED = [model for model in apps.get_models() if issubclass(model, Folded)]


@pytest.mark.parametrize(("text", "folded"), SHARED["folded"])
def test_texts_are_folded(text: str, folded: str) -> None:
    assert fold(text) == folded
    assert fold(folded) == folded


@pytest.mark.parametrize(("query", "text", "found"), SHARED["found"])
def test_texts_are_found(query: str, text: str, found: bool) -> None:
    assert matches(query, text) is found


def test_every_letter_is_folded_once_and_for_all() -> None:
    """What is folded again stays: a query may be folded, and what it is looked for in, however often."""
    for number in range(sys.maxunicode + 1):
        if not 0xD800 <= number < 0xE000:
            folded = fold(chr(number))
            assert fold(folded) == folded, hex(number)


def test_words_come_once() -> None:
    assert words_of(" Åsa asa  b\nÅSA ") == ["asa", "b"]


@pytest.mark.django_db
def test_the_copy_follows_whatever_is_saved(teacher: User) -> None:
    batch = make_batch(teacher, title="Ödet", class_name="9B")
    assert Batch.objects.get().folded == "odet\n9b"
    batch.change(title="Åter")
    assert Batch.objects.get().folded == "ater\n9b"
    batch.status = "completed"
    batch.save(update_fields=["status"])
    upload = add_file(batch, filename="Åsa.txt", folder="Östra")
    assert FileUpload.objects.get().folded == "asa.txt\nostra"
    upload.restart(filename="Ny.txt")
    assert FileUpload.objects.get().folded == "ny.txt\nostra"
    upload.erase()
    assert FileUpload.objects.get().folded == ""


@pytest.mark.parametrize("model", FOLDED, ids=lambda model: model.__name__)
def test_the_copy_is_as_personal_as_what_it_is_of(model: type[Folded]) -> None:
    personal = vars(model)["personal"]
    assert {*model.searched_in, "folded"} <= personal.keys()
    assert personal["folded"] == folded_from(personal[name] for name in model.searched_in)


def writes(text: str) -> Iterator[str]:
    """The columns that ``text`` writes past ``save``: by ``update`` and ``bulk_update``."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr == "update":
                yield from (each.arg for each in node.keywords if each.arg)
            elif node.func.attr == "bulk_update":
                yield from (str(each.value) for each in ast.walk(node) if isinstance(each, ast.Constant))


def test_nothing_writes_a_name_past_its_copy() -> None:
    names = {name for model in FOLDED for name in model.searched_in}
    found = {
        str(path.relative_to(ROOT))
        for room in ("batches", "files", "essays", "results", "huleedu")
        for path in (ROOT / room).rglob("*.py")
        if names & set(writes(path.read_text(encoding="utf-8")))
    }
    assert found == set()
