"""Moving everything that the database keeps into another one; the content store is not touched.

Both stand still meanwhile. The database that was left keeps a mark that names the new one, so that nothing
starts with it by mistake.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from uuid import UUID

import psycopg
from django.conf import settings

from huleedu import embedded
from huleedu.backup import postgres_tools
from huleedu.backup.at_rest import Started
from huleedu.backup.backups import BEGIN, HERE, TABLES, Connection, count_rows, one
from huleedu.backup.postgres_tools import LEFT_OUT, Address
from huleedu.backup.restoring import RELATIONS, CannotRestore, clear
from huleedu.failures.failpoints import failpoint
from huleedu.fit.agreement import living
from huleedu.fit.fitting import REFUSED
from huleedu.machine import migrated
from huleedu.postgres import standstill
from huleedu.postgres.standstill import ENTERING, LEFT, MOVING, Mark

EMBEDDED = "embedded"
# Sessions are moved: it is the same installation, and nobody was served meanwhile.
LEFT_BEHIND = tuple(name for name in LEFT_OUT if name != "django_session")
IDENTITY = "SELECT identity FROM huleedu_installation"


@contextmanager
def target_of(words: str) -> Iterator[Address]:
    """The database to move to: an address, or ``embedded`` for that of the state folder.

    Raises CannotRestore, and InstallationError when the embedded one does not come up.
    """
    if words == EMBEDDED:
        with embedded.kept(settings.VAR_DIR) as url:
            yield Address.from_url(url)
        return
    try:
        yield Address.from_url(words)
    except psycopg.ProgrammingError as error:
        raise CannotRestore(
            "That is no address of a database: postgresql://USER:PASSWORD@HOST:5432/NAME"
        ) from error


def move(target: Address, name: str, tell: Callable[[str], None]) -> dict[str, int]:
    """Move from Django's database to ``target``, which people are told of as ``name``; the rows by table.

    Begins anew where it was killed. Raises CannotRestore when nothing was changed, else what its parts raise,
    and then the database that was to be left can be used as before.
    """
    source = Address.of_django()
    with ExitStack() as stack:
        left, entered = stack.enter_context(source.connect()), stack.enter_context(target.connect())
        mark = standstill.read(left)
        if mark is not None and mark.kind != MOVING:
            raise CannotRestore(str(mark))
        identity: UUID = one(left, IDENTITY)[0]
        if mark is not None and is_complete(entered, identity):
            leave(left, name, identity)
            return count_rows(entered, LEFT_BEHIND)
        refuse_if_living()
        make_room(entered, identity)
        try:
            standstill.put(left, MOVING, name, identity=identity)
            standstill.put(entered, ENTERING, identity=identity)
            rows = carry(source, left, target, entered)
        except BaseException:
            clear(entered)
            standstill.remove(entered)
            standstill.remove(left)
            raise
        failpoint("move.after_database")
        standstill.remove(entered)
        leave(left, name, identity)
        tell(f"{sum(rows.values())} rows were moved, and counted again.")
    return rows


def refuse_if_living() -> None:
    """Raises CannotRestore while a process works with the database that is to be left."""
    if Started.here:
        return
    running = [each.name for each in living() if each.role != REFUSED]
    if running:
        raise CannotRestore(
            "Stop all processes first; then wait two minutes, for so long what was stopped still looks "
            f"alive. Seen: {', '.join(running)}."
        )


def is_complete(entered: Connection, identity: UUID) -> bool:
    """Whether a move that was killed had come so far that the new database is in use."""
    if standstill.read(entered) is not None or entered.execute(TABLES).fetchone() is None:
        return False
    return bool(one(entered, IDENTITY)[0] == identity)


def make_room(entered: Connection, identity: UUID) -> None:
    """Empty a database that this very installation has left, or had begun to move to.

    Raises CannotRestore.
    """
    mark = standstill.read(entered)
    if mark is None and entered.execute(RELATIONS).fetchone() is not None:
        raise CannotRestore("The database to move to is not empty, and nothing is moved over what is there.")
    if mark is not None and not is_ours(mark, identity):
        raise CannotRestore(f"The database to move to is another installation's. {mark}")
    clear(entered)


def is_ours(mark: Mark, identity: UUID) -> bool:
    """Whether the mark is of this installation, and nobody needs what stands there."""
    return mark.identity == identity and mark.kind in {LEFT, ENTERING}


def carry(source: Address, left: Connection, target: Address, entered: Connection) -> dict[str, int]:
    """Dump and load at once, and compare the numbers of rows. Raises ToolFailed and CannotRestore."""
    tools = postgres_tools.fitting(postgres_tools.major_of(source))
    left.execute(BEGIN)
    try:
        snapshot = one(left, HERE)[0]
        rows = count_rows(left, LEFT_BEHIND)
        postgres_tools.load(tools, target, postgres_tools.dump(tools, source, snapshot, left_out=LEFT_BEHIND))
    finally:
        left.execute("ROLLBACK")
    if count_rows(entered, LEFT_BEHIND) != rows:
        raise CannotRestore("The new database has other numbers of rows.")
    return rows


def leave(left: Connection, name: str, identity: UUID) -> None:
    """From now on the database that was left says where everything is."""
    standstill.put(left, LEFT, name, identity=identity)
    (settings.VAR_DIR / migrated.NOTE).unlink(missing_ok=True)
