"""All kinds of export by name, in their order: each module of ``kinds`` declares one as ``KIND``."""

from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Annotated, Any

from django.core.exceptions import ImproperlyConfigured
from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from results.exports import kinds
from results.exports.kind import ExportKind


def load(package: ModuleType) -> dict[str, ExportKind]:
    """The kinds declared in ``package``.

    Raises ``ImproperlyConfigured`` for a module without one, for two of one name or place, and as ``check``.
    """
    found: dict[str, ExportKind] = {}
    for each in sorted(iter_modules(package.__path__), key=lambda module: module.name):
        name = f"{package.__name__}.{each.name}"
        kind = getattr(import_module(name), "KIND", None)
        if not isinstance(kind, ExportKind):
            raise ImproperlyConfigured(f"{name} declares no KIND.")
        kind.check()
        if kind.name in found:
            raise ImproperlyConfigured(f"Two exports are called {kind.name!r}.")
        if kind.order in {other.order for other in found.values()}:
            raise ImproperlyConfigured(f"The export {kind.name!r} has another's place: {kind.order}.")
        found[kind.name] = kind
    ordered = sorted(found.values(), key=lambda kind: kind.order)
    return {kind.name: kind for kind in ordered}


KINDS: dict[str, ExportKind] = load(kinds)


class _OneOfThem:
    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.literal_schema(list(KINDS))


KindName = Annotated[str, _OneOfThem()]
"""The name of a kind, as clients may give it."""
