"""Search words never stand in an address, and Back, reload and pages without script work all the same."""

from urllib.parse import quote, unquote

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from huleedu.answers.searches import NAME
from tests.rows import add_essay, add_file, make_batch

pytestmark = pytest.mark.django_db
WORDS = "Åsa Öberg"


@pytest.fixture
def signed_in(client: Client, teacher: User) -> Client:
    client.force_login(teacher)
    return client


def search(client: Client, **form: str) -> str:
    """The address that a search leads to."""
    answer = client.post("/search/", form)
    assert answer.status_code == 303
    return answer.headers["Location"]


def test_the_overview_is_searched_out_of_sight(signed_in: Client, teacher: User) -> None:
    make_batch(teacher, title=f"Resan med {WORDS}")
    make_batch(teacher, title="Another")
    address = search(signed_in, q=WORDS)
    assert address.startswith(f"/?{NAME}=")
    assert not [word for word in WORDS.split() if word in unquote(address)]
    for _ in range(2):  # Back and reload ask the same again
        page = signed_in.get(address)
        assert [card.title for card in page.context["cards"]] == [f"Resan med {WORDS}"]
        assert f'value="{WORDS}"' in page.content.decode()
    assert search(signed_in, q="  ") == "/"


def test_files_are_searched_out_of_sight(signed_in: Client, teacher: User) -> None:
    batch = make_batch(teacher)
    add_essay(batch, 1, "One essay.")
    add_file(batch, "failed", filename=f"{WORDS}.txt")
    address = search(signed_in, q=WORDS, batch=str(batch.pk), status="failed", format="")
    assert address.startswith(f"/batches/{batch.pk}/results/?")
    assert address.endswith("&status=failed")
    rows = signed_in.get(address).context["rows"]
    assert [row.filename for row in rows] == [f"{WORDS}.txt"]


@pytest.mark.django_db(transaction=True)
def test_show_more_goes_on_with_the_same_words(signed_in: Client, teacher: User) -> None:
    for _ in range(51):
        make_batch(teacher, title=WORDS)
    make_batch(teacher, title="Another")
    page = signed_in.get(search(signed_in, q=WORDS))
    more = f"/{page.context['where']}&cursor={quote(page.context['next_cursor'])}"
    assert f'href="{more.replace("&", "&amp;")}"' in page.content.decode()
    assert "Öberg" not in more
    assert [card.title for card in signed_in.get(more).context["cards"]] == [WORDS]


def test_words_are_for_who_searched_alone(signed_in: Client, teacher: User, colleague: User) -> None:
    make_batch(colleague, title="Theirs")
    address = search(signed_in, q=WORDS)
    signed_in.force_login(colleague)
    page = signed_in.get(address)
    assert WORDS not in page.content.decode()
    assert len(page.context["cards"]) == 1


def test_a_changed_key_still_reads(signed_in: Client, teacher: User, settings: Settings) -> None:
    address = search(signed_in, q=WORDS)
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another " * 10
    signed_in.force_login(teacher)
    assert signed_in.get(address).context["query"] == WORDS


@pytest.mark.parametrize("sealed", ["x", "%00", "é", "A" * 5000, "gAAAAABn"])
def test_nonsense_is_no_search(signed_in: Client, teacher: User, sealed: str) -> None:
    make_batch(teacher)
    page = signed_in.get(f"/?{NAME}={sealed}")
    assert (page.status_code, page.context["query"], len(page.context["cards"])) == (200, "", 1)


def test_short_words_all_look_the_same(signed_in: Client) -> None:
    assert len({len(search(signed_in, q=words)) for words in ("a", "Åsa", "Anna-Karin Ek")}) == 1


@pytest.mark.parametrize("batch", ["x", "00000000-0000-0000-0000-000000000000"])
def test_a_batch_that_is_not_hers(signed_in: Client, batch: str) -> None:
    assert signed_in.post("/search/", {"q": "x", "batch": batch}).status_code == 404


def test_a_strangers_batch(signed_in: Client, colleague: User) -> None:
    assert signed_in.post("/search/", {"q": "x", "batch": str(make_batch(colleague).pk)}).status_code == 404


def test_who_is_not_signed_in(client: Client) -> None:
    assert client.post("/search/", {"q": "x"}).headers["Location"].startswith("/accounts/login/")
    assert client.get("/search/").status_code in {302, 405}


def test_pages_have_no_form_that_puts_words_into_an_address(signed_in: Client, teacher: User) -> None:
    batch = make_batch(teacher)
    add_essay(batch, 1, "One essay.")
    for path in (
        "/",
        f"/batches/{batch.pk}/results/",
        f"/batches/{batch.pk}/",
        f"/batches/{batch.pk}/essays/",
    ):
        page = signed_in.get(path).content.decode()
        assert 'method="get"' not in page
        assert "?q=" not in page
