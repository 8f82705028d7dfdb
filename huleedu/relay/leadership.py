"""Who relays: of any number of relays one leads, the others stand by and follow it within milliseconds.

The leader's own session of the database holds a lock on the view ``huleedu_leadership`` in an open
transaction; PostgreSQL gives it to the next one when that session ends, however it ends. Waiting for a lock
on a relation takes no snapshot, so a transaction open for weeks keeps no dead row alive; a statement that
waits for an advisory lock would.
"""

from collections.abc import Callable
from contextlib import suppress

import psycopg
from django.db import connection
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn

from huleedu.machine.stopping import Stop, readable

FIRST_SECONDS = 0.05  # a lock that is free is there by then
CANCEL_SECONDS = 2.0
LOOK_SECONDS = 5.0  # while it waits, a relay gives its sign of life when that is due
# A machine that is gone without a word, on either side, is noticed after this long.
KEEPALIVES: dict[str, int | str] = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}

# No limit may end a wait that is meant to last; a relay killed while it waits must not leave its place in the
# queue behind. Names that a server does not know are left out.
SETTINGS = """
SELECT set_config(name, coalesce(wanted.value, '0'), false) FROM pg_settings
LEFT JOIN (VALUES ('tcp_keepalives_idle', '5'), ('tcp_keepalives_interval', '2'),
                  ('tcp_keepalives_count', '3'), ('client_connection_check_interval', '1000')
          ) AS wanted (name, value) USING (name)
WHERE wanted.name IS NOT NULL OR name IN ('statement_timeout', 'lock_timeout', 'transaction_timeout',
  'idle_in_transaction_session_timeout', 'idle_session_timeout')
"""
# The first lock reads the catalogue into this session's cache: the second needs no snapshot for it.
KNOW = "BEGIN; LOCK TABLE huleedu_leadership IN ACCESS SHARE MODE; COMMIT"
TAKE = b"BEGIN; LOCK TABLE huleedu_leadership IN SHARE UPDATE EXCLUSIVE MODE"


class Leadership:
    """The right to relay, in this process."""

    def __init__(self) -> None:
        self._session: psycopg.Connection | None = None

    @property
    def held(self) -> bool:
        """True from ``obtain`` on until it is given up or the session is lost."""
        return self._session is not None and not self.lost

    @property
    def lost(self) -> bool:
        """True when the session that held the lock has ended; asks no server."""
        # An idle session hears nothing but its end.
        return any(readable(0, session) for session in self.sessions)

    @property
    def sessions(self) -> list[int]:
        """The descriptor of the session that holds the lock, readable when it ends; none when not leading."""
        return [self._session.fileno()] if self._session is not None else []

    def obtain(self, stop: Stop, meanwhile: Callable[[], None]) -> bool:
        """Wait until no other relay leads, without a statement; False when ``stop`` was set instead.

        ``meanwhile`` is called at once and then every ``LOOK_SECONDS`` while another one leads; what it
        raises ends the wait. Raises psycopg.Error when the database goes away.
        """
        self.give_up()
        session = open_session()
        try:
            if wait_for_lock(session.pgconn, stop, meanwhile):
                self._session = session
        finally:
            if self._session is not session:
                withdraw(session)
        return self._session is session

    def give_up(self) -> None:
        """Let another relay lead. Nothing happens when this one does not."""
        if self._session is not None:
            self._session.close()
        self._session = None


def open_session() -> psycopg.Connection:
    """A session of its own beside Django's, without any time limit. Raises psycopg.Error."""
    session = psycopg.connect(**{**connection.get_connection_params(), **KEEPALIVES}, autocommit=True)
    try:
        session.execute(SETTINGS)
        session.execute(KNOW)
    except psycopg.Error:
        session.close()
        raise
    return session


def withdraw(session: psycopg.Connection) -> None:
    """End the wait of ``session`` at the server too."""
    with suppress(psycopg.Error):
        session.cancel_safe(timeout=CANCEL_SECONDS)
    session.close()


def wait_for_lock(pgconn: PGconn, stop: Stop, meanwhile: Callable[[], None]) -> bool:
    """Ask for the lock and wait; False when ``stop`` was set first. Raises psycopg.Error."""
    pgconn.send_query(TAKE)
    patience = FIRST_SECONDS
    while not answered(pgconn, patience, stop.fileno()):
        if stop.is_set():
            return False
        meanwhile()
        patience = LOOK_SECONDS
    return True


def answered(pgconn: PGconn, seconds: float, other: int) -> bool:
    """Whether every statement sent has succeeded within ``seconds``, or before ``other`` has something to
    read. Raises psycopg.Error when one failed.
    """
    if readable(seconds, pgconn.socket, other) and readable(0, pgconn.socket):
        pgconn.consume_input()
    while not pgconn.is_busy():
        result = pgconn.get_result()
        if result is None:
            return True
        if result.status != ExecStatus.COMMAND_OK:
            raise psycopg.OperationalError(result.error_message.decode(errors="replace"))
    return False
