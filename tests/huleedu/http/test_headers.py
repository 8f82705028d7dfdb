"""Every answer, whoever gives it, has the headers that never change."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from huleedu.http.headers import FIXED, FIXED_OF_PARTS, OTHERS, PAGES, PARTS
from huleedu.web.limits import refusal
from tests.api import client_of
from tests.rows import add_essay, add_file, make_batch

pytestmark = pytest.mark.django_db


def kinds_of_answers(teacher: User) -> Iterator[tuple[str, Any]]:
    """An answer of every kind, by what asks for it."""
    batch = make_batch(teacher)
    essay = add_essay(batch, 1, "One essay of mine.")
    upload = add_file(batch, "failed", filename="empty.txt")
    own, stranger, api = Client(raise_request_exception=False), Client(), client_of(teacher)
    own.force_login(teacher)
    for path in (
        *("/", "/account/", "/help/", f"/batches/{batch.pk}/", f"/batches/{batch.pk}/results/", "/nowhere/"),
        *("/static/huleedu/favicon.svg", "/static/huleedu/js/theme.js", "/static/admin/css/base.css"),
        *("/static/nowhere.css", "/healthz", "/readyz", "/metrics", f"/files/{upload.pk}/trace/"),
    ):
        yield path, own.get(path)
    for path in (
        "/",
        "/accounts/login/",
        "/admin/",
        "/admin/login/",
        "/v1/schema/",
        "/v1/batches",
        "/v1/nowhere",
    ):
        yield f"stranger {path}", stranger.get(path)
    yield "wrong host", stranger.get("/", headers={"Host": "evil.example"})
    yield "no csrf", Client(enforce_csrf_checks=True).post("/accounts/login/", {})
    yield "not allowed", own.post("/help/")
    yield "api", api.get(f"/v1/batches/{batch.pk}")
    yield "download", own.get(f"/v1/content/{essay.text_storage_id}")


def test_every_answer_has_the_headers_that_never_change(teacher: User) -> None:
    statuses = set()
    for kind, answer in kinds_of_answers(teacher):
        statuses.add(answer.status_code)
        content_type = answer.headers.get("Content-Type", "")
        is_part = content_type.startswith(PARTS)
        missing = {name for name in (FIXED_OF_PARTS if is_part else FIXED) if name not in answer.headers}
        assert not missing, (kind, answer.status_code, missing)
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin", kind
        if not is_part:
            expected = PAGES if content_type.startswith("text/html") else OTHERS
            assert answer.headers["Permissions-Policy"] == expected, kind
        answer.close()
    assert {200, 302, 400, 401, 403, 404, 405} <= statuses


def test_the_servers_own_refusals_have_them_too() -> None:
    headers, _body = refusal(413, "REQUEST_TOO_LARGE", b"")
    assert {name.decode() for name, _ in headers} >= set(FIXED)
