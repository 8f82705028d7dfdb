"""The file of a backup: a tar archive of named pieces, the last of which says what came before it.

``about.json`` comes first, then the database's dump in pieces, then keys if they were asked for, then each
content under its kind and id, then ``end.json`` with a SHA-256 over names, sizes and bytes of all pieces. An
archive without its end, or with another sum, is ``Damaged``. With keys the whole is encrypted (``sealing``).
"""

import hashlib
import io
import json
import re
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pyrage

from huleedu.backup import sealing
from huleedu.backup.sealing import Damaged, WrongKey

FORMAT = "huleedu-backup-1"
ABOUT, END, KEY = "about.json", "end.json", "keys/secret-key"
DATABASE, CONTENT = "database/", "content/"
NAME = re.compile(r"about\.json|end\.json|keys/secret-key|database/[0-9]{8}|content/[a-z]{1,8}/[0-9a-f]{32}")
BLOCK = 1024 * 1024  # bytes in memory at once
SMALL_BYTES = 64 * 1024 * 1024  # about.json and end.json are far below
START = b"about.json\0"


class Foreign(Exception):
    """The file is no backup of HuleEdu that this release can read; the message says what is wrong."""


@dataclass(frozen=True)
class About:
    """What a backup tells of itself before anything else."""

    format: str
    archive: str  # its own id
    release: str
    moment: str  # ISO 8601, UTC: the database and the content are as they were then
    identity: str  # of the installation
    migrations: list[str]
    postgres: int  # major version of the server
    dumped_by: int  # major version of pg_dump
    rows: dict[str, int]  # by table
    contents: int
    content_bytes: int
    key: bool  # the signing key is in it
    store: str = ""  # where the content lay: there the installation notes what it erases later


@dataclass(frozen=True)
class End:
    """What a backup tells of itself at the end."""

    pieces: int
    sha256: str
    erased: list[str]  # contents that were erased while the backup was taken
    damaged: list[str]  # contents that were missing or changed before


@dataclass
class Sum:
    """The running SHA-256 over all pieces."""

    pieces: int = 0

    def __post_init__(self) -> None:
        self.digest = hashlib.sha256()

    def begin(self, name: str, size: int) -> None:
        """Another piece begins."""
        self.pieces += 1
        self.digest.update(f"{name}\0{size}\0".encode())


class Writer:
    """Writes pieces one after the other into ``target``, then the end."""

    def __init__(self, target: BinaryIO) -> None:
        self._tar = tarfile.open(fileobj=target, mode="w|", format=tarfile.GNU_FORMAT, bufsize=BLOCK)  # noqa: SIM115
        self._sum = Sum()

    def add(self, name: str, data: bytes) -> None:
        """One piece. Raises OSError."""
        self._sum.begin(name, len(data))
        self._sum.digest.update(data)
        self._put(name, data)

    def _put(self, name: str, data: bytes) -> None:
        found = tarfile.TarInfo(name)
        found.size, found.mode = len(data), 0o600
        self._tar.addfile(found, io.BytesIO(data))
        vars(self._tar)["members"].clear()  # tarfile would remember each

    def end(self, erased: list[str], damaged: list[str]) -> None:
        """The last piece: without it the archive is no backup. Raises OSError."""
        told = End(self._sum.pieces, self._sum.digest.hexdigest(), erased, damaged)
        self._put(END, encoded(told))
        self._tar.close()


def encoded(told: About | End) -> bytes:
    """As it stands in the archive."""
    return json.dumps(asdict(told), indent=1).encode()


@contextmanager
def writing(target: BinaryIO, recipients: list[pyrage.x25519.Recipient]) -> Iterator[Writer]:
    """A writer into ``target``, which is encrypted for ``recipients`` if there are any. Raises OSError."""
    if not recipients:
        yield Writer(target)
        return
    with sealing.sealing(target, recipients) as clear:
        yield Writer(clear)


class Piece:
    """One piece of an archive that is being read; its bytes come once."""

    def __init__(self, name: str, size: int, source: Any, total: Sum) -> None:
        self.name, self.size = name, size
        self._source, self._sum, self._left = source, total, size

    def blocks(self) -> Iterator[bytes]:
        """Its bytes, at most ``BLOCK`` at a time. Raises Damaged when they end early."""
        while self._left:
            try:
                block: bytes = self._source.read(min(BLOCK, self._left))
            except tarfile.TarError as error:
                raise Damaged(str(error)) from error
            if not block:
                raise Damaged(f"it ends within {self.name}")
            self._left -= len(block)
            self._sum.digest.update(block)
            yield block

    def data(self) -> bytes:
        """All of its bytes at once. Raises Damaged."""
        return b"".join(self.blocks())


