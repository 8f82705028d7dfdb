"""JSON as the standard has it, and no deeper than a request needs."""

import codecs
import json
from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser


def reject_constant(name: str) -> None:
    """NaN and the infinities are not JSON."""
    raise ValueError(name)


def unique_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object's members; a repeated name is refused."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("repeated name")
    return members


def read_number(text: str) -> float | int:
    """A number with a point or an exponent; ``2.0`` is the integer 2, as JSON Schema has it."""
    number = float(text)
    return int(number) if number.is_integer() else number


class StrictJSONParser(BaseParser):
    """Refuses NaN, repeated names, invalid UTF-8 and nesting beyond the interpreter's limit."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """The parsed value. Raises ``ParseError``."""
        try:
            text = codecs.decode(stream.read(), "utf-8")
            return json.loads(
                text,
                parse_constant=reject_constant,
                parse_float=read_number,
                object_pairs_hook=unique_pairs,
            )
        except (ValueError, RecursionError) as error:
            raise ParseError from error
