"""A text that is one of several, where these are known only when all phases are declared."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema


@dataclass(frozen=True)
class OneOf:
    """Marks a text: it is one of ``values()``, which are asked for when one is checked or described."""

    values: Callable[[], Iterable[str]]

    def check(self, value: str) -> str:
        """``value``, or an error of the kind that ``Literal`` raises."""
        allowed = list(self.values())
        if value in allowed:
            return value
        expected = " or ".join(f"'{each}'" for each in allowed)
        raise PydanticCustomError("literal_error", "Input should be {expected}", {"expected": expected})

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(schema), "enum": list(self.values())}
