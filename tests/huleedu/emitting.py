"""Events out of nothing, and reactions to them."""

import threading
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction

from huleedu.events.following import TABLE
from huleedu.events.outbox import emit
from huleedu.events.vocabulary import BatchStarted, Event

Reaction = Callable[[Event], None]


def start(batch_id: UUID, revision: int = 0) -> str:
    """Emit one event of a batch."""
    with transaction.atomic():
        return emit(
            BatchStarted(
                batch_id=batch_id,
                correlation_id=uuid4(),
                revision=revision,
                who=1,
                status="ready",
                expected_essay_count=1,
            )
        )


def subscribe(monkeypatch: pytest.MonkeyPatch, *reactions: Reaction) -> None:
    monkeypatch.setattr(TABLE, "reactions", {"BatchStarted": reactions})


def start_elsewhere(batch_id: UUID, revision: int = 0) -> None:
    """Emit one event of a batch in another session: a relay does not wake itself."""

    def emit_there() -> None:
        start(batch_id, revision)
        connection.close()

    thread = threading.Thread(target=emit_there)
    thread.start()
    thread.join()
