"""Where else a marked word is marked: what the reader counts is what the page of the word shows."""

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from batches.models import Batch
from essays.accepted import accepted_in
from essays.models import AcceptedWord
from files import content
from results.occurrences import counted_in_essays, occurrences
from results.reading import read_essay
from tests.rows import add_essay, finding, make_batch

pytestmark = pytest.mark.django_db
TEXTS = (
    "It rained becouse it was autumn. I was siting at home.",
    "Why? Becouse of the dog. And becouse of the cat.",
    "Nobody was siting here, and all was well.",
)


@pytest.fixture
def batch(teacher: User) -> Batch:
    """Three essays: two share one word, two another."""
    batch = make_batch(teacher, title="My town")
    for number, text in enumerate(TEXTS, 1):
        words = [word for word in ("becouse", "Becouse", "siting") if word in text]
        add_essay(batch, number, text, [finding(text, word, "because") for word in words])
    return batch


def address(batch: Batch, number: int, word: str) -> str:
    """The page of the word that this essay has."""
    return reverse("mark-in-essays", args=[batch.pk, number, TEXTS[number - 1].index(word)])


def test_every_case_of_a_word_is_one_word(batch: Batch) -> None:
    assert counted_in_essays(batch, accepted_in(batch), "en") == {"becouse": 2, "siting": 2}
    found = occurrences(batch, 1, TEXTS[0].index("becouse"))
    assert found is not None
    assert [(each.line.number, each.times, len(each.sentences)) for each in found.essays] == [
        (1, 1, 1),
        (2, 2, 2),
    ]
    assert (found.word, found.suggestions, found.times) == ("becouse", ("because",), 3)


def test_the_reader_counts_what_the_page_shows(batch: Batch, client: Client) -> None:
    client.force_login(batch.owner)
    for number, text in enumerate(TEXTS, 1):
        reading = read_essay(batch, number)
        assert reading is not None
        for mark in reading.findings:
            found = occurrences(batch, number, mark.start)
            assert found is not None and len(found.essays) == mark.essays, (text, mark.word)
    page = client.get(reverse("essay", args=[batch.pk, 1]), headers={"Accept-Language": "en"})
    assert page.content.decode().count(">in 2 essays</a>") == 2
    shown = client.get(address(batch, 1, "becouse"), headers={"Accept-Language": "en"}).content.decode()
    assert "Marked in 2 essays, 3 times." in shown
    assert f'href="{reverse("essay", args=[batch.pk, 2])}#mark-2">becouse</a>' in shown


def test_accepted_words_are_marked_nowhere(batch: Batch, client: Client) -> None:
    client.force_login(batch.owner)
    second = batch.files.get(slot__number=2)
    AcceptedWord.objects.create(file=second, word="becouse", folded="becouse")
    found = occurrences(batch, 1, TEXTS[0].index("becouse"))
    assert found is not None and [each.line.number for each in found.essays] == [1]
    gone = client.get(address(batch, 2, "Becouse"))
    assert (gone.status_code, gone.headers["Location"]) == (303, reverse("essay", args=[batch.pk, 2]))


def test_essays_checked_in_another_language_are_not_counted(batch: Batch) -> None:
    second = batch.slots.get(number=2)
    second.step_runs.update(language="sv")
    found = occurrences(batch, 1, TEXTS[0].index("becouse"))
    assert found is not None and [each.line.number for each in found.essays] == [1]
    assert counted_in_essays(batch, accepted_in(batch), "en")["becouse"] == 1


def test_what_is_not_marked_has_no_page(batch: Batch, client: Client, colleague: User) -> None:
    assert occurrences(batch, 1, 3) is None
    assert occurrences(batch, 9, 0) is None
    client.force_login(colleague)
    assert client.get(address(batch, 1, "becouse")).status_code == 404


def test_a_damaged_text_is_told_and_the_others_are_shown(batch: Batch, client: Client) -> None:
    client.force_login(batch.owner)
    second = batch.files.get(slot__number=2)
    content.delete([second.text_id])
    found = occurrences(batch, 1, TEXTS[0].index("becouse"))
    assert found is not None
    assert [(each.times, each.damaged, len(each.sentences)) for each in found.essays] == [
        (1, False, 1),
        (2, True, 0),
    ]
    assert client.get(address(batch, 1, "becouse")).status_code == 200


def test_many_essays_take_no_more_queries(teacher: User, client: Client) -> None:
    client.force_login(teacher)

    def queries(count: int) -> list[int]:
        batch = make_batch(teacher, expected=count)
        for number in range(1, count + 1):
            add_essay(batch, number, TEXTS[0], [finding(TEXTS[0], "becouse", "because")])
        taken = []
        for page in (address(batch, 1, "becouse"), reverse("essay", args=[batch.pk, 1])):
            with CaptureQueriesContext(connection) as captured:
                assert client.get(page).status_code == 200
            taken.append(len(captured))
        return taken

    assert queries(2) == queries(12)


def test_marks_of_a_kind_lead_to_their_sentences(batch: Batch, client: Client, colleague: User) -> None:
    client.force_login(batch.owner)
    address = reverse("marks-of-kind", args=[batch.pk, "one"])
    page = client.get(address, headers={"Accept-Language": "en"})
    found = page.context["found"]
    assert [(each.line.number, each.times) for each in found.essays] == [(1, 1), (2, 2)]
    assert "One letter" in page.content.decode()
    assert client.get(reverse("marks-of-kind", args=[batch.pk, "nonsense"])).status_code == 404
    client.force_login(colleague)
    assert client.get(address).status_code == 404
