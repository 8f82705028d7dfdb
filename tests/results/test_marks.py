"""Which marks count: each question by a bounded number of queries, and none where nothing is accepted."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from essays.accepted import Accepted, accepted_in, fold
from essays.actions.accepting import accept
from essays.models import StepRun
from files.models import FileUpload
from results import marks
from results.lines import essay_lines
from tests.conftest import essay_bytes
from tests.pipeline import Pipeline

pytestmark = pytest.mark.django_db
Queries = Callable[[int], Any]


def test_findings_on_accepted_words_do_not_count() -> None:
    findings = [{"word": "Becouse"}, {"word": "teh"}]
    assert marks.counted(findings, lambda word: fold(word) == "becouse") == [{"word": "teh"}]
    assert marks.counted(None, lambda _word: True) == []


def test_costs_do_not_grow_with_essays(
    pipeline: Pipeline, teacher: User, django_assert_num_queries: Queries
) -> None:
    essays = [essay_bytes(number) + b" It was becouse of that." for number in range(5)]
    batch = pipeline.completed(teacher, *essays)
    with django_assert_num_queries(0):
        assert marks.figures_without(batch, Accepted(frozenset())) == {}
    with django_assert_num_queries(2):
        before = [line.phases["spellcheck"]["findings"] for line in essay_lines(batch)]
    for upload in FileUpload.objects.filter(batch=batch)[:3]:
        accept(upload, teacher, "becouse", "essay")
    accepted = accepted_in(batch)
    with django_assert_num_queries(1):
        assert len(marks.figures_without(batch, accepted)) == 3
    with django_assert_num_queries(3):
        after = [line.phases["spellcheck"]["findings"] for line in essay_lines(batch)]
    assert sorted(old - new for old, new in zip(before, after, strict=True)) == [0, 0, 1, 1, 1]


def test_an_erased_check_counts_as_it_was_kept(pipeline: Pipeline, teacher: User) -> None:
    batch = pipeline.completed(teacher, essay_bytes(1) + b" It was becouse of that.")
    accept(FileUpload.objects.get(batch=batch), teacher, "becouse", "batch")
    StepRun.objects.filter(slot__batch=batch).update(**StepRun.personal)
    assert marks.figures_without(batch, accepted_in(batch)) == {}
