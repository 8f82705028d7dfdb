"""Pages asked for with nonsense in addresses, queries and forms: shown, missing or refused, never failing."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batches.models import Batch
from huleedu.accounts.life import create_account
from tests.api import client_of, register
from tests.pipeline import Pipeline

Essays = Callable[[int], bytes]
PARAMETERS = (
    "q",
    "status",
    "page",
    "cursor",
    "limit",
    "sort",
    "order",
    "format",
    "error_code",
    "step",
    "min_words",
    "max_findings",
    "next",
    "o",
    "p",
    "_popup",
    "_to_field",
    "e",
    "all",
    "id__exact",
    "owner__password__startswith",
    "after",
    "epoch",
    "language",
    "action",
    "token",
    "name",
    "title",
    "expected_essay_count",
    "seconds",
    "version",
    "username",
    "password",
    "scope",
    "_selected_action",
    "select_across",
    "index",
)
NASTY = [
    "",
    "\0",
    "%",
    "_",
    "'",
    '"',
    "1 OR 1=1",
    "-1",
    "0",
    "9" * 30,
    "9" * 5000,
    "1e400",
    "NaN",
    "x" * 3000,
    "٣",
    "é",
    "😀",
    "\u202e",
    "../..",
    "//evil.example",
    "{{7*7}}",
    "<script>",
    "%00",
    "\r\nX: 1",
    "null",
    "[]",
    "a\ud800",
]


def patterns(resolver: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every address below ``resolver`` with its name."""
    for each in resolver.url_patterns:
        address = prefix + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from patterns(each, address)
        elif isinstance(each, URLPattern):
            yield address, each.name or ""


# Nothing runs here, so the installation is not ready; the API has a test of its own.
PAGES = sorted({each for each, _ in patterns(get_resolver()) if not each.startswith(("v1/", "readyz"))})


@pytest.fixture
def ids(pipeline: Pipeline, teacher: User, make_essay: Essays) -> list[str]:
    """Ids of a batch, its file and its essay."""
    batch_id = register(client_of(teacher), 2)["batch_id"]
    row = pipeline.upload(Batch.objects.get(pk=batch_id), make_essay(1))
    pipeline.run()
    row.refresh_from_db()
    return [batch_id, str(row.pk), str(row.slot_id), "1", "x", "0", "999999999999999999999"]


def filled(address: str, identity: str) -> str:
    """The address with every variable replaced."""
    while "<" in address:
        before, _, rest = address.partition("<")
        address = before + identity + rest.partition(">")[2]
    return "/" + address.replace("^", "").replace("$", "").replace("\\", "").lstrip("/")


@pytest.mark.parametrize("role", ["teacher", "support"])
def test_no_page_fails(role: str, teacher: User, ids: list[str]) -> None:
    client = Client(raise_request_exception=False)
    user = teacher if role == "teacher" else create_account("support", "helper", "correct horse battery")

    @settings(max_examples=300, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(
        st.sampled_from(PAGES),
        st.sampled_from(["get", "post"]),
        st.sampled_from(ids),
        st.dictionaries(st.sampled_from(PARAMETERS), st.sampled_from(NASTY), max_size=4),
    )
    def ask(address: str, method: str, identity: str, values: dict[str, str]) -> None:
        client.force_login(user)
        values = {name: value.encode("utf-8", "replace").decode() for name, value in values.items()}
        response = getattr(client, method)(filled(address, identity), values)
        assert response.status_code < 500, (method, address, identity, values)
        assert not response.headers.get("Location", "").startswith(("//", "http"))

    ask()
