"""An upload from a page that shows something else fills no batch."""

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings
from rest_framework.response import Response
from rest_framework.test import APIClient

from files.models import FileUpload
from files.shapes import UploadAnswer
from tests.api import checked, client_of, problem, register, some_file, upload

HERE = "http://testserver"


@pytest.fixture
def page(teacher: User) -> APIClient:
    """The teacher's browser."""
    client = APIClient()
    client.force_login(teacher)
    return client


def send(client: APIClient, batch_id: str, referer: str | None) -> Response:
    headers = {"Referer": referer} if referer is not None else None
    return upload(client, batch_id, some_file(b"some words"), headers=headers)


def test_a_page_fills_the_batch_it_shows(page: APIClient) -> None:
    batch_id = register(page)["batch_id"]
    for seen in (f"{HERE}/batches/{batch_id}/", f"{HERE}/batches/{batch_id}/?show=ready", None, ""):
        checked(UploadAnswer, send(page, batch_id, seen), 201)


@pytest.mark.parametrize("path", ["/", "/?q=9B", "/batches/{other}/", "/batches/{other}/essays/1/"])
def test_a_page_fills_no_other_batch(page: APIClient, path: str) -> None:
    batch_id, other = register(page)["batch_id"], register(page)["batch_id"]
    problem(send(page, batch_id, HERE + path.format(other=other)), 409, "WRONG_PAGE")
    assert not FileUpload.objects.exists()


def test_a_page_behind_a_proxy_is_ours_under_its_trusted_address(page: APIClient, settings: Settings) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["https://huleedu.example:8443"]
    batch_id, other = register(page)["batch_id"], register(page)["batch_id"]
    problem(send(page, batch_id, f"https://huleedu.example:8443/batches/{other}/"), 409, "WRONG_PAGE")


def test_who_is_no_page_of_ours_is_not_judged(page: APIClient, teacher: User) -> None:
    batch_id = register(page)["batch_id"]
    for foreign in ("https://school.example/", f"{HERE}/intranet/", "http://[", "nonsense"):
        checked(UploadAnswer, send(page, batch_id, foreign), 201)
    checked(UploadAnswer, send(client_of(teacher), batch_id, f"{HERE}/"), 201)


def test_no_one_learns_of_a_strangers_batch(page: APIClient) -> None:
    theirs = register(client_of(User.objects.create_user("stranger")))["batch_id"]
    problem(send(page, theirs, f"{HERE}/"), 404, "NOT_FOUND")
