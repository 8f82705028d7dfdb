"""What the spelling step prepares of a language's word list: made once, kept in a file, read in a moment.

The file is plain numbers and words under their own SHA-256. One that is missing, damaged, of another version
or not ours alone to write is made anew, so it may be deleted at any time.
"""

import json
import os
import stat
import sys
import tempfile
from array import array
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from essays.steps.nearby import NearIndex

_DIGEST_BYTES = 32
_LENGTH_BYTES = 8


@dataclass(frozen=True)
class Tables:
    """The listed words of a language, commonest first, in ``index``.

    ``hundredths`` is each one's Zipf value times a hundred; ``sounds`` are the keys of the first ones.
    """

    index: NearIndex
    hundredths: "array[int]"
    sounds: list[str]

    def to_bytes(self) -> bytes:
        """All of it, behind its SHA-256."""
        numbers = (self.hundredths, self.index.keys, self.index.places, self.index.letters)
        texts = ("\n".join(words).encode() for words in (self.index.words, self.sounds))
        parts = [*texts, *(each.tobytes() for each in numbers)]
        body = b"".join([len(part).to_bytes(_LENGTH_BYTES, "big") + part for part in parts])
        return sha256(body).digest() + body

    @classmethod
    def from_bytes(cls, data: bytes) -> "Tables":
        """Raises ValueError when ``data`` is not whole."""
        body = memoryview(data)[_DIGEST_BYTES:]
        if sha256(body).digest() != data[:_DIGEST_BYTES]:
            raise ValueError("damaged")
        words, sounds, *numbers = _parts(body)
        hundredths, keys, places, letters = (_numbers(part) for part in numbers)
        index = NearIndex(str(words, "utf-8").split("\n"), keys, places, letters)
        return cls(index, hundredths, str(sounds, "utf-8").split("\n"))


def kept(folder: Path, name: str, facts: object, make: Callable[[], Tables]) -> Tables:
    """The tables ``name`` kept in ``folder`` for the same ``facts``, or those of ``make``, kept from now on.

    A folder that cannot be written costs only the time of ``make``.
    """
    version = sha256(json.dumps([facts, sys.byteorder], sort_keys=True).encode()).hexdigest()[:16]
    path = folder / f"{name}-{version}.tables"
    with suppress(OSError, ValueError):
        return Tables.from_bytes(_read_private(path))
    tables = make()
    with suppress(OSError):
        _replace(path, tables.to_bytes())
        for old in folder.glob(f"{name}-*.tables"):
            if old != path:
                old.unlink()
    return tables


def _parts(body: memoryview) -> Iterator[memoryview]:
    while body:
        end = _LENGTH_BYTES + int.from_bytes(body[:_LENGTH_BYTES], "big")
        yield body[_LENGTH_BYTES:end]
        body = body[end:]


def _numbers(part: memoryview) -> "array[int]":
    numbers = array("I")
    numbers.frombytes(part)
    return numbers


def _read_private(path: Path) -> bytes:
    """The content of a file that nobody else may write. Raises OSError."""
    with path.open("rb") as file:
        facts = os.fstat(file.fileno())
        if facts.st_uid != os.geteuid() or facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise PermissionError(path)
        return file.read()


def _replace(path: Path, data: bytes) -> None:
    """Write a private file in one go: a reader sees all of it or none. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, partial = tempfile.mkstemp(dir=path.parent, suffix=".partial")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        Path(partial).replace(path)
    except OSError:
        Path(partial).unlink(missing_ok=True)
        raise
