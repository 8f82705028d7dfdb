"""Work for anything: a handler of its own, no file and no batch, fair turns, given up and set going again."""

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.db.models.functions import Now

from huleedu import steps
from huleedu.events.phases import PHASES
from huleedu.failures.errors import Refused
from huleedu.models import DeadLetter, WorkItem
from huleedu.support.dead_letters import replay
from huleedu.work import queue as work
from huleedu.work.handlers import HANDLERS, Handler, Handlers

MAIL = "mail"


class Office:
    """Mails letters of any kind: ``broken`` ones cannot be, ``gone`` ones need not be any more."""

    def __init__(self) -> None:
        self.mailed: list[tuple[int, UUID]] = []
        self.broken: set[UUID] = set()
        self.given_up: list[UUID] = []
        self.gone: set[UUID] = set()
        self.closed = False

    def mail(self, item: WorkItem) -> None:
        if item.subject_id in self.broken:
            raise ValueError
        with transaction.atomic():
            assert work.finish(item)
            self.mailed.append((item.owner_id, item.subject_id))

    def check(self, letter: DeadLetter) -> None:
        if UUID(letter.envelope["subject_id"]) in self.gone:
            raise Refused("DEAD_LETTER_OUTDATED")

    def repeat(self, letter: DeadLetter, user: User) -> None:
        work.enqueue(order(user.pk, UUID(letter.envelope["subject_id"]), revision=1))


@pytest.fixture
def office(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    """The handler of a mail, registered for one test."""
    made = Office()
    monkeypatch.setattr(HANDLERS, "by_name", dict(HANDLERS.by_name))
    HANDLERS.register(
        Handler(
            MAIL,
            made.mail,
            lambda item: made.given_up.append(item.subject_id),
            made.check,
            made.repeat,
            must_wait=lambda: made.closed,
        )
    )
    yield made


def order(owner: int, subject: UUID, revision: int = 0) -> work.WorkOrder:
    return work.WorkOrder(MAIL, subject, owner, uuid4(), revision=revision, max_retries=1)


def queue(owner: int, count: int = 1) -> list[UUID]:
    subjects = [uuid4() for _ in range(count)]
    with transaction.atomic():
        for subject in subjects:
            work.enqueue(order(owner, subject))
    return subjects


def work_until_quiet() -> None:
    while WorkItem.objects.filter(state="queued").update(due_at=Now()):
        steps.work_next()


def test_work_without_file_and_batch_is_done(office: Office) -> None:
    (subject,) = queue(7)
    steps.work_next()
    assert office.mailed == [(7, subject)]
    assert not WorkItem.objects.exists()


def test_owners_take_turns_whatever_the_work(office: Office) -> None:
    queue(1, 30)
    queue(2, 2)
    work_until_quiet()
    places = [place for place, (owner, _subject) in enumerate(office.mailed) if owner == 2]
    assert len(office.mailed) == 32
    assert max(places) < 6, "two of another owner do not wait for thirty"


def test_what_fails_is_given_up_buried_and_set_going_again(office: Office, teacher: User) -> None:
    (subject,) = queue(7)
    office.broken.add(subject)
    work_until_quiet()
    letter = DeadLetter.objects.get()
    assert (letter.kind, letter.event_type, letter.batch_id, letter.file_upload_id) == (
        *("work", MAIL, None, None),
    )
    assert office.given_up == [subject]
    office.broken.clear()
    assert replay(letter, teacher).status == "replayed"
    work_until_quiet()
    assert office.mailed == [(teacher.pk, subject)]
    assert replay(letter, teacher).status == "replayed"
    work_until_quiet()
    assert len(office.mailed) == 1, "once"


def test_what_has_moved_on_is_not_set_going_again(office: Office, teacher: User) -> None:
    (subject,) = queue(7)
    office.broken.add(subject)
    work_until_quiet()
    office.gone.add(subject)
    with pytest.raises(Refused):
        replay(DeadLetter.objects.get(), teacher)
    assert DeadLetter.objects.get().status == "dead"
    assert not WorkItem.objects.exists()


def test_nothing_is_taken_while_a_handler_must_wait(office: Office) -> None:
    queue(7)
    office.closed = True
    steps.work_next()
    assert WorkItem.objects.get().attempts == 0
    office.closed = False
    steps.work_next()
    assert len(office.mailed) == 1


def test_work_that_nobody_does_is_refused_by_name(db: None) -> None:
    with pytest.raises(ImproperlyConfigured, match="'mail'"):
        work.enqueue(order(7, uuid4()))
    assert not WorkItem.objects.exists()


@pytest.mark.parametrize("name", ["", "x" * 41, MAIL])
def test_names_are_short_and_taken_once(name: str) -> None:
    handlers, office, other = Handlers(), Office(), Office()

    def handler(of: Office, called: str) -> Handler:
        return Handler(called, of.mail, lambda item: None, of.check, of.repeat)

    first = handler(office, MAIL)
    handlers.register(first)
    handlers.register(first)  # a module that is loaded twice registers the same
    with pytest.raises(ImproperlyConfigured):
        handlers.register(handler(other, name))
    assert handlers.names() == [MAIL]


def test_everything_that_is_queued_has_a_handler() -> None:
    assert HANDLERS.names() == ["extract", *PHASES, "export", "erase"]
    assert [handler.name for handler in HANDLERS.in_turn()[0]] == ["extract"]
