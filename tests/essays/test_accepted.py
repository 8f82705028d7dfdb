"""What is accepted in a batch: compared in one form, told by one query."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from batches.actions import registering
from batches.actions.registering import Registration
from essays.accepted import Accepted, accepted_in, fold, words_of


def test_words_are_compared_without_case_and_forms() -> None:
    assert fold("Ångström’s") == fold("ångstro\u0308m's") == "ångström's"
    assert words_of("Skriv om e\u0301tuder, 3 sidor") == {"skriv", "om", "étuder", "sidor"}
    assert not Accepted(frozenset())


@pytest.mark.django_db
def test_one_query_says_what_is_accepted(teacher: User, django_assert_num_queries: Any) -> None:
    batch = registering.register(teacher, Registration(1, assignment="Skriv om Ångström."))
    with django_assert_num_queries(1):
        accepted = accepted_in(batch)
    assert accepted.within(batch.pk)("ÅNGSTRÖM")
    assert not accepted.within(batch.pk)("becouse")
