"""Reads every file of a folder in sealed children; prints a JSON object of what came out of each.

That is the text or the code of the failure, and the modules that were loaded after the seal: none may be.
"""

import json
import sys
from functools import partial
from pathlib import Path

from files.steps import child
from files.steps.extract import extract
from files.steps.validate import TextLimits, validate
from huleedu.failures.errors import StepError
from tests.files.sealed import Situation


def read(data: bytes, name: str) -> list[object]:
    """The outcome of one file."""
    before = set(sys.modules)
    try:
        outcome = extract(data, name).text
        validate(outcome, TextLimits())
    except StepError as error:
        outcome = error.code
    return [outcome, sorted(set(sys.modules) - before)]


def main(words: list[str]) -> None:
    """``words`` are the folder and those of a situation."""
    child.load("files.steps.reading", [])
    files = {path.name: path.read_bytes() for path in Path(words[0]).iterdir()}
    situation = Situation(words[1:])
    situation.enter()
    situation.forbid()
    found = {name: situation.child(partial(read, data, name)) for name, data in files.items()}
    sys.stdout.write(json.dumps({name: each.answer for name, each in found.items()}))
