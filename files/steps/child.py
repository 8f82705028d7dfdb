"""The short-lived process that reads one untrusted file: bytes on standard input, JSON on standard output.

Arguments, all of them free of names and text: parent's process id, the file name's ending,
minimum and maximum characters, memory in bytes, processor seconds, those of a first try (0: no such limit),
niceness.
Exit status: 0 with an outcome written, ``OUT_OF_MEMORY`` when the file wanted more than allowed.
"""

import codecs
import json
import os
import sys
from dataclasses import asdict

from files.steps.confinement import Confinement, hurry, limit, seal

OUT_OF_MEMORY = 3

# Python loads these when they are first used; by then its own files may be out of reach.
_ENCODINGS = ("cp1252", "mac-roman", "cp850", "cp437", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")


def main(arguments: list[str]) -> None:
    """Read, validate, write one JSON object ``{"result": …}`` or ``{"error": …}``, and exit."""
    parent = int(arguments[0])
    confinement = Confinement(
        memory_bytes=int(arguments[4]),
        processor_seconds=int(arguments[5]),
        first_seconds=float(arguments[6]),
        niceness=int(arguments[7]),
    )
    limit(confinement, parent)
    try:
        outcome = _outcome(parent, arguments[1], int(arguments[2]), int(arguments[3]), confinement)
        encoded = json.dumps(outcome, ensure_ascii=False).encode("utf-8")
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    sys.stdout.buffer.write(encoded)
    sys.stdout.buffer.flush()
    # Nothing of the file needs an orderly end, and an orderly end could hang.
    os._exit(0)


def load() -> None:
    """Load all that reading needs; later it may be out of reach."""
    import files.steps.extract
    import files.steps.validate  # noqa: F401

    for encoding in _ENCODINGS:
        codecs.lookup(encoding)


def _outcome(
    parent: int, ending: str, minimum: int, maximum: int, confinement: Confinement
) -> dict[str, object]:
    # Loaded under the limits, but before the rights to load anything are given up.
    from files.steps.extract import extract
    from files.steps.validate import TextLimits, validate
    from huleedu.errors import ErrorCode, StepError

    load()
    seal(parent)
    hurry(confinement)
    try:
        extracted = extract(sys.stdin.buffer.read(), f"file.{ending}")
        measured = validate(extracted.text, TextLimits(minimum, maximum))
    except StepError as error:
        return {"error": {"code": error.code, "details": error.details}}
    except MemoryError:
        raise
    except Exception as error:
        details = {"exception": type(error).__name__}
        return {"error": {"code": ErrorCode.EXTRACTION_FAILED, "details": details}}
    return {"result": {**asdict(extracted), **asdict(measured)}}
