"""What tells of a person, declared where it is kept: a field of an event in its type, of a row in its model.

``Named`` and ``Plain`` are texts of events: the one may hold a name or words of a pupil, the other does not.
A model says the same of its columns: ``personal`` is what each becomes when the row is erased, ``harmless``
names the others. A test fails for a text that is neither.
"""

from enum import Enum
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel


class Handling(Enum):
    """Whether a field may tell of a person."""

    PERSONAL = "personal"
    HARMLESS = "harmless"


PERSONAL, HARMLESS = Handling.PERSONAL, Handling.HARMLESS
Named = Annotated[str, PERSONAL]
Plain = Annotated[str, HARMLESS]


def handling_of(model: type[BaseModel], name: str) -> Handling | None:
    """What is declared of a field, None for one that is no text."""
    return next((mark for mark in model.model_fields[name].metadata if isinstance(mark, Handling)), None)


def parts_of(annotation: Any) -> list[Any]:
    """The types that ``annotation`` is made of, itself if it is one."""
    if get_origin(annotation) is dict:
        return [dict, *parts_of(get_args(annotation)[1])]
    if get_origin(annotation) in {Union, UnionType, list}:
        return [part for each in get_args(annotation) for part in parts_of(each)]
    return [annotation]


def model_in(annotation: Any) -> type[BaseModel] | None:
    """The model among the parts of ``annotation``, or None."""
    found = (part for part in parts_of(annotation) if isinstance(part, type) and issubclass(part, BaseModel))
    return next(found, None)


def personal_fields(model: type[BaseModel]) -> list[str]:
    """The personal fields of ``model`` and of the models in it, dotted."""
    found = []
    for name, field in model.model_fields.items():
        inner = model_in(field.annotation)
        if handling_of(model, name) is PERSONAL:
            found.append(name)
        elif inner is not None:
            found += [f"{name}.{each}" for each in personal_fields(inner)]
    return found


def without_personal(model: type[BaseModel], data: dict[str, Any]) -> dict[str, Any]:
    """``data``, JSON of ``model``, without what is personal in it: still JSON of ``model``."""
    kept = dict(data)
    for name, field in model.model_fields.items():
        if kept.get(name) is None:
            continue
        inner = model_in(field.annotation)
        if handling_of(model, name) is PERSONAL:
            kept[name] = None if type(None) in parts_of(field.annotation) else type(kept[name])()
        elif inner is not None:
            kept[name] = inside(inner, get_origin(field.annotation), kept[name])
    return kept


def inside(model: type[BaseModel], container: Any, value: Any) -> Any:
    """``value``, a model's JSON or a list or dictionary of such, without what is personal."""
    if container is list:
        return [without_personal(model, each) for each in value]
    if container is dict:
        return {name: without_personal(model, each) for name, each in value.items()}
    return without_personal(model, value)
