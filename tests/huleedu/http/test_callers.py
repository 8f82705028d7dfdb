"""Who is calling, as far as that was looked at: telling it asks the database nothing."""

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.test import RequestFactory
from django.utils.functional import SimpleLazyObject

from huleedu.http.callers import calling, current_request, known_user_id


def look() -> User:
    raise AssertionError("the user is looked at")


def test_nobody_is_looked_at() -> None:
    request = RequestFactory().get("/")
    assert known_user_id(request) is None
    vars(request)["user"] = SimpleLazyObject(look)
    assert known_user_id(request) is None


@pytest.mark.parametrize(
    ("user", "known"), [(User(pk=7), 7), (AnonymousUser(), None)], ids=["user", "nobody"]
)
def test_who_was_found_is_known(user: User, known: int | None) -> None:
    request = RequestFactory().get("/")
    request.user = user
    assert known_user_id(request) == known


def test_a_request_is_current_within_its_answer_alone() -> None:
    request = RequestFactory().get("/")
    with calling(request):
        assert current_request() is request
    assert current_request() is None
