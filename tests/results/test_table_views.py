"""The table on its pages: one order for table and reader, columns that stay chosen, forms without script."""

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from batches.models import Batch
from essays.notes import is_read
from files.models import FileUpload
from tests.rows import add_essay, add_file, make_batch

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(client: Client, teacher: User) -> Client:
    client.force_login(teacher)
    return client


@pytest.fixture
def batch(teacher: User) -> Batch:
    made = make_batch(teacher, 4, title="My town")
    for number, text in ((1, "one two"), (2, "one two three"), (3, "one")):
        add_essay(made, number, text)
    add_file(made, "failed", filename="empty.txt")
    return made


def numbers(client: Client, address: str) -> list[int | None]:
    return [row.number for row in client.get(address).context["rows"]]


@pytest.mark.parametrize(("name", "others"), [("essay-list", []), ("results", [None])])
def test_the_pages_have_one_table(page: Client, batch: Batch, name: str, others: list[None]) -> None:
    address = reverse(name, args=[batch.pk])
    assert numbers(page, address) == [1, 2, 3, *others]
    assert numbers(page, f"{address}?sort=-words") == [2, 1, 3, *others]
    shown = page.get(f"{address}?sort=words").content.decode()
    assert 'aria-sort="ascending"' in shown
    assert f'href="{reverse("essay", args=[batch.pk, 3])}?sort=words"' in shown


def test_the_reader_goes_on_in_the_order_of_the_table(page: Client, batch: Batch) -> None:
    context = page.get(reverse("essay", args=[batch.pk, 1]), {"sort": "-words"}).context
    assert (context["previous_number"], context["next_number"], context["position"]) == (2, 3, 2)
    page.post(reverse("essay-note", args=[batch.pk, 1]), {"read": "on"})
    shown = page.get(reverse("essay", args=[batch.pk, 2]), {"sort": "-words", "read": "no"})
    assert (shown.context["previous_number"], shown.context["next_number"]) == (None, 3)
    assert f'{reverse("essay", args=[batch.pk, 3])}?read=no&amp;sort=-words"' in shown.content.decode()
    left_out = page.get(reverse("essay", args=[batch.pk, 1]), {"read": "no"}).context
    assert (left_out["previous_number"], left_out["next_number"], left_out["total"]) == (None, 2, 3)


def test_search_comes_back_to_the_page_that_asked(page: Client, batch: Batch) -> None:
    said = {"batch": str(batch.pk), "page": "essay-list", "q": "essay 2", "sort": "-words", "read": "no"}
    address = page.post(reverse("search"), said).headers["Location"]
    assert address.startswith(reverse("essay-list", args=[batch.pk]))
    assert address.endswith("&read=no&sort=-words")
    assert numbers(page, address) == [2]
    empty = page.get(reverse("essay-list", args=[batch.pk]), {"q": "nothing"}).content.decode()
    assert "No file matches." in empty


def test_chosen_columns_stay(page: Client, batch: Batch) -> None:
    address = reverse("table-columns", args=[batch.pk])
    before = page.get(reverse("essay-list", args=[batch.pk])).content.decode()
    assert 'data-sort="kind"' not in before and 'data-sort="note"' in before
    answer = page.post(f"{address}?sort=words", {"page": "essay-list", "column": ["kind", "words"]})
    assert answer.headers["Location"] == reverse("essay-list", args=[batch.pk]) + "?sort=words"
    assert settings.COLUMNS_COOKIE_NAME in answer.cookies
    for name in ("essay-list", "results"):
        shown = page.get(reverse(name, args=[batch.pk])).content.decode()
        assert 'data-sort="kind"' in shown and 'data-sort="words"' in shown
        assert 'data-sort="note"' not in shown and 'data-sort="spellcheck_density"' not in shown
        assert 'data-sort="number"' in shown and 'data-sort="state"' in shown
    page.cookies[settings.COLUMNS_COOKIE_NAME] = "state.number.x\x01.<b>"
    assert page.get(reverse("results", args=[batch.pk])).status_code == 200


def test_a_tick_in_the_table_comes_back_to_it(page: Client, batch: Batch) -> None:
    address = reverse("essay-note", args=[batch.pk, 2]) + "?sort=-words"
    answer = page.post(address, {"read": "on", "back": "results"})
    assert answer.headers["Location"] == reverse("results", args=[batch.pk]) + "?sort=-words"
    assert is_read(FileUpload.objects.get(batch=batch, slot__number=2))
    strange = page.post(address, {"read": "on", "back": "admin:index"}).headers["Location"]
    assert strange == reverse("essay", args=[batch.pk, 2]) + "?sort=-words"


def test_nobody_elses_columns(client: Client, batch: Batch) -> None:
    client.force_login(User.objects.create_user("stranger"))
    assert client.post(reverse("table-columns", args=[batch.pk]), {}).status_code == 404
