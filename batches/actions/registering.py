"""A new batch."""

from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID, uuid4

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from batches.actions.deadline import READINESS_TIMER
from batches.actions.places import add_slots
from batches.configuration import Configuration
from batches.keeping import first_end
from batches.models import Batch
from huleedu.api import quotas
from huleedu.erasure import erased_if_gone
from huleedu.events.feed import open_feed
from huleedu.events.outbox import emit
from huleedu.events.vocabulary import UNDETERMINED, BatchEssaysRegistered
from huleedu.postgres.clock import database_now
from huleedu.work.timers import set_timer


@dataclass(frozen=True)
class Registration:
    """What a teacher says of a new batch."""

    expected_essay_count: int
    title: str = ""
    class_name: str = ""
    language: str = ""  # found from the essays
    assignment: str = ""
    configuration: Configuration = field(default_factory=Configuration)


@transaction.atomic
def register(owner: User, registration: Registration, correlation_id: UUID | None = None) -> Batch:
    """Make a batch with its slots, its feed and its deadline; returns the batch. Raises ``Refused``."""
    now = database_now()
    quotas.admit_batch(owner.pk)
    configuration = registration.configuration
    batch = Batch.objects.create(
        owner=owner,
        correlation_id=correlation_id or uuid4(),
        title=registration.title,
        class_name=registration.class_name,
        language=registration.language,
        language_chosen=bool(registration.language),
        assignment=registration.assignment,
        expected_essay_count=registration.expected_essay_count,
        configuration=configuration.model_dump(mode="json"),
        deadline=now + timedelta(seconds=configuration.readiness_seconds),
        ends_on=first_end(timezone.localdate(now)),
    )
    slots = add_slots(batch, first=1, last=batch.expected_essay_count)
    open_feed(batch.pk, owner.pk)
    set_timer(READINESS_TIMER, batch.pk, batch.deadline)
    emit(
        BatchEssaysRegistered(
            batch_id=batch.pk,
            correlation_id=batch.correlation_id,
            owner_id=owner.pk,
            expected_essay_count=batch.expected_essay_count,
            essay_ids=[slot.pk for slot in slots],
            language=batch.language or UNDETERMINED,
            configuration=batch.configuration,
        )
    )
    return batch


@transaction.atomic
def register_once(owner: User, registration: Registration, once: UUID) -> Batch:
    """Like ``register``; the same form, which ``once`` names, sent again gets the batch that it made.

    Raises ``Refused``.
    """
    with erased_if_gone():
        User.objects.select_for_update(no_key=True).get(pk=owner.pk)
    made = Batch.objects.owned_by(owner).filter(correlation_id=once).first()
    return made or register(owner, registration, once)
