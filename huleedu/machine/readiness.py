"""What ``/readyz`` of this installation says, for whoever waits for it in a terminal. Runs without Django."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from typing import Any

from huleedu.machine.wall_words import english

READY_ANSWER_SECONDS = 2.5  # it answers within two
WORDS = {
    "database": "the database does not answer",
    "broker": "the table of tasks cannot be read",
    "storage": "the content store takes no file (HULEEDU_STORAGE, HULEEDU_S3_BUCKET)",
    "relay": "no relay gives a sign of life",
    "steps": "no step worker gives a sign of life",
    "processes": "a process does not fit the others",
}
SILENT = "the web server gives no answer"
WAITING = "the web server waits for the database"


class Readiness:
    """Asks one web server whether everything is there, and tells what is missing, each thing once."""

    def __init__(self, address: str) -> None:
        self._url = f"{address}/readyz"
        self._trouble = ""
        self._told = ""
        self._missing: set[str] = set()

    def ready(self) -> bool:
        """Whether nothing is missing that HuleEdu cannot do without."""
        status, body = ask(self._url, READY_ANSWER_SECONDS)
        self._trouble = describe(status, body)
        self._missing = {name for each in body.get("walls", []) for name in each["missing"]}
        return status == 200

    def tell_trouble(self, tell: Callable[[str], None]) -> None:
        """Say what the last answer named, unless it was said before."""
        if self._trouble != self._told:
            tell(f"HuleEdu is not ready: {self._trouble}. It goes on trying; {self._url} says more.")
        self._told = self._trouble

    def tell_missing_walls(self, tell: Callable[[str], None]) -> None:
        """Say which walls around readers of files are missing, if any, and what to do."""
        for sentence in english(self._missing):
            tell(f"Walls around readers: {sentence}")


def ask(url: str, seconds: float) -> tuple[int, dict[str, Any]]:
    """Status and JSON object at ``url``; 0 when nobody answers in time, and empty for what is no JSON."""
    try:
        with urllib.request.urlopen(url, timeout=seconds) as answer:  # noqa: S310
            return int(answer.status), decoded(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, decoded(error.read())
    except (OSError, HTTPException):
        return 0, {}


def decoded(body: bytes) -> dict[str, Any]:
    """The JSON object in ``body``, if it is one."""
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def describe(status: int, body: dict[str, Any]) -> str:
    """What an answer names as failed, in words; without any names, what its status tells."""
    checks = body.get("checks", {})
    failed = [WORDS.get(name, name) for name, state in checks.items() if state == "failed"]
    differing = [f"{each['process']} ({each['differs']})" for each in body.get("differences", [])]
    return "; ".join([*failed, *differing]) or unnamed(status)


def unnamed(status: int) -> str:
    """What an answer without names tells: 503 is that of a process that has not seen the database yet."""
    if status in {0, 503}:
        return WAITING if status else SILENT
    return f"the web server answers with status {status} and says no more"
