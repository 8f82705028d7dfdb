"""Timers in the database's time: set, clear, and fire what is due."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import connection, transaction
from django.db.models.functions import Now

from huleedu.events.waking import wake
from huleedu.failures.outages import is_outage
from huleedu.models import Timer

TimerHandler = Callable[[UUID], None]
PUT_OFF = timedelta(minutes=1)
PUT_OFF_BRIEFLY = timedelta(seconds=2)
LIMIT_LOCK_WAIT = "SET LOCAL lock_timeout = 500"  # milliseconds; a batch held longer holds up no other
log = structlog.get_logger(__name__)


class _SetAnew(Exception):
    """The timer was moved or taken away while its handler ran."""


def set_timer(kind: str, batch_id: UUID, due_at: datetime) -> None:
    """Fire ``kind`` for ``batch_id`` at ``due_at``; an earlier setting is replaced."""
    Timer.objects.update_or_create(kind=kind, batch_id=batch_id, defaults={"due_at": due_at})
    wake()


def clear_timer(kind: str, batch_id: UUID) -> None:
    """Forget the timer, if it is set."""
    Timer.objects.filter(kind=kind, batch_id=batch_id).delete()


def fire_due(handlers: Mapping[str, TimerHandler]) -> int:
    """Run and remove every due timer, each in a transaction of its own; returns how many.

    One that fails is put off, so that it holds up nothing else.
    """
    due = list(Timer.objects.filter(due_at__lte=Now())[:200])
    return sum(_fire(timer, handlers) for timer in due)


def _fire(timer: Timer, handlers: Mapping[str, TimerHandler]) -> bool:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(LIMIT_LOCK_WAIT)
            # The handler locks the batch first, as everybody does; the timer may be set anew meanwhile.
            handlers[timer.kind](timer.batch_id)
            if not Timer.objects.filter(pk=timer.pk, due_at__lte=Now()).delete()[0]:
                raise _SetAnew
    except _SetAnew:
        return False
    except Exception as error:
        if connection.connection is None or connection.connection.closed:
            raise
        log.exception("timer.failed", batch_id=str(timer.batch_id), status="error")
        put_off = PUT_OFF_BRIEFLY if is_outage(error) else PUT_OFF
        Timer.objects.filter(pk=timer.pk).update(due_at=Now() + put_off)
    return True
