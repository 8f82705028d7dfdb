"""What a teacher and the clock do to a batch. Each function is one transaction."""

from collections.abc import Container
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID, uuid4

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from batches.configuration import MAX_READINESS_SECONDS, Configuration
from batches.keeping import first_end
from batches.models import Batch, BatchPhase, EssaySlot, takes_files
from huleedu.api import quotas
from huleedu.erasure import erased_if_gone
from huleedu.events.feed import open_feed
from huleedu.events.outbox import emit
from huleedu.events.phases import PHASES
from huleedu.events.vocabulary import (
    UNDETERMINED,
    BatchCancelled,
    BatchChange,
    BatchDeadlineExtended,
    BatchEssaysRegistered,
    BatchExpectationChanged,
    BatchReadinessTimeout,
    EssayReference,
)
from huleedu.failures.errors import Refused
from huleedu.postgres.clock import database_now
from huleedu.work.timers import clear_timer, set_timer

READINESS_TIMER = "readiness"


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


def add_slots(batch: Batch, first: int, last: int) -> list[EssaySlot]:
    """Make the slots numbered ``first`` to ``last``."""
    numbers = range(first, last + 1)
    return EssaySlot.objects.bulk_create(EssaySlot(batch=batch, number=number) for number in numbers)


def open_batch(batch_id: UUID) -> Batch:
    """The batch, locked; raises ``Refused("BATCH_CLOSED")`` when it has ended."""
    batch = Batch.objects.locked(batch_id)
    if batch.is_closed:
        raise Refused("BATCH_CLOSED", status=batch.status)
    return batch


def check_open_for_content(batch: Batch) -> None:
    """Content may be added to the locked batch: a late essay may still take a free place of a completed one.

    Raises ``Refused("BATCH_CLOSED")`` when it was cancelled, or has ended with every place taken.
    """
    if batch.binned_at is not None:
        raise Refused("BATCH_CLOSED", status=batch.status)
    if batch.is_closed:
        if not takes_files(batch.status, empty_slots(batch).exists()):
            raise Refused("BATCH_CLOSED", status=batch.status)
        reopen_if_done(batch)


def refuse_cancelled(batch: Batch) -> None:
    """Raise ``Refused`` for a cancelled batch: nothing of it is read or checked any more."""
    if batch.status == Batch.Status.CANCELLED:
        raise Refused("BATCH_CLOSED", status=batch.status)


def check_version(batch_id: UUID, versions: Container[int]) -> None:
    """Lock the batch in the running transaction if its version is one of ``versions``.

    Raises ``Refused("BATCH_CHANGED")`` when somebody has decided something that the caller has not seen.
    """
    version = Batch.objects.locked(batch_id).version
    if version not in versions:
        raise Refused("BATCH_CHANGED", version=version)


def empty_slots(batch: Batch) -> QuerySet[EssaySlot]:
    """The slots that no file holds."""
    return batch.slots.filter(status=EssaySlot.Status.AWAITING_CONTENT, file__isnull=True)


def report_change(
    batch: Batch, kind: type[BatchChange], who: int, old: object, new: object, **more: str | bool | None
) -> None:
    """Emit a teacher's decision with the batch as it is now; ``more`` are fields of that kind alone."""
    fields = {
        "batch_id": batch.pk,
        "correlation_id": batch.correlation_id,
        "revision": batch.version,
        "who": who,
        "old": old,
        "new": new,
        "status": batch.status,
        "expected_essay_count": batch.expected_essay_count,
        "deadline": batch.deadline,
        **more,
    }
    emit(kind.model_validate(fields))


@transaction.atomic
def extend(batch_id: UUID, user: User, seconds: int) -> Batch:
    """Move the readiness deadline ``seconds`` on, from now if it has passed. Raises ``Refused``."""
    batch = open_batch(batch_id)
    if batch.status != Batch.Status.AWAITING_CONTENT:
        raise Refused("BATCH_ALREADY_STARTED", status=batch.status)
    old = batch.deadline
    now = database_now()
    deadline = max(old, now) + timedelta(seconds=seconds)
    if deadline > now + timedelta(seconds=MAX_READINESS_SECONDS):
        raise Refused("DEADLINE_TOO_FAR", limit_seconds=MAX_READINESS_SECONDS)
    batch.change(deadline=deadline, timed_out_at=None)
    set_timer(READINESS_TIMER, batch.pk, deadline)
    report_change(batch, BatchDeadlineExtended, user.pk, old.isoformat(), deadline.isoformat())
    return batch


