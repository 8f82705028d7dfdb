"""Tokens, rates, and the description of the API."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.validation import validate_schema
from rest_framework.test import APIClient

from huleedu.accounts import doors
from huleedu.api import api_view
from huleedu.api import views as api
from huleedu.api.shapes import TokenAnswer
from huleedu.api.throttle import Throttle
from huleedu.models import ApiToken
from tests.api import body_of, checked, client_of, problem

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def counting_anew() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def sign_in(username: str, password: object) -> Any:
    credentials = {"username": username, "password": password}
    return APIClient().post("/v1/auth/token", credentials, format="json")


def test_a_token_opens_the_api(teacher: User) -> None:
    answer = checked(TokenAnswer, sign_in("teacher", PASSWORD), 201)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {answer['token']}")
    assert client.get("/v1/batches").status_code == 200
    assert ApiToken.objects.get().digest != answer["token"]


def test_wrong_credentials_look_alike(teacher: User) -> None:
    teacher_closed = User.objects.create_user("closed", password=PASSWORD, is_active=False)
    bodies = [
        problem(sign_in(name, password), 401, "WRONG_CREDENTIALS")
        for name, password in [
            ("teacher", "wrong"),
            ("nobody", "wrong"),
            (teacher_closed.username, PASSWORD),
        ]
    ]
    assert len({(body["title"], body["code"]) for body in bodies}) == 1
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize("password", [7, None, "", ["a"], "x" * 1001])
def test_credentials_of_the_wrong_kind(password: object) -> None:
    problem(sign_in("teacher", password), 400, "INVALID")


def test_a_name_with_nul() -> None:
    problem(sign_in("a\0b", "x"), 400, "INVALID_TEXT")


def test_guessing_is_slowed_down(teacher: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "PAIR", replace(doors.PAIR, free=2, first=60))
    for _ in range(2):
        problem(sign_in("teacher", "wrong"), 401, "WRONG_CREDENTIALS")
    response = sign_in("Teacher", PASSWORD)
    problem(response, 429, "TOO_MANY_REQUESTS")
    assert response.headers["Retry-After"] == "60"
    problem(sign_in("another", "wrong"), 401, "WRONG_CREDENTIALS")


def test_callers_are_slowed_down(teacher: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_view.CallerThrottle, "per_user", Throttle("user-test", limit=2, seconds=10))
    client = client_of(teacher)
    for _ in range(2):
        assert client.get("/v1/batches").status_code == 200
    response = client.get("/v1/batches")
    problem(response, 429, "TOO_MANY_REQUESTS")
    assert response.headers["Retry-After"] == "10"


def test_the_description_is_valid_and_complete(capsys: pytest.CaptureFixture[str]) -> None:
    GENERATOR_STATS.reset()
    api.description.cache_clear()
    response = APIClient().get("/v1/schema/")
    assert response.status_code == 200
    assert not GENERATOR_STATS
    assert "Warning" not in capsys.readouterr().err
    document = body_of(response)
    validate_schema(document)
    operations = {
        f"{method} {path}": operation
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }
    assert len(operations) == 45, sorted(operations)
    for name, operation in operations.items():
        assert "401" in operation["responses"], name
        for status, answer in operation["responses"].items():
            kinds = set(answer["content"])
            assert (kinds == {"application/problem+json"}) == (int(status) >= 400), (name, status)


def test_the_description_knows_limits_and_keys() -> None:
    document = api.description()
    body = document["components"]["schemas"]["RegisterBody"]
    assert body["required"] == ["expected_essay_count"]
    assert body["properties"]["expected_essay_count"]["maximum"] == 200
    parameters = document["paths"]["/v1/batches/register"]["post"]["parameters"]
    assert [parameter["name"] for parameter in parameters] == ["Idempotency-Key", "X-Correlation-ID"]
    assert set(document["components"]["securitySchemes"]) == {"bearerToken", "browserSession"}
