"""Drives the pipeline to rest in one process: the relay's own passes, the workers' own tasks."""

import random
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.db import connection
from django.db.models.functions import Now
from django_q.models import OrmQ

from batches.actions import registering
from batches.actions.registering import Registration
from batches.configuration import Configuration
from batches.models import Batch
from files.actions import receiving
from files.actions.incoming import Incoming
from files.models import FileUpload
from huleedu.models import LANES, LoggedEvent, OutboxMessage, WorkItem
from huleedu.relay.loop import Relay
from huleedu.subscriptions import TIMERS
from huleedu.work import queue as work
from huleedu.work import timers
from huleedu.work.handlers import HANDLERS

RENUMBER = """
UPDATE huleedu_outboxmessage
SET id = nextval(pg_get_serial_sequence('huleedu_outboxmessage', 'id')) WHERE id = %s
"""


@dataclass
class Pipeline:
    """A teacher's view of the machinery: register, upload, let it run."""

    relay: Relay = field(default_factory=Relay)

    def register(self, owner: User, expected: int, language: str = "en", **configuration: object) -> Batch:
        """A new batch, in English unless said otherwise."""
        return registering.register(
            owner,
            Registration(
                expected_essay_count=expected,
                language=language,
                configuration=Configuration.model_validate(configuration),
            ),
        )

    def completed(self, owner: User, *essays: bytes) -> Batch:
        """A batch of these essays, called "Astrid 1.txt" and so on, that is done."""
        batch = self.register(owner, len(essays))
        for number, data in enumerate(essays, 1):
            self.upload(batch, data, f"Astrid {number}.txt")
        self.run()
        return batch

    def upload(self, batch: Batch, data: bytes, filename: str = "essay.txt") -> FileUpload:
        """One file, as the API receives it."""
        incoming = Incoming(file=ContentFile(data), filename=filename)
        return receiving.receive(batch.pk, batch.owner, incoming, uuid4())

    def run(self, limit: int = 2000) -> None:
        """Relay and work until nothing is due."""
        for _ in range(limit):
            relayed = self.relay.drain()
            worked = self.work_once()
            if not relayed and not worked:
                return
        raise AssertionError("the pipeline does not come to rest")

    def work_once(self) -> bool:
        """Run one queued item of each step; tokens are not needed when the caller is the worker."""
        OrmQ.objects.all().delete()
        work.tend()
        steps = set(WorkItem.objects.filter(state="queued", due_at__lte=Now()).values_list("step", flat=True))
        for step in steps:
            work.run_next(HANDLERS[step])
        return bool(steps)

    def fire_timers(self) -> int:
        """Fire what is due; returns how many."""
        return timers.fire_due(TIMERS)

    def event_types(self, batch: Batch) -> list[str]:
        """The types of the batch's relayed events in order."""
        rows = LoggedEvent.objects.filter(batch_id=batch.pk).order_by("id")
        return list(rows.values_list("event_type", flat=True))

    def events(self, batch: Batch, event_type: str) -> list[dict[str, object]]:
        """The data of the batch's relayed events of one type."""
        rows = LoggedEvent.objects.filter(batch_id=batch.pk, event_type=event_type).order_by("id")
        return [row.envelope["data"] for row in rows]

    def deliver_again(self, batch_id: UUID, choose: random.Random | None = None) -> int:
        """Put relayed events of the batch back into the outbox; returns how many.

        All of them, newest first, or those that ``choose`` picks in the order it picks.
        """
        rows = list(LoggedEvent.objects.filter(batch_id=batch_id).order_by("-id"))
        if choose is not None:
            rows = choose.sample(rows, k=choose.randint(0, len(rows)))
        messages = [
            OutboxMessage(
                event_id=row.event_id,
                event_type=row.event_type,
                batch_id=row.batch_id,
                lane=row.batch_id.int % LANES,
                envelope=row.envelope,
            )
            for row in rows
        ]
        OutboxMessage.objects.bulk_create(messages, ignore_conflicts=True)
        return len(rows)

    def shuffle(self, choose: random.Random) -> int:
        """Give the waiting events of all batches another order; returns how many there are."""
        waiting = list(OutboxMessage.objects.order_by("id").values_list("pk", flat=True))
        choose.shuffle(waiting)
        with connection.cursor() as cursor:
            for pk in waiting:
                cursor.execute(RENUMBER, [pk])
        return len(waiting)