@transaction.atomic
def expect(batch_id: UUID, user: User, expected_essay_count: int) -> Batch:
    """Raise or lower the number of essays. Lowering removes empty slots only.

    A completed batch goes on when files wait for the new places. Raises ``Refused``.
    """
    batch = Batch.objects.locked(batch_id)
    refuse_cancelled(batch)
    old = batch.expected_essay_count
    if expected_essay_count == old:
        return batch
    if expected_essay_count > old:
        highest = max(batch.slots.values_list("number", flat=True))
        add_slots(batch, first=highest + 1, last=highest + expected_essay_count - old)
    else:
        remove_empty_slots(batch, old - expected_essay_count)
    batch.change(expected_essay_count=expected_essay_count)
    report_change(batch, BatchExpectationChanged, user.pk, old, expected_essay_count)
    # After the change is told, so that waiting files have their places before the phase is ordered.
    if expected_essay_count > old and batch.files.filter(status="excess").exists():
        reopen_if_done(batch)
    return batch


def remove_empty_slots(batch: Batch, count: int) -> None:
    """Remove the ``count`` highest-numbered slots that no file holds, or refuse."""
    doomed = list(empty_slots(batch).order_by("-number").values_list("pk", flat=True)[:count])
    if len(doomed) < count:
        raise Refused("COUNT_BELOW_ASSIGNED", smallest=batch.expected_essay_count - len(doomed))
    EssaySlot.objects.filter(pk__in=doomed).delete()


@transaction.atomic
def cancel(batch_id: UUID, user: User, reason: str = "") -> Batch:
    """Stop a batch for good; its files stay. Repeating it changes nothing. Raises ``Refused``."""
    batch = Batch.objects.locked(batch_id)
    if batch.status == Batch.Status.CANCELLED:
        return batch
    if batch.is_closed:
        raise Refused("BATCH_CLOSED", status=batch.status)
    old = batch.status
    batch.move_to(Batch.Status.CANCELLED)
    batch.change(completed_at=timezone.now())
    clear_timer(READINESS_TIMER, batch.pk)
    report_change(batch, BatchCancelled, user.pk, old, batch.status, reason=reason)
    return batch


def references(batch: Batch) -> list[EssayReference]:
    """The slots whose file is read, in order of their numbers."""
    filled = batch.slots.filter(file__status="assigned").order_by("number")
    return [
        EssayReference(essay_id=slot.pk, text_storage_id=slot.text_storage_id)
        for slot in filled
        if slot.text_storage_id is not None
    ]


@transaction.atomic
def pass_deadline(batch_id: UUID) -> None:
    """The readiness timer rang: report what is missing; readiness itself is decided by whoever hears it."""
    batch = Batch.objects.locked(batch_id)
    if batch.status != Batch.Status.AWAITING_CONTENT:
        return
    ready = references(batch)
    missing = batch.slots.exclude(pk__in=[reference.essay_id for reference in ready]).order_by("number")
    missing_ids = list(missing.values_list("pk", flat=True))
    batch.note_timeout(timezone.now())
    emit(
        BatchReadinessTimeout(
            batch_id=batch.pk,
            correlation_id=batch.correlation_id,
            revision=batch.version,
            ready_essays=ready,
            missing_n=len(missing_ids),
            missing_essay_ids=missing_ids,
            expected_count=batch.expected_essay_count,
            actual_count=len(ready),
            timeout_seconds=round((batch.deadline - batch.created_at).total_seconds()),
        )
    )


def begin(batch: Batch) -> None:
    """Start processing; the caller holds the batch lock."""
    batch.begin()
    initiate_next(batch)


def initiate_next(batch: Batch) -> None:
    """Order the first phase of this run that has not been started, if there is one."""
    started = set(batch.phases.filter(run=batch.run).values_list("phase", flat=True))
    phase = next((step for step in batch.settings.steps if step not in started), None)
    if phase is None:
        return
    BatchPhase.objects.create(batch=batch, phase=phase, run=batch.run)
    emit(
        PHASES[phase].initiate(
            batch_id=batch.pk,
            correlation_id=batch.correlation_id,
            revision=batch.run,
            essays_to_process=references(batch),
            language=batch.language or UNDETERMINED,
        )
    )


def reopen_if_done(batch: Batch) -> None:
    """A deliberate repeat on a completed batch starts another run; the caller holds the batch lock.

    Raises ``Refused`` for a cancelled batch.
    """
    refuse_cancelled(batch)
    if batch.is_closed:
        batch.reopen()
        initiate_next(batch)
