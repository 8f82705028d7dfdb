"""Is a backup good? Read to its end, and restored into a throwaway database that is compared with it."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from huleedu import embedded
from huleedu.backup import archive, postgres_tools
from huleedu.backup.archive import About, End, Piece, Reader
from huleedu.backup.backups import Connection, count_rows
from huleedu.backup.postgres_tools import Address
from huleedu.backup.sealing import Damaged
from huleedu.embedded import PostgresServer

SOME = 500
STORED = "SELECT id, sha256 FROM files_storedcontent WHERE id = ANY(%s)"


@dataclass(frozen=True)
class Read:
    """What a backup that was read to its end told of itself."""

    about: About
    end: End
    key: bytes = b""


def read_through(path: Path, key_file: Path | None) -> Read:
    """Read all of a backup. Raises Foreign, WrongKey, Damaged and OSError; changes nothing anywhere."""
    with archive.reading(path, key_file) as reader:
        about = reader.begin()
        for _block in reader.database():
            pass
        key = b""
        for piece in reader.rest():
            if piece.name == archive.KEY:
                key = piece.data()
    return Read(about, end_of(reader), key)


def end_of(reader: Reader) -> End:
    """What the end told, of an archive that was read to it. Raises Damaged."""
    if reader.told is None:
        raise Damaged("its end is missing")
    return reader.told


def verify(path: Path, key_file: Path | None) -> About:
    """Restore into a throwaway database; compare numbers of rows, and each content with its row.

    Raises as ``read_through``, Damaged for what differs, ToolFailed and InstallationError.
    """
    with embedded.throwaway_folder() as var, embedded.running(PostgresServer(var, durable=False)) as url:
        address = Address.from_url(url)
        with archive.reading(path, key_file) as reader:
            about = reader.begin()
            tools = postgres_tools.fitting(about.dumped_by)
            postgres_tools.load(tools, address, reader.database())
            with address.connect() as database:
                compare_rows(database, about)
                whole = sum(compare(database, some) for some in digests(reader.rest()))
            told = end_of(reader)
        if about.contents != whole + len(told.erased) + len(told.damaged):
            raise Damaged("it lacks content that its database knows of")
    return about


def compare_rows(database: Connection, about: About) -> None:
    """Raises Damaged when a table has not as many rows as when the backup was taken."""
    found = count_rows(database)
    if found != about.rows:
        names = {name for name in {*found, *about.rows} if found.get(name) != about.rows.get(name)}
        raise Damaged(f"restored, these tables have other numbers of rows: {', '.join(sorted(names))}")


def digests(pieces: Iterator[Piece]) -> Iterator[dict[UUID, str]]:
    """The contents' ids and SHA-256, some at once."""
    some: dict[UUID, str] = {}
    for piece in pieces:
        if not piece.name.startswith(archive.CONTENT):
            continue
        digest = hashlib.sha256()
        for block in piece.blocks():
            digest.update(block)
        some[content_id(piece)] = digest.hexdigest()
        if len(some) == SOME:
            yield some
            some = {}
    yield some


def content_id(piece: Piece) -> UUID:
    """Of a content in the archive."""
    return UUID(hex=piece.name.rpartition("/")[2])


def kind_of(piece: Piece) -> str:
    """Of a content in the archive."""
    return piece.name.split("/")[1]


def compare(database: Connection, some: dict[UUID, str]) -> int:
    """How many of these contents the database knows, with the same hash. Raises Damaged for any other."""
    rows = {row[0]: row[1] for row in database.execute(STORED, [list(some)])}
    if rows != some:
        raise Damaged("it holds content that is not what its database says")
    return len(rows)
