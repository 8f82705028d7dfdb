"""Batches' results over HTTP: status, results with filters, events, composition."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from batches.models import Batch
from results.analytics import distribution, percentile
from results.shapes import Analytics, BatchPage, Bin, EventsAnswer, ResultsAnswer, Snapshot, StatusAnswer
from tests.api import MOMENT, body_of, checked, client_of, problem, register
from tests.pipeline import Pipeline

Essays = Callable[[int], bytes]
Queries = Callable[[int], Any]
MISSPELT = b"This sentance has an eror in it, and anothr one hear. " * 4


@pytest.fixture
def client(teacher: User) -> APIClient:
    return client_of(teacher)


@pytest.fixture
def address(client: APIClient, pipeline: Pipeline, make_essay: Essays) -> str:
    """Two essays, an empty file, a copy, and one file too many, in a batch that was started."""
    batch_id = register(client, 3)["batch_id"]
    batch = Batch.objects.get(pk=batch_id)
    pipeline.upload(batch, make_essay(1), "Anna.txt")
    pipeline.upload(batch, MISSPELT, "Bo.txt")
    pipeline.upload(batch, b"", "Cilla.pdf")
    pipeline.upload(batch, make_essay(1), "Copy of Anna.txt")
    pipeline.run()
    client.post(f"/v1/batches/{batch_id}/start")
    pipeline.run()
    return f"/v1/batches/{batch_id}"


def test_batches_are_listed_as_they_are_asked_for(client: APIClient, address: str) -> None:
    quiet = register(client, 2)["batch_id"]
    away = register(client, 2)["batch_id"]
    client.post(f"/v1/batches/{away}/archive")

    def listed(query: str) -> list[str]:
        return [row["batch_id"] for row in checked(BatchPage, client.get(f"/v1/batches{query}"))["results"]]

    troubled = address.rsplit("/", 1)[-1]
    assert listed("") == [quiet, troubled]
    assert listed("?order=needs") == [troubled, quiet]
    assert listed("?show=needs_me") == [troubled]
    assert listed("?show=archived") == [away]
    assert listed("?show=running&status=awaiting_content") == [quiet]
    first = checked(BatchPage, client.get("/v1/batches?order=needs&limit=1"))
    second = checked(BatchPage, client.get(f"/v1/batches?order=needs&limit=1&cursor={first['next']}"))
    assert [row["batch_id"] for row in second["results"]] == [quiet]
    assert (second["moved"], second["next"]) == ([], None)
    for query in ("?show=bin", "?order=oldest", "?cursor=4_1_x_2"):
        problem(client.get(f"/v1/batches{query}"), 400, "INVALID")


def test_status_and_snapshot_agree(client: APIClient, address: str) -> None:
    status = checked(StatusAnswer, client.get(f"{address}/status"))
    snapshot = checked(Snapshot, client.get(address))
    assert status["counts"] == snapshot["counts"]
    counts = status["counts"]
    assert counts["free"] + counts["assigned"] == status["expected_essay_count"]
    assert counts["received"] == 4
    assert (counts["assigned"], counts["failed"], counts["duplicate"]) == (2, 1, 1)
    assert status["phases"]["spellcheck"]["succeeded"] == 2
    assert status["status"] == "completed_with_failures"


def test_results_list_essays_and_every_other_file(client: APIClient, address: str) -> None:
    answer = checked(ResultsAnswer, client.get(f"{address}/results"))
    assert [row["filename"] for row in answer["essays"]] == ["Anna.txt", "Bo.txt"]
    assert {row["filename"]: row["status"] for row in answer["files"]} == {
        "Cilla.pdf": "failed",
        "Copy of Anna.txt": "duplicate",
    }


def test_every_figure_of_a_check_reaches_the_results(client: APIClient, address: str) -> None:
    anna, bo = checked(ResultsAnswer, client.get(f"{address}/results"))["essays"]
    essay = client.get(f"/v1/essays/{bo['essay_id']}").json()
    of_essay, of_row = essay["spellcheck"], bo["spellcheck"]
    assert of_row["findings"] == len(of_essay["findings"]) == 12
    assert of_row["density"] == of_essay["density"] == round(100 * 12 / 44, 2)
    for figure in ("status", "language", "fewer_suggestions", "error"):
        assert of_row[figure] == of_essay[figure], figure
    assert (of_row["status"], of_row["language"], of_row["fewer_suggestions"]) == ("succeeded", "en", False)
    assert (anna["spellcheck"]["findings"], anna["spellcheck"]["density"]) == (0, 0.0)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("q=ANNA", ["Anna.txt", "Copy of Anna.txt"]),
        ("q=anna&status=completed", ["Anna.txt"]),
        ("status=failed", ["Cilla.pdf"]),
        ("status=duplicate", ["Copy of Anna.txt"]),
        ("error_code=EMPTY_CONTENT", ["Cilla.pdf"]),
        ("error_code=MALWARE", []),
        ("step=spellcheck", ["Anna.txt", "Bo.txt"]),
        ("step=analysis", []),
        ("min_findings=3", ["Bo.txt"]),
        ("max_findings=0", ["Anna.txt"]),
        ("min_words=10000", []),
        ("min_words=1&max_words=10000&status=completed", ["Anna.txt", "Bo.txt"]),
        ("max_size=0", ["Cilla.pdf"]),
        ("format=txt&status=completed", ["Anna.txt", "Bo.txt"]),
        ("format=pdf", []),
    ],
)
def test_results_are_filtered(client: APIClient, address: str, query: str, names: list[str]) -> None:
    answer = checked(ResultsAnswer, client.get(f"{address}/results?{query}"))
    assert [row["filename"] for row in [*answer["essays"], *answer["files"]]] == names
    assert answer["counts"]["received"] == 4


@pytest.mark.parametrize(
    "query",
    ["colour=red", "status=asleep", "format=exe", "min_words=-1", "min_words=x", "step=grade", "q=a&q=b"],
)
def test_wrong_filters(client: APIClient, address: str, query: str) -> None:
    problem(client.get(f"{address}/results?{query}"), 400, "INVALID")


def test_events_continue_from_a_position(client: APIClient, address: str) -> None:
    everything = checked(EventsAnswer, client.get(f"{address}/events"))
    assert [event["seq"] for event in everything["events"]] == list(range(1, everything["seq"] + 1))
    epoch, seq = everything["epoch"], everything["seq"]
    rest = checked(EventsAnswer, client.get(f"{address}/events?after={seq - 2}&epoch={epoch}"))
    assert [event["seq"] for event in rest["events"]] == [seq - 1, seq]
    assert rest["resync"] is False
    nothing = checked(EventsAnswer, client.get(f"{address}/events?after={seq}&epoch={epoch}"))
    assert nothing["events"] == []


@pytest.mark.parametrize(
    "query",
    [
        "after=0&epoch=",
        "after=0&epoch=x",
        "after=0&epoch=00000000-0000-4000-8000-000000000000",
        "after=-1",
        f"after={10**30}",
    ],
)
def test_positions_that_cannot_be_continued_ask_for_a_resync(
    client: APIClient, address: str, query: str
) -> None:
    answer = checked(EventsAnswer, client.get(f"{address}/events?{query}"))
    assert (answer["resync"], answer["events"]) == (True, [])


def test_wrong_positions(client: APIClient, address: str) -> None:
    problem(client.get(f"{address}/events?after=x"), 400, "INVALID")
    problem(client.get(f"{address}/events?since=1"), 400, "INVALID")


def test_composition(client: APIClient, address: str) -> None:
    answer = checked(Analytics, client.get(f"{address}/analytics"))
    assert answer["files"] == 4
    assert answer["statuses"] == {"assigned": 2, "failed": 1, "duplicate": 1}
    assert {row["format"]: row["count"] for row in answer["formats"]} == {"txt": 3, None: 1}
    assert answer["sizes"]["spread"]["min"] == 0
    assert sum(part["count"] for part in answer["sizes"]["histogram"]) == 4
    assert answer["failures"] == [{"error_code": "EMPTY_CONTENT", "step": "extract", "count": 1}]
    (group,) = answer["duplicates"]
    assert len(group["file_upload_ids"]) == 1
    assert answer["steps"]["spellcheck"]["runs"] == 2
    assert answer["steps"]["extract"]["p95_ms"] >= answer["steps"]["extract"]["median_ms"]


def test_composition_of_an_empty_batch(client: APIClient, db: None) -> None:
    answer = checked(Analytics, client.get(f"/v1/batches/{register(client)['batch_id']}/analytics"))
    assert (answer["files"], answer["sizes"]["spread"]) == (0, None)
    assert answer["steps"]["spellcheck"] == {"runs": 0, "median_ms": None, "p95_ms": None}


def test_measures() -> None:
    assert percentile(list(range(1, 101)), 95) == 95
    assert percentile([7], 95) == 7
    assert distribution([0, 9, 10, 99], [0, 10]).histogram == [
        Bin(start=0, end=10, count=2),
        Bin(start=10, end=None, count=2),
    ]


def test_costs_do_not_grow_with_the_batch(
    client: APIClient, pipeline: Pipeline, make_essay: Essays, django_assert_num_queries: Queries
) -> None:
    costs = {"status": 6, "results": 7, "events": 5, "analytics": 6}
    for expected in (1, 5):
        batch_id = register(client, expected)["batch_id"]
        for number in range(expected):
            pipeline.upload(Batch.objects.get(pk=batch_id), make_essay(number))
        pipeline.upload(Batch.objects.get(pk=batch_id), b"")
        pipeline.run()
        for name, queries in costs.items():
            with django_assert_num_queries(queries + MOMENT):
                assert body_of(client.get(f"/v1/batches/{batch_id}/{name}"))
