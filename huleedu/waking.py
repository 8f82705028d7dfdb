"""How a sleeping relay is woken: a lock tells whether it sleeps, and closes the gap before it does.

A relay that sleeps holds an advisory lock. Whoever writes something for it tries to share the lock until the
end of the transaction: if that succeeds, the relay is awake and cannot fall asleep before the transaction has
ended, so it sees the row; if not, the relay sleeps, and the transaction notifies it.
"""

from collections.abc import Callable, Iterable
from time import monotonic

from django.db import connection
from psycopg import Notify

CHANNEL = "huleedu_outbox"
AWAKE_CLASS = 0x57414B45  # advisory lock class
STOP_LOOK_SECONDS = 1.0  # a sleeping relay looks this often whether it shall stop

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


def wait(seconds: float, ended: Callable[[], bool] = lambda: False) -> set[int]:
    """Block until a notification comes, or came since the last wait, or for ``seconds``, or until ``ended``.

    Returns the lanes to begin with, before looking at everything.
    """
    notifies: Callable[..., Iterable[Notify]] = connection.connection.notifies
    told: set[str] = set()
    until = monotonic() + seconds
    while not told and (left := until - monotonic()) > 0 and not ended():
        told = {notify.payload for notify in notifies(timeout=min(left, STOP_LOOK_SECONDS), stop_after=1)}
    return {int(payload) for payload in told if payload.isdecimal()}
