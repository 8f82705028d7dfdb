"""Timers in the database's time: set, clear, and fire what is due."""

from collections.abc import Callable, Mapping
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from huleedu.models import Timer
from huleedu.outbox import wake_after_commit

TimerHandler = Callable[[UUID], None]


def set_timer(kind: str, batch_id: UUID, due_at: datetime) -> None:
    """Fire ``kind`` for ``batch_id`` at ``due_at``; an earlier setting is replaced."""
    Timer.objects.update_or_create(kind=kind, batch_id=batch_id, defaults={"due_at": due_at})
    wake_after_commit()


def clear_timer(kind: str, batch_id: UUID) -> None:
    """Forget the timer, if it is set."""
    Timer.objects.filter(kind=kind, batch_id=batch_id).delete()


def fire_due(handlers: Mapping[str, TimerHandler]) -> int:
    """Run and remove every due timer, each in a transaction of its own; returns how many."""
    due = list(Timer.objects.filter(due_at__lte=Now()).values_list("pk", flat=True)[:200])
    return sum(_fire(timer_id, handlers) for timer_id in due)


def _fire(timer_id: int, handlers: Mapping[str, TimerHandler]) -> bool:
    with transaction.atomic():
        timer = (
            Timer.objects.select_for_update(skip_locked=True).filter(pk=timer_id, due_at__lte=Now()).first()
        )
        if timer is None:
            return False
        timer.delete()
        handlers[timer.kind](timer.batch_id)
    return True
