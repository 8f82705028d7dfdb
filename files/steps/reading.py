"""The job of reading one untrusted file: bytes in, a valid text with its size out (``files.steps.child``).

Arguments: the file name's ending, minimum and maximum characters.
"""

import codecs
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

from files.steps.child import Work
from files.steps.extract import extract
from files.steps.registry import FORMATS
from files.steps.validate import TextLimits, validate
from huleedu.failures.errors import ErrorCode

# Python loads these when they are first used; by then its own files may be out of reach.
_ENCODINGS = ("cp1252", "mac-roman", "cp850", "cp437", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")


def load(_arguments: Sequence[str]) -> None:
    """Load the readers, and what importing them does not."""
    for each in FORMATS.read:
        each.load()
    for encoding in _ENCODINGS:
        codecs.lookup(encoding)


def outcomes(data: bytes, arguments: Sequence[str]) -> Iterator[Mapping[str, object]]:
    """The one text of the file. Raises StepError."""
    ending, minimum, maximum = arguments
    extracted = extract(data, f"file.{ending}")
    measured = validate(extracted.text, TextLimits(int(minimum), int(maximum)))
    yield {**asdict(extracted), **asdict(measured)}


WORK = Work(load, outcomes, ErrorCode.EXTRACTION_FAILED)
