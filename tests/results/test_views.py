"""Pages of the teacher: what they show, to whom, and with how many queries."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import translation

from batches.models import Batch
from files import content
from files.models import FileUpload
from huleedu.failures.errors import StorageFailed
from huleedu.models import LoggedEvent
from results.queries import attention
from tests.pipeline import Pipeline
from tests.rows import add_essay, add_file, finding, make_batch

pytestmark = pytest.mark.django_db
TEXT = "I was siting at home.\n\nThen I went <b>out</b>."


@pytest.fixture
def signed_in(client: Client, teacher: User) -> Client:
    """A browser where the teacher is signed in."""
    client.force_login(teacher)
    return client


@pytest.fixture
def batch(teacher: User) -> Batch:
    """A batch with one essay and one failed file."""
    batch = make_batch(teacher, title="My town", class_name="9B")
    add_essay(batch, 1, TEXT, [finding(TEXT, "siting", "sitting", "sizing")])
    add_file(batch, "failed", filename="empty.txt")
    return batch


def addresses(batch: Batch) -> list[str]:
    """Every page about a batch."""
    upload = batch.files.get(status="failed")
    return [
        reverse("batch", args=[batch.pk]),
        reverse("batch-card", args=[batch.pk]),
        reverse("essay-list", args=[batch.pk]),
        reverse("essay", args=[batch.pk, 1]),
        reverse("results", args=[batch.pk]),
        reverse("file-trace", args=[upload.pk]),
    ]


def queries_for(client: Client, address: str) -> int:
    """How many queries one page takes."""
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


def test_every_page_is_shown_to_its_owner(signed_in: Client, batch: Batch) -> None:
    for address in [*addresses(batch), reverse("overview")]:
        response = signed_in.get(address)
        assert response.status_code == 200, address
        assert response.headers["Cache-Control"] == "no-store"


def test_nobody_sees_a_page_without_signing_in(client: Client, batch: Batch) -> None:
    for address in [*addresses(batch), reverse("overview")]:
        response = client.get(address)
        assert response.status_code == 302, address
        assert response.headers["Location"].startswith(reverse("login")), address


def test_nobody_searches_without_signing_in(client: Client, batch: Batch) -> None:
    response = client.post(reverse("search"), {"q": "hemlig"})
    assert (response.status_code, response.headers["Location"][:17]) == (302, "/accounts/login/?")


def test_a_stranger_gets_the_answer_of_a_missing_page(client: Client, batch: Batch, colleague: User) -> None:
    client.force_login(colleague)
    for address in addresses(batch):
        response = client.get(address)
        assert response.status_code == 404, address
        assert "My town" not in response.content.decode(), address
    assert "My town" not in client.get(reverse("overview")).content.decode()
    missing = client.get(reverse("batch", args=[uuid4()]))
    stranger = client.get(reverse("batch", args=[batch.pk]))
    assert missing.status_code == stranger.status_code == 404


def test_pages_are_read_only(signed_in: Client, batch: Batch) -> None:
    for address in [*addresses(batch), reverse("overview")]:
        assert signed_in.post(address).status_code == 405, address


def test_pages_speak_swedish(signed_in: Client, batch: Batch) -> None:
    with translation.override("sv"):
        words = [translation.gettext("Batches"), translation.gettext("Results")]
    if words[0] == "Batches":
        pytest.skip("there are no Swedish words yet")
    page = signed_in.get(
        reverse("results", args=[batch.pk]), headers={"Accept-Language": "sv"}
    ).content.decode()
    assert '<html lang="sv"' in page
    assert all(word in page for word in words)


def test_overview_counts_are_exact(signed_in: Client, teacher: User, batch: Batch) -> None:
    add_file(batch, "excess")
    add_file(batch, "duplicate")
    add_file(batch, "processing")
    (card,) = signed_in.get(reverse("overview")).context["cards"]
    assert card.counts.model_dump() == {
        "free": 4,
        "assigned": 1,
        "received": 5,
        "in_progress": 1,
        "failed": 1,
        "excess": 1,
        "duplicate": 1,
    }
    assert attention(card.counts) == 3


def test_overview_takes_the_same_queries_for_many_batches(signed_in: Client, teacher: User) -> None:
    for _ in range(5):
        add_file(make_batch(teacher))
    few = queries_for(signed_in, reverse("overview"))
    for _ in range(45):
        add_file(make_batch(teacher))
    assert queries_for(signed_in, reverse("overview")) == few


def test_overview_search_finds_title_and_class_in_any_case(signed_in: Client, teacher: User) -> None:
    make_batch(teacher, title="Årets resa")
    make_batch(teacher, title="Brev", class_name="ÅK 7")
    make_batch(teacher, title="Dikt")
    found = signed_in.get(reverse("overview"), {"q": "år"}).context["cards"]
    assert [card.title for card in found] == ["Årets resa"]
    found = signed_in.get(reverse("overview"), {"q": "åk"}).context["cards"]
    assert [card.title for card in found] == ["Brev"]
    add_file(Batch.objects.get(title="Brev"), filename="07 Åsa Öberg.docx", folder="Grupp 2")
    add_file(Batch.objects.get(title="Dikt"), "removed", filename="Åsa Öberg.docx")
    for query in ("oberg BREV 7", "grupp asa", "A\u030asa"):
        found = signed_in.get(reverse("overview"), {"q": query}).context["cards"]
        assert [card.title for card in found] == ["Brev"], query
    assert signed_in.get(reverse("overview"), {"q": "oberg dikt"}).context["cards"] == []
    assert signed_in.get(reverse("overview"), {"q": "100%"}).context["cards"] == []
    assert len(signed_in.get(reverse("overview"), {"q": "\0"}).context["cards"]) == 3


def test_overview_takes_the_same_queries_on_every_page_and_filter(
    client: Client, transactional_db: None, teacher: User
) -> None:
    client.force_login(teacher)
    batches = [make_batch(teacher) for _ in range(120)]
    more = client.get(reverse("overview")).context["next_cursor"]
    for batch in batches[:3]:
        add_file(batch, "failed")
    second = client.get(reverse("overview"), {"cursor": more})
    titles = [card.batch_id for card in second.context["cards"]]
    assert titles[:3] == [batch.pk for batch in reversed(batches[:3])], "what has moved comes first"
    assert len(titles) == 53
    few = queries_for(client, f"{reverse('overview')}?cursor={more}")
    for batch in batches:
        add_file(batch, "failed")
    assert queries_for(client, f"{reverse('overview')}?cursor={more}") <= few
    assert queries_for(client, reverse("overview")) < few
    for show in ("needs_me", "archived"):
        assert queries_for(client, f"{reverse('overview')}?show={show}") < few


def test_filters_have_addresses_and_numbers(signed_in: Client, teacher: User, batch: Batch) -> None:
    archived = make_batch(teacher, title="Put away")
    make_batch(teacher, title="New one")
    signed_in.post(reverse("batch-archive", args=[archived.pk]))

    def shown(**query: str) -> list[str]:
        return [card.title for card in signed_in.get(reverse("overview"), query).context["cards"]]

    assert shown() == shown(show="all") == shown(show="nonsense") == ["My town", "New one"]
    assert shown(show="needs_me") == ["My town"]
    assert shown(show="running") == ["New one"]
    assert shown(show="archived") == ["Put away"]
    assert shown(show="done") == []
    context = signed_in.get(reverse("overview"), {"show": "done"}).context
    assert [(each["show"], each["count"]) for each in context["filters"]] == [
        ("all", 2),
        ("needs_me", 1),
        ("running", 1),
        ("done", 0),
        ("archived", 1),
    ]
    page = signed_in.get(reverse("overview-filters"), {"show": "done"}).content.decode()
    assert 'href="/?show=done" aria-current="page"' in page and 'href="/"' in page


def test_a_search_is_kept_by_the_filters_and_counted_in_each(signed_in: Client, teacher: User) -> None:
    for title in ("Town", "Town archived", "Country"):
        make_batch(teacher, title=title)
    archived = Batch.objects.get(title="Town archived")
    signed_in.post(reverse("batch-archive", args=[archived.pk]))
    address = signed_in.post("/search/", {"q": "town", "show": "archived"}).headers["Location"]
    page = signed_in.get(address)
    assert [card.title for card in page.context["cards"]] == ["Town archived"]
    assert [each["count"] for each in page.context["filters"]] == [1, 0, 1, 0, 1]
    page = signed_in.get("/" + page.context["filters"][0]["query"])
    assert [card.title for card in page.context["cards"]] == ["Town"]
    back = signed_in.post(reverse("batch-archive", args=[archived.pk]) + page.context["where"])
    assert back.headers["Location"] == "/" + page.context["where"]


def test_a_card_leaves_the_list_that_it_is_not_on(signed_in: Client, batch: Batch) -> None:
    address = reverse("batch-card", args=[batch.pk])
    assert b"My town" in signed_in.get(address, {"show": "needs_me"}).content
    assert signed_in.get(address, {"show": "archived"}).content == b""
    signed_in.post(reverse("batch-archive", args=[batch.pk]))
    assert signed_in.get(address).content == b""
    assert b"Bring back" in signed_in.get(address, {"show": "archived"}).content


def test_htmx_gets_the_cards_alone(signed_in: Client, batch: Batch) -> None:
    page = signed_in.get(reverse("overview"), headers={"HX-Request": "true"})
    assert "<html" not in page.content.decode()
    assert "My town" in page.content.decode()
    back = signed_in.get(
        reverse("overview"), headers={"HX-Request": "true", "HX-History-Restore-Request": "true"}
    )
    assert "<html" in back.content.decode()


def test_batch_page_follows_from_the_feed(signed_in: Client, batch: Batch) -> None:
    response = signed_in.get(reverse("batch", args=[batch.pk]), {"show": "failed", "q": "e"})
    assert response.context["batch"].seq == 0
    assert (response.context["show"], response.context["query"]) == ("failed", "e")
    assert "empty.txt" in response.content.decode()


def test_the_time_left_is_told_without_script_while_something_is_done(
    signed_in: Client, teacher: User
) -> None:
    def told(batch: Batch) -> bool:
        page = signed_in.get(reverse("batch", args=[batch.pk]), headers={"Accept-Language": "en"})
        without_script = page.content.decode().partition("<noscript><p")[2].partition("</noscript>")[0]
        return "How long this takes is not known yet" in without_script

    idle = make_batch(teacher)
    assert not told(idle)
    add_file(idle)
    assert told(idle)


def test_batch_page_takes_the_same_queries_for_many_files(signed_in: Client, teacher: User) -> None:
    small, large = make_batch(teacher, 50), make_batch(teacher, 50)
    for number in range(1, 6):
        add_essay(small, number, TEXT, [])
    for number in range(1, 51):
        add_essay(large, number, TEXT, [])
    for name in ("batch", "essay-list", "results"):
        counts = [queries_for(signed_in, reverse(name, args=[one.pk])) for one in (small, large)]
        assert counts[0] == counts[1], name
    counts = [queries_for(signed_in, reverse("essay", args=[one.pk, 2])) for one in (small, large)]
    assert counts[0] == counts[1]


def test_essay_page_marks_words_and_escapes_the_text(signed_in: Client, batch: Batch) -> None:
    response = signed_in.get(reverse("essay", args=[batch.pk, 1]))
    page = response.content.decode()
    assert '<mark id="mark-1">siting</mark>' in page
    assert "&lt;b&gt;out&lt;/b&gt;" in page
    assert response.context["findings"][0].suggestions == ("sitting", "sizing")
    assert (response.context["position"], response.context["total"]) == (1, 1)


def test_essay_page_says_why_there_are_no_marks(signed_in: Client, teacher: User) -> None:
    batch = make_batch(teacher, 2)
    add_essay(batch, 1, TEXT, [])
    add_essay(batch, 2, TEXT)
    checked, unchecked = (
        signed_in.get(reverse("essay", args=[batch.pk, number])).content.decode() for number in (1, 2)
    )
    assert "No spelling marks in this essay." in checked
    assert "The spelling is being checked." in unchecked
    Batch.objects.update(configuration=batch.configuration | {"steps": ["analysis"]})
    page = signed_in.get(reverse("essay", args=[batch.pk, 2])).content.decode()
    assert "Spelling is not marked in this batch." in page


def test_essay_page_knows_its_neighbours(signed_in: Client, teacher: User) -> None:
    batch = make_batch(teacher, 5)
    for number in (1, 3, 4):
        add_essay(batch, number, TEXT)
    context = signed_in.get(reverse("essay", args=[batch.pk, 3])).context
    assert (context["previous_number"], context["next_number"]) == (1, 4)
    assert (context["position"], context["total"]) == (2, 3)
    assert context["spelling"].count is None
    assert signed_in.get(reverse("essay", args=[batch.pk, 4])).context["next_number"] is None
    assert signed_in.get(reverse("essay", args=[batch.pk, 1])).context["next_number"] == 3


@pytest.mark.parametrize("number", [0, 2, 99, 10**30])
def test_an_essay_that_is_not_here_is_not_found(signed_in: Client, batch: Batch, number: int) -> None:
    assert signed_in.get(f"/batches/{batch.pk}/essays/{number}/").status_code == 404


def test_an_essay_whose_text_cannot_be_read_is_our_fault(
    signed_in: Client, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> str:
        raise StorageFailed

    monkeypatch.setattr(content, "read_text", fail)
    signed_in.raise_request_exception = False
    response = signed_in.get(reverse("essay", args=[batch.pk, 1]))
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "5"


def test_results_rows_are_filtered(signed_in: Client, batch: Batch) -> None:
    address = reverse("results", args=[batch.pk])

    def names(**filters: str) -> list[str]:
        return [row.filename for row in signed_in.get(address, filters).context["rows"]]

    assert names() == ["essay 1.txt", "empty.txt"]
    assert names(q="EMPTY") == ["empty.txt"]
    assert names(format="txt") == ["essay 1.txt"]
    assert names(format="unread") == ["empty.txt"]
    assert names(status="failed") == ["empty.txt"]
    assert names(status="attention") == ["empty.txt"]
    assert names(code="EMPTY_CONTENT") == ["empty.txt"]
    assert names(step="spellcheck") == []
    words = len(TEXT.split())
    assert names(words=f"{words}-{words}") == ["essay 1.txt"]
    assert names(words="0-3") == names(words="many") == []
    assert names(status="failed", format="txt") == []


def test_trace_tells_every_event_in_words(
    pipeline: Pipeline, client: Client, teacher: User, make_essay: Callable[[int], bytes]
) -> None:
    batch = pipeline.register(teacher, 1)
    upload = pipeline.upload(batch, make_essay(1))
    pipeline.run()
    client.force_login(teacher)
    response = client.get(reverse("file-trace", args=[upload.pk]))
    kinds = {event["event_type"] for event in response.context["events"]}
    assert {"BatchFileAdded", "EssayContentProvisioned", "EssaySlotAssigned", "SpellcheckCompleted"} <= kinds
    page = response.content.decode()
    assert not [kind for kind in kinds if kind in page]
    assert LoggedEvent.objects.filter(file_upload_id=upload.pk).count() == len(response.context["events"])


def test_numbers_after_a_whole_run_agree(
    pipeline: Pipeline, client: Client, teacher: User, make_essay: Callable[[int], bytes]
) -> None:
    batch = pipeline.register(teacher, 2)
    for number in range(2):
        pipeline.upload(batch, make_essay(number))
    pipeline.upload(batch, b"")
    pipeline.run()
    client.force_login(teacher)
    context = client.get(reverse("results", args=[batch.pk])).context
    assert (context["tiles"].ready, context["tiles"].attention) == (2, 1)
    (phase,) = context["phases"]
    assert (phase.name, phase.succeeded, phase.failed) == ("Spelling", 2, 0)
    assert FileUpload.objects.filter(batch=batch).count() == len(context["rows"])
    assert sum(mark.count for mark in context["common"]) == sum(
        context["columns"][0][0].value(row) or 0 for row in context["rows"]
    )


def test_essays_that_are_left_out_are_told_apart_by_their_folders(signed_in: Client, teacher: User) -> None:
    batch = make_batch(teacher)
    for number, folder in ((1, "Alma"), (2, "Bo")):
        add_essay(batch, number, TEXT, [])
        batch.files.filter(slot__number=number).update(filename="Uppsats.txt", folder=folder, language="sv")
    shown = signed_in.get(reverse("results", args=[batch.pk])).content.decode()
    banner = shown.partition("banner-extra")[2].partition("</div>")[0]
    assert "(Alma / Uppsats.txt, " in banner
    assert "(Bo / Uppsats.txt, " in banner


def test_the_way_of_a_copy_leads_to_its_original(signed_in: Client, batch: Batch) -> None:
    original = batch.files.get(slot__number=1)
    copy = add_file(batch, "duplicate", filename="copy.txt", duplicate_of=original)
    page = signed_in.get(reverse("file-trace", args=[copy.pk]), headers={"Accept-Language": "en"})
    assert "“copy.txt” is the same file as “essay 1.txt”." in page.content.decode()
    assert f'href="{reverse("file-trace", args=[original.pk])}"' in page.content.decode()
