"""What support staff do with dead letters. Each change is one transaction and may be repeated."""

import structlog
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from huleedu.erasure import erased_if_gone
from huleedu.events.waking import wake
from huleedu.models import LANES, DeadLetter, OutboxMessage
from huleedu.work.handlers import HANDLERS

log = structlog.get_logger(__name__)


def replay(dead_letter: DeadLetter, user: User) -> DeadLetter:
    """Try it again: an event goes back to the outbox, failed work is asked for anew as a repeat by ``user``.

    A letter that was handled before stays as it is. Raises ``Refused`` when its file has moved on since or
    cannot be read, and ``StorageFailed``.
    """
    check_replay(dead_letter)
    return set_going(dead_letter, user)


def check_replay(dead_letter: DeadLetter) -> None:
    """Make sure that what failed work needs can be read, and lock nothing meanwhile.

    Raises ``Refused`` and ``StorageFailed``.
    """
    with erased_if_gone():
        letter = DeadLetter.objects.get(pk=dead_letter.pk)
    if letter.status == DeadLetter.Status.DEAD and letter.kind == DeadLetter.Kind.WORK:
        HANDLERS[letter.event_type].check(letter)


@transaction.atomic
def set_going(dead_letter: DeadLetter, user: User) -> DeadLetter:
    """Do it and close the letter, if it still is dead. Raises ``Refused``."""
    letter = locked(dead_letter)
    if letter.status != DeadLetter.Status.DEAD:
        return letter
    if letter.kind == DeadLetter.Kind.EVENT:
        put_back(letter)
    else:
        # Its failure ended what it was about, so only a new revision can bring another outcome.
        HANDLERS[letter.event_type].repeat(letter, user)
    return close(letter, user, DeadLetter.Status.REPLAYED)


@transaction.atomic
def discard(dead_letter: DeadLetter, user: User) -> DeadLetter:
    """Nothing more is to be done. A letter that was handled before stays as it is. Raises ``Refused``."""
    letter = locked(dead_letter)
    if letter.status != DeadLetter.Status.DEAD:
        return letter
    return close(letter, user, DeadLetter.Status.DISCARDED)


def locked(dead_letter: DeadLetter) -> DeadLetter:
    """The letter as it is now, locked. Raises ``Refused`` when it has been erased."""
    with erased_if_gone():
        return DeadLetter.objects.select_for_update().get(pk=dead_letter.pk)


def put_back(letter: DeadLetter) -> None:
    """The event is due again with all its attempts; what consumed it before is not repeated."""
    message = OutboxMessage(
        event_id=letter.event_id,
        event_type=letter.event_type,
        batch_id=letter.batch,
        lane=letter.batch.int % LANES,
        envelope=letter.envelope,
    )
    OutboxMessage.objects.bulk_create([message], ignore_conflicts=True)
    wake()


def close(letter: DeadLetter, user: User, status: DeadLetter.Status) -> DeadLetter:
    """Record who handled the letter, how and when."""
    letter.status = status
    letter.handled_by_id = user.pk
    letter.handled_at = timezone.now()
    letter.save(update_fields=["status", "handled_by_id", "handled_at"])
    log.info(
        "dead_letter.handled",
        corr_id=str(letter.correlation_id),
        batch_id=str(letter.batch_id),
        phase=letter.event_type,
        status=status.value,
        handled_by=user.pk,
    )
    return letter
