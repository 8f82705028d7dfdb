"""Whoever adds a text must say whether it may tell of a person."""

from typing import Any

import pytest
from django.apps import apps
from django.db import models
from pydantic import BaseModel

from huleedu.events.catalogue import CATALOGUE
from huleedu.events.vocabulary import BatchFileAdded, ErrorDetail, EssayReference, PhaseCounts
from huleedu.personal import handling_of, model_in, parts_of, personal_fields, without_personal

OURS = ("huleedu", "batches", "files", "essays", "results")
TEXTS = (models.CharField, models.TextField, models.JSONField, models.BinaryField)


def undeclared(model: type[BaseModel]) -> set[str]:
    """The fields of ``model``, and of models in it, that may hold text and say nothing of it."""
    found = set()
    for name, field in model.model_fields.items():
        inner = model_in(field.annotation)
        parts = parts_of(field.annotation)
        if inner is not None:
            found |= {f"{name}.{each}" for each in undeclared(inner)}
        elif {str, Any, dict} & set(parts) and handling_of(model, name) is None:
            found.add(name)
    return found


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_every_text_of_an_event_is_declared(name: str) -> None:
    assert undeclared(CATALOGUE[name]) == set()


def test_a_text_that_nobody_declared_is_found() -> None:
    class Careless(BaseModel):
        name: str
        inner: list[ErrorDetail]
        note: str | None = None
        anything: Any = None
        number: int = 0

    assert undeclared(Careless) == {"name", "note", "anything"}


@pytest.mark.parametrize(
    "model",
    [each for each in apps.get_models() if each._meta.app_label in OURS],
    ids=lambda model: model.__name__,
)
def test_every_column_of_text_is_declared(model: type[models.Model]) -> None:
    columns = {field.name for field in model._meta.fields if isinstance(field, TEXTS)}
    personal = set(getattr(model, "personal", {}))
    harmless = set(getattr(model, "harmless", ()))
    assert personal | harmless == columns
    assert not personal & harmless


def test_what_is_personal_goes_and_the_rest_stays() -> None:
    detail = {"error_code": "TIMEOUT", "message": "Astrid", "operation": "x", "details": {"name": "Astrid"}}
    data = {"filename": "Astrid.txt", "error": detail, "size": 7, "words": 3}
    cleaned = without_personal(CATALOGUE["EssayContentProvisioned"], data)
    assert cleaned == {
        "filename": "",
        "error": {**detail, "message": "", "details": {}},
        "size": 7,
        "words": 3,
    }
    assert without_personal(BatchFileAdded, {"client_ref": "Astrid", "folder": "A"}) == {
        "client_ref": None,
        "folder": "",
    }


def test_lists_and_dictionaries_of_models_are_looked_into() -> None:
    class Told(BaseModel):
        errors: list[ErrorDetail]
        by_name: dict[str, ErrorDetail]
        places: list[EssayReference]
        counts: dict[str, PhaseCounts]

    assert personal_fields(Told) == ["errors.message", "errors.details", "by_name.message", "by_name.details"]
    data = {"errors": [{"message": "Astrid"}], "by_name": {"one": {"message": "Astrid"}}}
    assert without_personal(Told, data) == {"errors": [{"message": ""}], "by_name": {"one": {"message": ""}}}
