"""Settings as an operator writes them: ``20MB``, ``2 h``, ``yes``; a plain number is bytes or seconds.

A mistake raises ``ImproperlyConfigured`` with one line: the variable, its value, and how to write it. What
may hold a password is never told. An empty variable is like one that is not there.
"""

import logging
import os
import re
import sys
from collections.abc import Mapping
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit
from zoneinfo import available_timezones

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

YES, NO = frozenset({"1", "true", "yes", "on"}), frozenset({"0", "false", "no", "off"})
# 1024 each, as pages and computers count files; both spellings mean the same.
SIZES = {"": 1, "b": 1} | {
    f"{letter}{rest}": 1024**power for power, letter in enumerate("kmgt", start=1) for rest in ("", "b", "ib")
}
TIMES = (
    dict.fromkeys(("", "s", "sec", "second", "seconds"), Decimal(1))
    | {"ms": Decimal("0.001")}
    | dict.fromkeys(("m", "min", "minute", "minutes"), Decimal(60))
    | dict.fromkeys(("h", "hour", "hours"), Decimal(60 * 60))
    | dict.fromkeys(("d", "day", "days"), Decimal(24 * 60 * 60))
    | dict.fromkeys(("w", "week", "weeks"), Decimal(7 * 24 * 60 * 60))
)
MEASURE = re.compile(r"([0-9][0-9_]{0,17}(?:\.[0-9]{1,6})?) ?([A-Za-z]*)")
SHOWN_CHARACTERS = 60
MONTHS = re.compile(r"([0-9]{1,4}) ?(months?|years?|)")
WHOLE_NUMBER = re.compile(r"-?[0-9_]{1,19}")
MOST = 2**63 - 1
HOST = re.compile(r"\.?[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\]")
SCHEMES_OF_REDIS = ("redis", "rediss", "unix")
SCHEMES_OF_DATABASES = ("postgres", "postgresql", "pgsql")


def said(name: str) -> str:
    """What the environment says of ``name``, without white space around it; empty when it says nothing."""
    return os.environ.get(name, "").strip()


def mistake(name: str, wrong: str, example: str, value: str | None = None) -> ImproperlyConfigured:
    """One line about a variable: ``wrong`` says of the value what it is not."""
    shown = said(name) if value is None else value
    if len(shown) > SHOWN_CHARACTERS:
        shown = f"{shown[:SHOWN_CHARACTERS]}…"
    return ImproperlyConfigured(f"{name}={shown!r} {wrong}, for example {name}={example}")


def contradiction(first: str, second: str, why: str, example: str) -> ImproperlyConfigured:
    """One line about two variables whose values do not go together."""
    return ImproperlyConfigured(f"{told(first)} and {told(second)} do not go together: {why}. Set {example}")


def told(name: str) -> str:
    """A variable with its value, or that it is left as it was."""
    return f"{name}={said(name)!r}" if said(name) else f"{name} (not set)"


def flag(name: str, default: bool = False) -> bool:
    """Yes or no."""
    word = said(name).lower()
    if not word:
        return default
    if word not in YES | NO:
        raise mistake(name, "is neither yes nor no: write 1 or 0, yes or no", "1")
    return word in YES


def number(name: str, default: int, least: int = 0, most: int = MOST) -> int:
    """A whole number from ``least`` to ``most``."""
    word = said(name)
    if not word:
        return default
    found = int(word) if WHOLE_NUMBER.fullmatch(word) and word.strip("-_") else None
    if found is None or not least <= found <= most:
        limits = f"from {least} to {most}" if most < MOST else f"of {least} or more"
        raise mistake(name, f"is not a whole number {limits}: write digits alone", str(max(least, default)))
    return found


def size(name: str, default: int, least: int = 1) -> int:
    """Bytes: a plain number, or one with KB, MB, GB or TB, of 1024 each."""
    wrong = "is not a size: write a number of bytes, or a number with KB, MB or GB"
    found = measure(name, SIZES, wrong, "20MB")
    if found is None:
        return default
    if found != int(found):
        raise mistake(name, wrong, "20MB")
    if not least <= found <= MOST:
        raise mistake(name, f"is out of bounds: write a size of {least} bytes or more", "20MB")
    return int(found)


def duration(name: str, default: float, least: float = 1, most: float = MOST, example: str = "2h") -> float:
    """Seconds: a plain number, or one with ms, s, min, h, days or weeks."""
    wrong = "is not a time: write a number of seconds, or a number with s, min, h or days"
    found = measure(name, TIMES, wrong, example)
    if found is None:
        return default
    if not least <= found <= most:
        limits = f"from {least} to {most}" if most < MOST else f"of {least} or more"
        raise mistake(name, f"is out of bounds: write a time {limits} seconds", example)
    return float(found)


def seconds(name: str, default: int, least: int = 1, most: int = MOST, example: str = "2h") -> int:
    """The same in whole seconds."""
    found = duration(name, default, least, most, example)
    if found != int(found):
        raise mistake(name, "is not a time in whole seconds: write a number of seconds", example)
    return int(found)


