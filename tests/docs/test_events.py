"""docs/events.md and the TypeScript types tell exactly the events, messages and codes that there are."""

import ast
import re
from collections.abc import Callable
from pathlib import Path
from types import NoneType
from typing import get_args

import pytest
from django.conf import settings
from django.utils import translation
from pydantic import BaseModel

from batches.shapes import BatchStatus
from files.shapes import FileRecord, FileStatus
from huleedu.answers.error_words import WORDS
from huleedu.answers.problems import TITLES
from huleedu.events.catalogue import CATALOGUE
from huleedu.events.feed import MESSAGE_NAMES
from huleedu.events.vocabulary import ErrorDetail, EssayReference, Extraction, PhaseCounts
from realtime import consumers
from results.shapes import BatchCounts, EventsAnswer, Snapshot
from tests.docs.catalogue import event_row, fields_of, problem_statuses, script_data

ROOT = Path(settings.BASE_DIR)
DOCUMENT = (ROOT / "docs" / "events.md").read_text()
TYPES = (ROOT / "realtime" / "static" / "realtime" / "huleedu.d.ts").read_text()
CLOSE_CODES = {
    name: value for name, value in vars(consumers).items() if name.isupper() and type(value) is int
}


def table(title: str) -> dict[str, str]:
    """The rows below the heading ``title``, by what their first cell names."""
    section = DOCUMENT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    found = re.finditer(r"^\| (`\w+`|\d{4}) \|.*$(?!\n\|---)", section, re.MULTILINE)
    rows = [row[0] for row in found]
    return {row.split(" | ")[0].strip("| `"): row for row in rows}


def test_every_event_and_command_is_told_and_no_other() -> None:
    rows = table("Events and commands")
    assert set(rows) == set(CATALOGUE)
    for name, row in rows.items():
        assert row.startswith(f"{event_row(name)} "), f"{name}\n{event_row(name)}"


@pytest.mark.parametrize("model", [ErrorDetail, EssayReference, Extraction, PhaseCounts])
def test_the_parts_of_events_are_told(model: type[BaseModel]) -> None:
    told = DOCUMENT.partition(f"`{model.__name__}`: `")[2].partition(
        ".\n" if model is ErrorDetail else "`. "
    )[0]
    assert re.findall(r"(?:^|`)(\w+\??)[:`]", told) == list(fields_of(model)), told


def test_every_code_of_an_answer_is_told_with_its_status_and_no_other() -> None:
    with translation.override("en"):
        expected = {
            code: f"| `{code}` | {', '.join(map(str, sorted(statuses)))} | {TITLES[code]} |"
            for code, statuses in problem_statuses().items()
        }
    assert table("Codes of answers") == expected
    assert set(expected) == set(TITLES)


def test_every_code_of_a_file_or_essay_is_told_and_no_other() -> None:
    with translation.override("en"):
        expected = {str(code): f"| `{code}` | {WORDS[code].title}. {WORDS[code].help} |" for code in WORDS}
    assert table("Codes of files and essays") == expected


def test_every_message_of_a_socket_is_told_and_no_other() -> None:
    sources = [*(ROOT / "realtime").glob("*.py"), ROOT / "huleedu" / "events" / "feed.py"]
    sent = {name for path in sources for name in re.findall(r'"type": "(\w+)"', path.read_text())}
    rows = table("Messages of the sockets")
    assert {name for name in rows if not name.isdigit()} == sent
    assert set(re.findall(r'type: "(\w+)"', TYPES)) == sent


def test_every_close_code_is_told_and_no_other() -> None:
    codes = set()
    names = ("realtime/consumers.py", "realtime/guard.py", "huleedu/server.py")
    for name in (*names, "huleedu/web/draining.py", "huleedu/web/serving.py"):
        for node in ast.walk(ast.parse((ROOT / name).read_text())):
            value = node.value if isinstance(node, ast.Constant) else None
            if isinstance(value, int) and (4400 <= value < 4500 or 1003 <= value <= 1013):
                codes.add(str(value))
    assert {name for name in table("Messages of the sockets") if name.isdigit()} == codes
    final = {str(CLOSE_CODES[name]) for name in ("SIGNED_OUT", "NOT_YOURS", "NO_SUCH_BATCH")}
    assert set(re.findall(r"\d{4}", TYPES.partition("FinalCloseCode =")[2])) == final


def test_browsers_are_told_every_event_with_every_field() -> None:
    told = TYPES.partition("export interface EventData {\n")[2].partition("\n}\n")[0]
    for name in dict.fromkeys(MESSAGE_NAMES.values()):
        assert script_data(name) in told, f"EventData in huleedu.d.ts lacks:\n{script_data(name)}"
    assert told == "\n".join(script_data(name) for name in dict.fromkeys(MESSAGE_NAMES.values()))


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("FileRecord", FileRecord),
        ("BatchCounts", BatchCounts),
        ("BatchSnapshot", Snapshot),
        ("ErrorDetail", ErrorDetail),
        ("EventPage", EventsAnswer),
        ("EssayReference", EssayReference),
        ("PhaseCounts", PhaseCounts),
    ],
)
def test_browsers_are_told_every_field_of_an_answer(name: str, model: type[BaseModel]) -> None:
    block = TYPES.partition(f"export interface {name} {{\n")[2].partition("\n}\n")[0]
    told = dict(re.findall(r"^  (\w+)\??: (.+);$", block, re.MULTILINE))
    assert told.keys() == model.model_fields.keys()
    may_be_null = {name for name, kind in told.items() if kind.endswith("| null")}
    assert may_be_null == {
        name for name, field in model.model_fields.items() if NoneType in get_args(field.annotation)
    }


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("ErrorCode", lambda: set(WORDS)),
        ("BatchStatus", lambda: set(get_args(BatchStatus))),
        ("FileStatus", lambda: {*get_args(FileStatus), "waiting", "uploading", "unsent"}),
    ],
)
def test_browsers_are_told_every_value(name: str, values: Callable[[], set[str]]) -> None:
    told = TYPES.partition(f"export type {name} =")[2].partition(";")[0]
    assert set(re.findall(r'"(\w+)"', told)) == {str(value) for value in values()}
