"""Where batches stand: each in one place, the counts adding up, what needs the teacher first."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from batches.actions import archiving, binning
from batches.models import Batch
from results import standing
from results.listing import page
from tests.rows import add_file, make_batch

pytestmark = pytest.mark.django_db


def made(teacher: User, name: str, *files: str, **fields: object) -> Batch:
    """A batch called ``name`` with a file in each status, as ``fields`` say."""
    batch = make_batch(teacher, title=name)
    for status in files:
        add_file(batch, status)
    Batch.objects.filter(pk=batch.pk).update(**fields)
    return batch


@pytest.fixture
def batches(teacher: User) -> dict[str, Batch]:
    """A batch in every situation, made in an order that is nobody's."""
    now = timezone.now()
    by_hand = make_batch(teacher).configuration | {"auto_start": False}
    Batch.objects.all().delete()
    return {
        name: made(teacher, name, *files, **fields)
        for name, files, fields in (
            ("finished", (), {"status": "completed"}),
            ("overdue", (), {"timed_out_at": now}),
            ("collecting", ("processing",), {}),
            ("stopped, with trouble", ("failed",), {"status": "cancelled", "timed_out_at": now}),
            ("a copy too many", ("duplicate",), {"status": "completed"}),
            ("by hand", (), {"status": "ready", "configuration": by_hand}),
            ("removed trouble", ("removed",), {"status": "completed"}),
            ("checked", (), {"status": "processing", "timed_out_at": now}),
            ("broken", (), {"status": "failed"}),
            ("partly", (), {"status": "completed_with_failures"}),
            ("no room", ("excess",), {"status": "awaiting_content"}),
            ("about to start", (), {"status": "ready"}),
        )
    }


GROUPS = {
    "needs_me": ["no room", "partly", "broken", "a copy too many", "by hand", "overdue"],
    "running": ["about to start", "checked", "collecting"],
    "done": ["removed trouble", "stopped, with trouble", "finished"],
}


def titles(teacher: User, show: standing.Show) -> list[str]:
    return [batch.title for batch in page(teacher, show=show, order="needs").batches]


def test_what_needs_her_comes_first_and_the_newest_first_in_each(
    batches: dict[str, Batch], teacher: User
) -> None:
    for show in ("needs_me", "running", "done"):
        assert titles(teacher, show) == GROUPS[show], show
    assert titles(teacher, "all") == [title for group in GROUPS.values() for title in group]
    newest = [batch.title for batch in page(teacher).batches]
    assert newest == list(reversed(batches)), "the order of the API unless it is asked for another"


def test_what_is_archived_or_in_the_bin_is_there_alone(
    batches: dict[str, Batch], teacher: User, colleague: User
) -> None:
    archiving.archive(batches["broken"].pk, teacher)
    archiving.archive(batches["overdue"].pk, teacher)
    binning.delete(batches["overdue"].pk, teacher.pk)
    make_batch(colleague)
    assert titles(teacher, "archived") == ["broken"]
    assert "broken" not in titles(teacher, "all") + titles(teacher, "needs_me")
    counted = standing.tally(Batch.objects.filter(owner=teacher))
    assert counted == {"all": 10, "needs_me": 4, "running": 3, "done": 3, "archived": 1, "bin": 1}
    for show in standing.SHOWS:
        assert len(titles(teacher, show)) == counted[show]


def test_an_address_asks_for_all_unless_it_names_something() -> None:
    for text in ("", "all", "nothing", "bin", "Archived"):
        assert standing.asked_for(text) == "all"
    assert standing.asked_for("needs_me") == "needs_me"


def test_old_and_new_are_told_apart_within_a_group(teacher: User) -> None:
    old, new = (make_batch(teacher, title=title) for title in ("old", "new"))
    Batch.objects.filter(pk=new.pk).update(created_at=timezone.now() - timedelta(days=1))
    assert titles(teacher, "running") == ["old", "new"]
    assert old.created_at > new.created_at - timedelta(days=1)