def months(name: str, default: int, most: int = 120) -> int | None:
    """Whole months: a plain number, or one with months or years; None for ``never``."""
    word = said(name).lower()
    if word == "never":
        return None
    match = MONTHS.fullmatch(word) if word else None
    if word and match is None:
        raise mistake(name, "is no time to keep something: write months or years, or never", "6 months")
    found = int(match[1]) * (12 if match[2].startswith("year") else 1) if match else default
    if found > most:
        raise mistake(name, f"is out of bounds: write {most} months at most, or never", "6 months")
    return found


def measure(name: str, units: Mapping[str, int | Decimal], wrong: str, example: str) -> Decimal | None:
    """A number with its unit; None when nothing is said."""
    word = said(name)
    if not word:
        return None
    found = understood(word, units)
    if found is None:
        raise mistake(name, wrong, example)
    return found


def understood(word: str, units: Mapping[str, int | Decimal]) -> Decimal | None:
    """What a number with one of ``units`` comes to; None when ``word`` is something else."""
    match = MEASURE.fullmatch(word)
    if match is None or match[2].lower() not in units:
        return None
    return Decimal(match[1].replace("_", "")) * units[match[2].lower()]


def folder(name: str, default: Path) -> Path:
    """A folder, as it is written."""
    return Path(said(name) or default)


def one_of(name: str, default: str, words: tuple[str, ...]) -> str:
    """One of ``words``."""
    found = said(name) or default
    if found not in words:
        raise mistake(name, f"is not one of {', '.join(words)}", default)
    return found


def log_level(name: str, default: str) -> str:
    """A level that Python's logging knows."""
    found = (said(name) or default).upper()
    levels = logging.getLevelNamesMapping()
    if found not in levels:
        raise mistake(name, "is no level of logging: write DEBUG, INFO, WARNING or ERROR", default)
    return found


def time_zone(name: str, default: str) -> str:
    """A time zone by its name."""
    found = said(name) or default
    if found not in available_timezones():
        raise mistake(name, "is no time zone: write the name of one", default)
    return found


def hosts(name: str) -> list[str]:
    """Names and addresses of hosts, separated by spaces."""
    found = said(name).split()
    for each in found:
        if each == "*":
            raise mistake(name, "must name the hosts that serve HuleEdu", "huleedu.school.se", value=each)
        if HOST.fullmatch(each) is None:
            wrong = "is no host's name: write names alone, without https:// and port, separated by spaces"
            raise mistake(name, wrong, "huleedu.school.se", value=without_secret(each))
    return found


def origins(name: str) -> list[str]:
    """Origins of pages, scheme and all, separated by spaces."""
    found = said(name).split()
    for each in found:
        parts = split_address(each)
        if parts is None or parts.scheme not in {"http", "https"} or parts.path or parts.username is not None:
            wrong = "is no origin: write scheme, host and, if it is not the usual one, port"
            raise mistake(name, wrong, "https://huleedu.school.se", value=without_secret(each))
    return found


def web_address(name: str) -> str | None:
    """The address of a service, or None."""
    found = said(name)
    parts = split_address(found)
    if found and (parts is None or parts.scheme not in {"http", "https"}):
        wrong = "is no address: write one that begins with http:// or https://"
        raise mistake(name, wrong, "https://store.school.se:9000", value=without_secret(found))
    return found or None


def redis_address(name: str, default: str) -> str:
    """Where Redis or Valkey listens."""
    found = said(name) or default
    parts = split_address(found, need_host=False)
    place = parts.path.strip("/") if parts is not None else ""
    known = parts is not None and parts.scheme in SCHEMES_OF_REDIS
    if not known or (place and not place.isdigit() and not found.startswith("unix:")):
        wrong = "is no address of Redis or Valkey: write redis://, rediss:// or unix://"
        raise mistake(name, wrong, "redis://127.0.0.1:6379/0", value=without_secret(found))
    return found


def database(name: str, default: str) -> Any:
    """Django's settings of the PostgreSQL database that an address names."""
    found = said(name) or default
    parts = split_address(found, need_host=False)
    if parts is not None and parts.scheme in SCHEMES_OF_DATABASES:
        try:
            return dj_database_url.parse(found)
        except ValueError:  # with the whole address in its words
            parts = None
    wrong = "must name a PostgreSQL database: write postgresql://"
    example = "postgresql://user:password@host:5432/huleedu"
    raise mistake(name, wrong, example, value=without_secret(found)) from None


def split_address(text: str, need_host: bool = True) -> SplitResult | None:
    """The parts of an address; None for what is none, by its port or host."""
    try:
        parts = urlsplit(text)
        complete = bool(parts.scheme) and parts.port != 0
    except ValueError:
        return None
    return parts if complete and (parts.hostname or not need_host) else None


def without_secret(address: str) -> str:
    """An address as it can be told: no user, no password, no query; "…" for what is no address at all."""
    scheme, separator, rest = address.partition("://")
    if not separator:
        return "…" if "=" in address or "@" in address else address
    user, at, place = rest.rpartition("@")
    return f"{scheme}://{'…@' if at or user else ''}{place.partition('?')[0]}"


def main() -> int:
    """Read all settings and say what is wrong with them; returns the exit code."""
    try:
        import_module("huleedu.settings")
    except ImproperlyConfigured as error:
        sys.stdout.write(f"{error}\n")
        return os.EX_CONFIG
    return 0


if __name__ == "__main__":
    sys.exit(main())
