"""django-q2's database queue, woken by notifications instead of polling."""

import time
from typing import Any

import structlog
from django.db import DatabaseError, InterfaceError, connection
from django.db.models.functions import Now
from django_q.brokers.orm import ORM
from django_q.conf import Conf
from django_q.models import OrmQ

from huleedu.events.waking import notifications
from huleedu.failures import outages
from huleedu.postgres.presence import Presence

WAIT_SECONDS = 7.5  # how long one wait blocks: until the next sign of life
PAUSE_SECONDS = 1.0  # before the next try when the database is away
SAFETY_SECONDS = 20.0  # how often the table is looked at without any notification
log = structlog.get_logger(__name__)

# Gone when taken: one that came back when its taker is long dead would pass for a token that wakes a worker,
# and nobody is told of it. The work itself is a row, and gets another token.
TAKE = """
DELETE FROM django_q_ormq
WHERE id IN (SELECT id FROM django_q_ormq WHERE key = %s AND lock <= now()
             ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED)
RETURNING id, payload
"""


def channel_of(cluster: str) -> str:
    """The notification channel of one cluster's queue."""
    return f"huleedu_work_{cluster}"


class ListeningBroker(ORM):
    """The ORM broker: one statement takes tasks, and an empty queue waits for NOTIFY."""

    _listening_on: object | None = None
    _looked_at = 0.0
    _empty = False
    _presence = Presence("steps")

    @staticmethod
    def get_connection(list_key: str | None = None) -> Any:
        """The table of tasks; asks for no connection, so that a cluster starts while the database is away."""
        return OrmQ.objects.using(Conf.ORM)

    def dequeue(self) -> list[tuple[int, str]] | None:
        """Up to ``Conf.BULK`` tasks as (id, payload), or None after a short wait, also without a database.

        They are gone from the queue: a task is a token, and work that still waits gets another one.
        """
        try:
            self._listen()
            self._beat()
            if self._empty and not self._notified() and time.monotonic() - self._looked_at < SAFETY_SECONDS:
                return None
            return self._take()
        except (DatabaseError, InterfaceError) as error:
            outages.report(log, "broker", error)
            connection.close()
            time.sleep(PAUSE_SECONDS)
            return None

    def enqueue(self, task: str) -> int:
        """Put one task into the queue, to be taken from now on by the database's clock; returns its id."""
        package = self.get_connection().create(key=self.list_key, payload=task, lock=Now())
        return int(package.pk)

    def acknowledge(self, task_id: object) -> None:
        """Nothing is left to do for a task that is done: it went when it was taken."""

    def _beat(self) -> None:
        if self.list_key == "steps":
            self._presence.beat()

    def _listen(self) -> None:
        connection.ensure_connection()
        if self._listening_on is not connection.connection:
            with connection.cursor() as cursor:
                cursor.execute(f"LISTEN {channel_of(self.list_key)}")
            self._listening_on = connection.connection
            self._empty = False

    def _notified(self) -> bool:
        return bool(notifications(WAIT_SECONDS))

    def _take(self) -> list[tuple[int, str]] | None:
        with connection.cursor() as cursor:
            cursor.execute(TAKE, [self.list_key, Conf.BULK])
            tasks = sorted(cursor.fetchall())
        self._looked_at = time.monotonic()
        self._empty = not tasks
        return tasks or None
