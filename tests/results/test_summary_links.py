"""Every figure of the results page leads to its essays, and there are as many of them as it says."""

import re
from html import unescape
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from batches.models import Batch, BatchPhase
from essays.models import StepRun
from huleedu.answers.error_words import make_detail
from tests.rows import add_essay, add_file, finding, make_batch

pytestmark = pytest.mark.django_db
TEXT = "I was siting at home."


@pytest.fixture
def page(teacher: User, client: Client) -> tuple[Client, str, Batch]:
    """A browser, the address of the results of a class with one strange essay, and their batch."""
    batch = make_batch(teacher, expected=12)
    for number in range(1, 9):
        text = f"{TEXT}{' I was.' * number}"
        add_essay(batch, number, text, [finding(text, "siting", "sitting")])
    strange = " ".join([TEXT] * 300)
    add_essay(batch, 9, strange, [finding(strange, "siting", "sitting")])
    BatchPhase.objects.create(batch=batch, phase="spellcheck", run=batch.run)
    StepRun.objects.update(started_at=timezone.now())
    for name in ("a.odt", "b.odt"):
        error = make_detail("UNSUPPORTED_FORMAT", "extract", uuid4(), detected="odt").model_dump(mode="json")
        add_file(batch, "failed", filename=name, error=error, duration_ms=5)
    client.force_login(teacher)
    return client, reverse("results", args=[batch.pk]), batch


def test_every_link_of_the_page_leads_somewhere(page: tuple[Client, str, Batch]) -> None:
    client, address, _ = page
    shown = client.get(address).content.decode()
    main = shown.partition("<main")[2].partition("</main>")[0]
    links = {unescape(link).partition("#")[0] for link in re.findall(r'href="([^"]+)"', main)}
    wanted = [f"{address}{link}" if link.startswith("?") else link for link in links if link]
    assert len(wanted) > 20
    for link in wanted:
        assert client.get(link).status_code == 200, link
    for anchor in re.findall(r'href="#([^"]+)"', main):
        assert f'id="{anchor}"' in shown, anchor


def test_a_figure_leads_to_as_many_files_as_it_counts(page: tuple[Client, str, Batch]) -> None:
    client, address, _ = page
    told = client.get(address).context

    def rows(**filters: str) -> int:
        return len(client.get(address, filters).context["rows"])

    assert [rows(words=bar.words) for bar in told["histogram"]] == [bar.count for bar in told["histogram"]]
    assert [rows(format=kind.format) for kind in told["kinds"]] == [kind.count for kind in told["kinds"]]
    assert [rows(code=one.error_code) for one in told["problems"]] == [one.count for one in told["problems"]]
    assert [(one.phase, one.succeeded, rows(done=one.phase)) for one in told["phases"]] == [
        ("spellcheck", 9, 9)
    ]
    assert rows(status="attention") == told["tiles"].attention == 2
    for one in told["patterns"]:
        found = client.get(reverse("marks-of-kind", args=[told["batch"].batch_id, one.kind])).context["found"]
        assert (len(found.essays), found.times) == (one.essays, one.times)
    for word in told["common"]:
        link = reverse("mark-in-essays", args=[told["batch"].batch_id, word.number, word.start])
        found = client.get(link).context["found"]
        assert (len(found.essays), found.times) == (word.essays, word.count)


def test_the_strange_essay_is_named_and_left_out_of_the_bars(page: tuple[Client, str, Batch]) -> None:
    client, address, batch = page
    told = client.get(address, headers={"Accept-Language": "en"})
    assert [one.number for one in told.context["lengths"].far] == [9]
    assert sum(bar.count for bar in told.context["histogram"]) == 8
    assert f'<a href="{reverse("essay", args=[batch.pk, 9])}">Essay 9</a> (1500)' in told.content.decode()


def test_a_median_leads_to_the_essay_nearest_to_it(page: tuple[Client, str, Batch]) -> None:
    client, address, batch = page
    told = client.get(address)
    assert told.context["lengths"].median == told.context["lengths"].middle.value == 15
    essay = reverse("essay", args=[batch.pk, told.context["lengths"].middle.number])
    assert re.search(rf'href="{essay}" title="[^"]+">15</a>', told.content.decode())
    assert told.context["step_times"][0].middle is not None


def test_an_essay_stands_beside_the_class(page: tuple[Client, str, Batch]) -> None:
    client, _, batch = page
    shown = client.get(reverse("essay", args=[batch.pk, 9]), headers={"Accept-Language": "en"})
    assert "1500 words (15 is the batch’s median)" in " ".join(shown.content.decode().split())
