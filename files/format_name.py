"""The name of a format that is read, as clients and children may give it."""

from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from files.steps.registry import FORMATS


class _OneThatIsRead:
    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.literal_schema([each.name for each in FORMATS.read])


FormatName = Annotated[str, _OneThatIsRead()]
