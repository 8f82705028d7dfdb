"""A word that its teacher accepts is marked nowhere: text, list, figures, patterns, API."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from batches.actions.describing import describe
from batches.models import Batch
from essays import queries
from essays.accepted import always_accepted
from essays.actions.accepting import accept, forget_always, mark_again
from essays.models import AcceptedWord
from files.models import FileUpload
from results.lines import essay_lines, file_lines
from results.marks import stored_findings
from results.queries import results
from results.reading import read_essay
from tests.conftest import essay_bytes
from tests.pipeline import Pipeline

pytestmark = pytest.mark.django_db
WRONG = "becouse"


def essay(number: int) -> bytes:
    """An essay with two marks on one word, in two cases, and one on another."""
    return essay_bytes(number) + b" Becouse of that and becouse of this it was an xyzzyq."


@pytest.fixture
def batch(pipeline: Pipeline, teacher: User) -> Batch:
    made = pipeline.completed(teacher, essay(1), essay(2))
    made.refresh_from_db()
    return made


def upload_of(batch: Batch, number: int) -> FileUpload:
    return FileUpload.objects.get(batch=batch, slot__number=number)


def everywhere(batch: Batch, number: int) -> dict[str, Any]:
    """How often the word is marked in an essay, as each place tells it, and the other figures beside."""
    reading = read_essay(batch, number)
    assert reading is not None
    api = queries.essay(batch.slots.select_related("file", "batch").get(number=number)).model_dump()
    line = essay_lines(batch)[number - 1]
    row = results(batch).essays[number - 1].model_dump()
    marked = [mark.word.lower() for mark in reading.findings]
    assert marked == [finding["word"].lower() for finding in api["spellcheck"]["findings"]]
    numbers = {
        len(marked),
        line.phases["spellcheck"]["findings"],
        file_lines(batch)[number - 1].phases["spellcheck"]["findings"],
        row["spellcheck"]["findings"],
        reading.spelling.count,
    }
    assert len(numbers) == 1
    density = round(100 * len(marked) / api["spellcheck"]["words"], 2)
    assert api["spellcheck"]["density"] == line.phases["spellcheck"]["density"] == density
    return {"word": marked.count(WRONG), "others": len(marked) - marked.count(WRONG), "api": api}


@pytest.mark.parametrize(("scope", "elsewhere"), [("essay", 2), ("batch", 0), ("always", 0)])
def test_every_figure_follows_at_once_and_back(
    batch: Batch, teacher: User, pipeline: Pipeline, scope: str, elsewhere: int
) -> None:
    before = everywhere(batch, 1)
    assert (before["word"], everywhere(batch, 2)["word"]) == (2, 2)
    accept(upload_of(batch, 1), teacher, "Becouse", scope)
    after = everywhere(batch, 1)
    assert (after["word"], after["others"]) == (0, before["others"])
    assert "becouse of this" in after["api"]["spellcheck"]["corrected_text"]
    assert everywhere(batch, 2)["word"] == elsewhere
    patterns = [finding["word"].lower() for finding in stored_findings(batch)]
    assert patterns.count(WRONG) == elsewhere
    mark_again(upload_of(batch, 1), teacher, WRONG, scope)
    assert everywhere(batch, 1)["word"] == everywhere(batch, 2)["word"] == 2


def test_always_holds_in_other_batches_of_hers_and_in_nobody_elses(
    batch: Batch, teacher: User, pipeline: Pipeline
) -> None:
    later = pipeline.completed(teacher, essay(3))
    theirs = pipeline.completed(User.objects.create_user("colleague"), essay(4))
    accept(upload_of(batch, 1), teacher, WRONG, "always")
    assert everywhere(later, 1)["word"] == 0
    assert everywhere(theirs, 1)["word"] == 2
    (row,) = always_accepted(teacher)
    assert forget_always(User.objects.get(username="colleague"), row.pk) == ""
    assert forget_always(teacher, row.pk) == WRONG
    assert everywhere(later, 1)["word"] == 2


def test_a_repeat_changes_nothing_and_no_word_is_told(
    batch: Batch, teacher: User, pipeline: Pipeline
) -> None:
    for word in (WRONG, "BECOUSE"):
        accept(upload_of(batch, 1), teacher, word, "batch")
    mark_again(upload_of(batch, 1), teacher, "never said", "batch")
    assert AcceptedWord.objects.count() == 1
    pipeline.run()
    (event,) = pipeline.events(batch, "BatchMarksChanged")
    assert event["scope"] == "batch"
    assert WRONG not in str(event).lower()


def test_words_of_the_assignment_are_never_marked(batch: Batch, teacher: User, pipeline: Pipeline) -> None:
    describe(batch.pk, teacher, {"assignment": "What is an XYZZYQ? Write 200 words."})
    batch.refresh_from_db()
    assert "xyzzyq" not in [mark["word"] for mark in everywhere(batch, 1)["api"]["spellcheck"]["findings"]]
    assert everywhere(batch, 1)["word"] == 2