@contextmanager
def reading(path: Path, key_file: Path | None) -> Iterator["Reader"]:
    """The archive in ``path``, opened with the secret keys in ``key_file``.

    Raises Foreign for what is no backup, WrongKey, Damaged, and OSError when the file cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(len(sealing.MAGIC))
        file.seek(0)
        if head == sealing.MAGIC:
            if key_file is None:
                raise WrongKey(f"{path} is encrypted. Give the file with its secret key: --key-file FILE")
            with sealing.opening(file, sealing.secret_keys(key_file)) as clear:
                yield Reader(clear)
                while clear.read(BLOCK):  # to the end, or it would not be known to be whole
                    pass
        elif head.startswith(START):
            yield Reader(file)
        else:
            raise Foreign(f"{path} is no backup of HuleEdu, or its beginning is damaged.")


class Reader:
    """Reads the pieces of an archive, in order and once."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.about: About | None = None
        self.told: End | None = None
        self._pieces: Iterator[Piece] = iter(())
        self._next: Piece | None = None

    def begin(self) -> About:
        """What the backup tells of itself; then ``database`` is read, then ``rest``. Raises as ``pieces``."""
        self._pieces = self.pieces()
        self._next = next(self._pieces, None)
        if self.about is None:
            raise Damaged("its beginning is missing")
        return self.about

    def database(self) -> Iterator[bytes]:
        """The database's dump. Raises Damaged."""
        while self._next is not None and self._next.name.startswith(DATABASE):
            yield from self._next.blocks()
            self._next = next(self._pieces, None)

    def rest(self) -> Iterator[Piece]:
        """What follows the database, to the end. Raises Damaged."""
        while self._next is not None:
            yield self._next
            self._next = next(self._pieces, None)

    def pieces(self) -> Iterator[Piece]:
        """Every piece between the first and the last; ``about`` is there before, ``told`` afterwards.

        Raises Damaged when anything is not as it was written, Foreign for a format of another release.
        """
        total = Sum()
        try:
            with tarfile.open(fileobj=self._source, mode="r|", bufsize=BLOCK) as tar:
                for found in tar:
                    vars(tar)["members"].clear()
                    yield from self._piece(found, tar.extractfile(found), total)
        except (tarfile.TarError, EOFError, UnicodeDecodeError) as error:
            raise Damaged(str(error)) from error
        if self.told is None:
            raise Damaged("its end is missing")

    def _piece(self, found: tarfile.TarInfo, source: Any, total: Sum) -> Iterator[Piece]:
        if self.told is not None or not found.isreg() or not NAME.fullmatch(found.name):
            raise Damaged("it holds something that no backup holds")
        if found.name in {ABOUT, END} and found.size > SMALL_BYTES:
            raise Damaged(f"{found.name} is too large")
        if found.name == END:
            self.told = self._checked_end(source.read(), total)
            return
        total.begin(found.name, found.size)
        piece = Piece(found.name, found.size, source, total)
        if self.about is None:
            self.about = about_from(found.name, piece.data())
            return
        yield piece
        for _ in piece.blocks():  # whatever the reader has left
            pass

    def _checked_end(self, data: bytes, total: Sum) -> End:
        try:
            told = End(**json.loads(data))
        except (ValueError, TypeError) as error:
            raise Damaged("its end cannot be read") from error
        if (told.pieces, told.sha256) != (total.pieces, total.digest.hexdigest()):
            raise Damaged("its sum is another than when it was written")
        return told


def about_from(name: str, data: bytes) -> About:
    """What the first piece says. Raises Foreign, and Damaged when it cannot be read."""
    try:
        words = json.loads(data)
        if name == ABOUT and words["format"] != FORMAT:
            raise Foreign(f"It is of the format {words['format']!r}; this release reads {FORMAT!r}.")
        return About(**words)
    except (ValueError, TypeError, KeyError) as error:
        raise Damaged("its beginning cannot be read") from error
