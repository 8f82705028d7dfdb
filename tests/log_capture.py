"""What an operator would find in the log while a block runs."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import structlog


@contextmanager
def captured_logs() -> Iterator[StringIO]:
    """The log's text as written by the configured formatter."""
    root = logging.getLogger()
    formatters = [handler.formatter for handler in root.handlers]
    (formatter,) = [each for each in formatters if isinstance(each, structlog.stdlib.ProcessorFormatter)]
    text = StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(formatter)
    root.addHandler(handler)
    try:
        yield text
    finally:
        root.removeHandler(handler)


def lines_of(text: StringIO, event: str = "") -> list[dict[str, Any]]:
    """The lines as objects, only those of ``event`` when it is given."""
    lines = [json.loads(line) for line in text.getvalue().splitlines()]
    return [line for line in lines if not event or line["event"] == event]
