"""How a sleeping relay is woken: a lock tells whether it sleeps, and closes the gap before it does.

A relay that sleeps holds an advisory lock. Whoever writes something for it tries to share the lock until the
end of the transaction: if that succeeds, the relay is awake and cannot fall asleep before the transaction has
ended, so it sees the row; if not, the relay sleeps, and the transaction notifies it.
"""

from collections.abc import Callable, Iterable

from django.db import connection
from psycopg import Notify

from huleedu.machine.stopping import readable

CHANNEL = "huleedu_outbox"
AWAKE_CLASS = 0x57414B45  # advisory lock class

# As part of a statement, evaluated after its row is written; ``lane`` is where the relay should begin.
WAKE = (
    f"(SELECT pg_notify('{CHANNEL}', %(lane)s::text)"
    f" WHERE NOT pg_try_advisory_xact_lock_shared({AWAKE_CLASS}, 0))"
)


def wake() -> None:
    """Wake a sleeping relay when the running transaction, whose rows are written, commits."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {WAKE}", {"lane": ""})


def fall_asleep() -> bool:
    """Ask to be woken from now on; False while a transaction that saw the relay awake has not ended."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, 0)", [AWAKE_CLASS])
        row: tuple[bool] = cursor.fetchone()
        return row[0]


def stay_awake() -> None:
    """Ask no longer: this relay, which was asleep, looks again by itself."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s, 0)", [AWAKE_CLASS])


def listen() -> None:
    """Let notifications come to this connection."""
    with connection.cursor() as cursor:
        cursor.execute(f"LISTEN {CHANNEL}")


def wait(seconds: float, *others: int) -> set[int]:
    """Block until a notification comes, or came since the last wait, or for ``seconds``, or until one of the
    descriptors ``others`` has something to read.

    Returns the lanes to begin with, before looking at everything.
    """
    return {int(payload) for payload in notifications(seconds, *others) if payload.isdecimal()}


def notifications(seconds: float, *others: int) -> set[str]:
    """The payloads that have come to the calling thread's connection, waited for as ``wait`` does.

    Raises psycopg.Error when the connection ends.
    """
    told = _told()
    if not told and readable(seconds, connection.connection.fileno(), *others):
        told = _told()
    return told


def _told() -> set[str]:
    notifies: Callable[..., Iterable[Notify]] = connection.connection.notifies
    return {notify.payload for notify in notifies(timeout=0)}
