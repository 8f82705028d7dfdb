"""Empties the database between tests that commit, and takes only from tables that hold something.

Django's ``flush`` truncates all tables and makes content types, permissions and groups anew: a third of a
second of work after each of a thousand tests, most of which wrote to five tables.
"""

from dataclasses import dataclass

from django.core.management import call_command
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

TRIGGERS = """
SELECT relname FROM pg_class
WHERE EXISTS (SELECT FROM pg_trigger WHERE tgrelid = pg_class.oid AND NOT tgisinternal)
"""
SECURITY_LOG = "huleedu_securityevent"  # no row of it may be deleted before its time
LARGE = 8 * 1024 * 1024


@dataclass
class Emptying:
    """What the tables hold when they are as migrations leave them."""

    tables: list[str]
    lasting: dict[str, str]
    triggered: set[str]

    @classmethod
    def begin(cls) -> "Emptying":
        """Look at the database, emptied as Django does it."""
        with connection.cursor() as cursor:
            # An obstacle to whoever empties the log on purpose.
            cursor.execute(f"ALTER TABLE {SECURITY_LOG} DISABLE TRIGGER security_log_is_not_emptied")
        flush()
        with connection.cursor() as cursor:
            cursor.execute(TRIGGERS)
            triggered = {name for (name,) in cursor.fetchall()}
            found = cls(connection.introspection.table_names(cursor), {}, triggered)
            found.lasting = {name: contents(cursor, name) for name in found.filled(cursor)}
            return found

    def filled(self, cursor: CursorWrapper) -> list[str]:
        """The tables that hold rows and were empty, those first whose rows are counted elsewhere."""
        names = [name for name in self.tables if name not in self.lasting]
        cursor.execute(
            " UNION ALL ".join(f"(SELECT '{name}' FROM {quoted(name)} LIMIT 1)" for name in names)  # noqa: S608
        )
        return sorted((name for (name,) in cursor.fetchall()), key=lambda name: name not in self.triggered)

    def end_test(self) -> None:
        """Take away what a test has left. Like TRUNCATE it waits for whoever is still in a transaction."""
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {', '.join(map(quoted, self.tables))} IN ACCESS EXCLUSIVE MODE")
            whole = any(contents(cursor, name) != kept for name, kept in self.lasting.items())
            while not whole and (names := self.filled(cursor)):
                whole = any(is_large(cursor, name) for name in names)
                for name in [] if whole else names:
                    take = "TRUNCATE" if name == SECURITY_LOG else "DELETE FROM"
                    cursor.execute(f"{take} {quoted(name)}")
        if whole:
            flush()


def quoted(name: str) -> str:
    """A table's name in a statement."""
    return connection.ops.quote_name(name)


def contents(cursor: CursorWrapper, name: str) -> str:
    """All that a table holds, in one word."""
    cursor.execute(f"SELECT md5(string_agg(row::text, '' ORDER BY row::text)) FROM {quoted(name)} AS row")  # noqa: S608
    (found,) = cursor.fetchone() or ("",)
    return str(found)


def is_large(cursor: CursorWrapper, name: str) -> bool:
    """Whether deleting would take longer than truncating."""
    cursor.execute("SELECT pg_relation_size(%s::regclass) > %s", [name, LARGE])
    return bool(cursor.fetchone() == (True,))


def flush() -> None:
    """As Django's own tests do it."""
    call_command("flush", verbosity=0, interactive=False, reset_sequences=False)
