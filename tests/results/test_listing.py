"""Pages of batches, for overview and API: whole, in order, without gap or repeat."""

import threading
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from batches.models import Batch
from huleedu.postgres.snapshots import seen_to
from results.listing import Cursor, Page, page
from results.standing import Show
from tests.faults.ending import until
from tests.rows import add_file, make_batch

pytestmark = pytest.mark.django_db
COMMITTED = pytest.mark.django_db(transaction=True)


def test_pages_follow_without_gap_or_repeat(teacher: User) -> None:
    made = [make_batch(teacher).pk for _ in range(7)]
    now = timezone.now()
    Batch.objects.filter(pk__in=made[:3]).update(created_at=now)
    Batch.objects.filter(pk__in=made[3:]).update(created_at=now - timedelta(days=1))
    seen, cursor, sizes = [], "", []
    while True:
        found = page(teacher, cursor=cursor, size=3)
        seen += [batch.pk for batch in found.batches]
        sizes.append(len(found.batches))
        cursor = found.next_cursor
        if not cursor:
            break
    assert sizes == [3, 3, 1]
    assert seen == list(Batch.objects.order_by("-created_at", "-pk").values_list("pk", flat=True))


def test_a_full_last_page_has_no_next(teacher: User) -> None:
    for _ in range(3):
        make_batch(teacher)
    assert page(teacher, size=3).next_cursor == ""


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "_",
        "17_x",
        "99999999999999999_00000000-0000-0000-0000-000000000000",
        "é",
        "AAAA",
        "MjAyNi0wMS0wMSAwMA==",
        "MjAyNi0wMS0wMVQwMDowMDowMCAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMA==",
    ],
)
def test_a_foreign_cursor_starts_from_the_newest(teacher: User, cursor: str) -> None:
    make_batch(teacher)
    assert len(page(teacher, cursor=cursor).batches) == 1


@pytest.mark.parametrize("order", ["newest", "needs"])
def test_a_cursor_of_the_other_order_begins_anew(teacher: User, order: str) -> None:
    for _ in range(3):
        make_batch(teacher)
    cursor = page(teacher, size=2, order="needs" if order == "newest" else "newest").next_cursor
    assert cursor
    assert len(page(teacher, cursor=cursor, size=2, order=order).batches) == 2  # type: ignore[arg-type]


def test_a_cursor_is_read_as_it_was_written(teacher: User) -> None:
    batch = make_batch(teacher)
    for cursor in (Cursor(batch.created_at, batch.pk), Cursor(batch.created_at, batch.pk, 3, 2**63 - 1)):
        order = "newest" if cursor.rank is None else "needs"
        assert Cursor.read(str(cursor), order) == cursor  # type: ignore[arg-type]


class Reader:
    """Reads page by page in the order of needs, as a program does, and puts together what it got."""

    def __init__(self, owner: User, size: int = 3, show: Show = "all") -> None:
        self.owner, self.size, self.show = owner, size, show
        self.cursor = ""
        self.seen: list[str] = []
        self.moved: list[str] = []

    def read(self) -> Page:
        """The next page."""
        found = page(self.owner, cursor=self.cursor, size=self.size, show=self.show, order="needs")
        self.seen += [batch.title for batch in found.batches]
        # A transaction that is open anywhere in the cluster has what was told told again: never less.
        self.moved += [batch.title for batch in found.moved if batch.title not in self.moved]
        self.cursor = found.next_cursor
        return found

    def read_on(self) -> None:
        """To the end."""
        while self.cursor:
            self.read()


def class_of(teacher: User, number: int) -> list[Batch]:
    """Running batches, the first being the oldest; a reader's cursor takes them for old."""
    batches = [make_batch(teacher, title=str(n)) for n in range(number)]
    settle()
    return batches


def settle() -> None:
    """Until whatever is open now has ended, in other tests' databases of the same cluster too."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::text::bigint")
        (now,) = cursor.fetchone()
    until(lambda: seen_to() > now)


@COMMITTED
def test_while_nothing_changes_each_comes_once(teacher: User) -> None:
    batches = class_of(teacher, 8)
    add_file(batches[2], "failed")
    Batch.objects.filter(pk=batches[5].pk).update(status="completed")
    settle()
    reader = Reader(teacher)
    reader.read()
    reader.read_on()
    assert reader.seen == ["2", "7", "6", "4", "3", "1", "0", "5"]
    assert reader.moved == []


@COMMITTED
@pytest.mark.parametrize("change", ["a file failed", "it goes on", "its deadline passed", "it is new"])
def test_what_moves_past_the_cursor_is_told(teacher: User, change: str) -> None:
    batches = class_of(teacher, 8)
    Batch.objects.filter(pk=batches[0].pk).update(status="completed")
    reader = Reader(teacher)
    reader.read()
    if change == "a file failed":
        add_file(batches[0], "failed")
    elif change == "it goes on":
        Batch.objects.filter(pk=batches[0].pk).update(
            status="processing", created_at=batches[7].created_at + timedelta(seconds=1)
        )
    elif change == "its deadline passed":
        Batch.objects.filter(pk=batches[0].pk).update(status="awaiting_content", timed_out_at=timezone.now())
    else:
        make_batch(teacher, title="new")
    reader.read_on()
    assert reader.moved == ["new" if change == "it is new" else "0"]
    assert sorted({*reader.seen, *reader.moved}) == sorted(batch.title for batch in Batch.objects.all())
    assert len(set(reader.seen)) == len(reader.seen)


@COMMITTED
def test_what_moves_behind_the_cursor_comes_again(teacher: User) -> None:
    batches = class_of(teacher, 8)
    reader = Reader(teacher)
    reader.read()
    Batch.objects.filter(pk=batches[7].pk).update(status="completed")  # it was on the first page
    Batch.objects.filter(pk=batches[1].pk).update(status="failed")
    reader.read_on()
    assert reader.seen.count("7") == 2
    assert reader.moved == ["1"]
    assert set(reader.seen) | set(reader.moved) == {str(n) for n in range(8)}


@COMMITTED
def test_what_was_being_written_while_a_page_was_read_is_told(teacher: User) -> None:
    """Its transaction began before the page and is committed after it: no clock tells that."""
    batches = class_of(teacher, 8)
    begun, go_on = threading.Event(), threading.Event()

    def write() -> None:
        with transaction.atomic():
            Batch.objects.filter(pk=batches[0].pk).update(status="failed", version=F("version") + 1)
            begun.set()
            go_on.wait(30)
        connection.close()

    writing = threading.Thread(target=write)
    writing.start()
    begun.wait(30)
    reader = Reader(teacher)
    reader.read()
    make_batch(teacher, title="later")  # later transactions end before
    go_on.set()
    writing.join()
    reader.read_on()
    assert "0" not in reader.seen
    assert "0" in reader.moved


@COMMITTED
def test_what_changes_its_group_is_told_to_who_reads_that(teacher: User) -> None:
    batches = class_of(teacher, 8)
    add_file(batches[7], "failed")
    reader = Reader(teacher, show="running")
    reader.read()
    batches[7].files.update(status="removed", error=None)
    batches[6].files.create(correlation_id=batches[6].pk, size=1, filename="x", status="processing")
    reader.read_on()
    assert reader.moved == ["7", "6"], "the one came to this group, the other is where it was"
    assert reader.seen == ["6", "5", "4", "3", "2", "1", "0"]
