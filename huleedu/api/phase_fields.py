"""Shapes of the API that have a part for each declared phase."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from django.core.exceptions import ImproperlyConfigured
from pydantic import BaseModel, Field, create_model

from huleedu.events.phase import Phase

Model = TypeVar("Model", bound=BaseModel)
Of = TypeVar("Of", bound=Phase)


def field_per_phase(
    phases: Callable[[], Iterable[Of]], shape_of: Callable[[Of], type[BaseModel]]
) -> Callable[[type[Model]], type[Model]]:
    """A class decorator: the model gets a field of each phase's name and shape, null where it has not run."""
    fields: dict[str, Any] = {phase.name: (shape_of(phase) | None, ...) for phase in phases()}
    return lambda model: extended(model, fields)


def bounds_per_phase(phases: Callable[[], Iterable[Phase]]) -> Callable[[type[Model]], type[Model]]:
    """A class decorator: the query gets ``min_<figure>`` and ``max_<figure>`` for each phase's bounds."""
    names = [f"{end}_{bound}" for phase in phases() for bound in phase.bounds for end in ("min", "max")]
    fields: dict[str, Any] = {name: (int | None, Field(default=None, ge=0)) for name in names}
    return lambda model: extended(model, fields)


def extended(model: type[Model], fields: dict[str, Any]) -> type[Model]:
    """``model`` with more ``fields``, under its own name and description.

    Raises ``ImproperlyConfigured`` for one that it has.
    """
    for name in fields.keys() & model.model_fields.keys():
        raise ImproperlyConfigured(
            f"{model.__name__} has {name} already: call the phase or its bound otherwise."
        )
    return create_model(
        model.__name__, __base__=model, __module__=model.__module__, __doc__=model.__doc__, **fields
    )
