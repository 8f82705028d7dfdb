"""Tokens have a name, a scope and an end, over HTTP and on the account page."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from huleedu.api.shapes import TokenAnswer
from huleedu.models import ApiToken
from tests.api import checked, problem

pytestmark = pytest.mark.django_db
GOOD = "correct horse battery"


def ask_for_token(**more: Any) -> Any:
    return APIClient().post(
        "/v1/auth/token", {"username": "teacher", "password": GOOD, **more}, format="json"
    )


def test_a_token_has_a_name_a_scope_and_an_end(teacher: User) -> None:
    body = checked(TokenAnswer, ask_for_token(name="Gradebook", scope="read", expires_in_days=7), 201)
    row = ApiToken.objects.get()
    assert (row.name, row.scope, body["name"], body["scope"]) == ("Gradebook", "read", "Gradebook", "read")
    assert abs(row.expires_at - timezone.now() - timedelta(days=7)) < timedelta(minutes=1)
    client = Client()
    client.force_login(teacher)
    assert "Gradebook" in client.get("/account/").content.decode()
    reader = APIClient()
    reader.credentials(HTTP_AUTHORIZATION=f"Bearer {body['token']}")
    assert reader.get("/v1/batches").status_code == 200
    problem(reader.post("/v1/batches/register", {"expected_essay_count": 1}, format="json"), 403, "FORBIDDEN")


def test_a_token_without_wishes_is_as_before(teacher: User) -> None:
    checked(TokenAnswer, ask_for_token(), 201)
    row = ApiToken.objects.get()
    assert (row.name, row.scope) == ("API", "write")
    assert abs(row.expires_at - timezone.now() - timedelta(days=90)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    "wish",
    [
        *({"name": value} for value in ("", "x" * 81, 7, None)),
        *({"scope": value} for value in ("admin", "", None, ["read"])),
        *({"expires_in_days": value} for value in (0, 91, -1, 1.5, "7", None, True)),
        {"owner": "colleague"},
    ],
)
def test_wishes_that_cannot_be_met_are_named(teacher: User, wish: dict[str, Any]) -> None:
    body = problem(ask_for_token(**wish), 400, "INVALID")
    assert [error["path"] for error in body["errors"]] == list(wish)
    assert not ApiToken.objects.exists()


def test_the_account_page_asks_how_long(client: Client, teacher: User) -> None:
    client.force_login(teacher)
    client.post("/account/", {"action": "create", "name": "short", "scope": "read", "days": "7"})
    ends = ApiToken.objects.get(name="short").expires_at
    assert abs(ends - timezone.now() - timedelta(days=7)) < timedelta(minutes=1)
    for days in ("91", "0", "x"):
        client.post("/account/", {"action": "create", "name": "never", "days": days})
    assert not ApiToken.objects.filter(name="never").exists()
