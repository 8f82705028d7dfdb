"""One answer never contradicts itself: all of it is read at one moment, whatever is written meanwhile."""

import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from threading import Event
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections, transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.test import APIClient

from batches.actions.places import expect
from batches.models import Batch
from essays.actions.assignment import place
from files.actions import removing, rereading
from files.models import FileUpload
from huleedu.failures.errors import Refused
from huleedu.postgres.moments import reads_apart
from results.actions import exporting
from results.actions.exporting import ExportOrder
from tests.api import body_of, client_of
from tests.conftest import essay_bytes
from tests.pipeline import Pipeline
from tests.rows import add_file

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(240)]
SEED = 11
SECONDS = 4.0
PROBLEMS = ("failed", "excess", "duplicate")
STATUS_OF = {"assigned": "assigned", "in_progress": "processing", **{name: name for name in PROBLEMS}}
COUNTED = {"assigned": "ready", "in_progress": "reading", "received": "received", "free": "free"}
MODE = "SELECT current_setting('transaction_isolation') || ' ' || current_setting('transaction_read_only')"
# Who asks is found out before anything is read.
ASKING = re.compile(
    r'"(auth_user|huleedu_session|huleedu_apitoken)"|^(BEGIN|COMMIT|ROLLBACK|SET TRANSACTION|SELECT now\(\)$)'
)
Ids = dict[str, Any]


class Contradiction(Exception):
    """An answer says two things about the same."""


def agree(what: str, one: object, other: object) -> None:
    """Raise ``Contradiction`` unless both are the same."""
    if one != other:
        raise Contradiction(f"{what}: {one} and {other}")


def check_counts(batch: dict[str, Any]) -> dict[str, int]:
    """The counts of any answer about a batch."""
    counts: dict[str, int] = batch["counts"]
    agree("expected", batch["expected_essay_count"], counts["free"] + counts["assigned"])
    agree("received", counts["received"], sum(counts[name] for name in STATUS_OF))
    agree("free below zero", min(0, counts["free"]), 0)
    return counts


def check_snapshot(batch: dict[str, Any]) -> None:
    """Counts, files and places of one snapshot."""
    counts = check_counts(batch)
    listed = Counter(file["status"] for file in batch["files"])
    agree("counted and listed", {name: counts[name] for name in STATUS_OF}, statuses_of(listed))
    agree("places", len(batch["essays"]), batch["expected_essay_count"])
    places = {essay["essay_id"]: essay["file_upload_id"] for essay in batch["essays"]}
    for file in batch["files"]:
        if file["status"] == "assigned":
            agree("place of a file", places.get(file["essay_id"]), file["file_upload_id"])


def statuses_of(listed: "Counter[str]") -> dict[str, int]:
    """Listed statuses under the names of the counts."""
    return {name: listed[status] for name, status in STATUS_OF.items()}


def check_results(batch: dict[str, Any]) -> None:
    """Counts and rows of the results; an essay's row comes a moment after its file is assigned."""
    counts = check_counts(batch)
    listed = statuses_of(Counter(file["status"] for file in batch["files"]))
    agree("counted and listed", {name: counts[name] for name in listed if name != "assigned"}, others(listed))
    agree("more essays than assigned", max(len(batch["essays"]), counts["assigned"]), counts["assigned"])


def others(listed: dict[str, int]) -> dict[str, int]:
    """All but the essays."""
    return {name: number for name, number in listed.items() if name != "assigned"}


def check_batch_page(page: str) -> None:
    """The figures of the batch's page against its rows."""
    said = {name: int(number) for name, number in re.findall(r'data-count="(\w+)">(\d+)<', page)}
    figures = {name: said[shown] for name, shown in {**COUNTED, **{name: name for name in PROBLEMS}}.items()}
    check_counts({"expected_essay_count": said["expected"], "counts": figures})
    listed = Counter(re.findall(r'class="file-row"[^>]*data-status="(\w+)"', page))
    agree("counted and listed", {name: figures[name] for name in STATUS_OF}, statuses_of(listed))


def check_results_page(page: str) -> None:
    """The tiles of the results page against its rows."""
    tiles = [int(number) for number in re.findall(r'class="card tile"[^>]*><b>(\d+)</b>(?:of|need)', page)]
    rows = page.partition('<div id="rows"')[2].partition("</table>")[0]
    agree("ready", tiles[0], len(re.findall(r'<th scope="row"><a href="[^"]*/essays/\d+/"', rows)))
    agree("attention", tiles[1], len(re.findall(r'<span class="muted">', rows)))


def json_look(address: str, check: Callable[[dict[str, Any]], object]) -> Callable[[Client, APIClient], None]:
    def look(_browser: Client, api: APIClient) -> None:
        answer = api.get(address)
        assert answer.status_code == 200, answer.content
        check(body_of(answer))

    return look


def page_look(address: str, check: Callable[[str], object]) -> Callable[[Client, APIClient], None]:
    def look(browser: Client, _api: APIClient) -> None:
        answer = browser.get(address, headers={"Accept-Language": "en"})
        assert answer.status_code == 200, answer.content
        check(answer.content.decode())

    return look


def check_list(answer: dict[str, Any]) -> None:
    for batch in answer["results"]:
        check_counts(batch)


def check_decision(batch: Batch) -> Callable[[Client, APIClient], None]:
    """A decision answers the batch as it leaves it."""

    def look(_browser: Client, api: APIClient) -> None:
        answer = api.post(f"/v1/batches/{batch.pk}/extend", {"seconds": 1}, format="json")
        assert answer.status_code in {200, 409}, answer.content
        if answer.status_code == 200:
            check_snapshot(body_of(answer))

    return look


def looks_at(batch: Batch) -> dict[str, Callable[[Client, APIClient], None]]:
    """Every way to look at the batch that says something twice."""
    api, page = f"/v1/batches/{batch.pk}", f"/batches/{batch.pk}/"
    return {
        "snapshot": json_look(api, check_snapshot),
        "status": json_look(f"{api}/status", check_counts),
        "results": json_look(f"{api}/results", check_results),
        "list": json_look("/v1/batches", check_list),
        "decision": check_decision(batch),
        "batch page": page_look(page, check_batch_page),
        "results page": page_look(f"{page}results/", check_results_page),
    }


@pytest.fixture
def batch(pipeline: Pipeline, teacher: User) -> Batch:
    """A batch with four essays that never has all it expects, and so stays open."""
    batch = pipeline.register(teacher, 12)
    for number in range(4):
        pipeline.upload(batch, essay_bytes(number))
    pipeline.run()
    batch.refresh_from_db()
    return batch


def change_files(batch: Batch, stop: Event) -> int:
    """Remove an essay's file, bring it back, and give it a place again, over and over; returns how often."""
    uploads, done = list(batch.files.all()), 0
    while not stop.is_set():
        upload = uploads[done % len(uploads)]
        done += 1
        removing.remove(upload)
        rereading.reread(upload, batch.owner)
        read_again(upload)
    return done


@transaction.atomic
def read_again(upload: FileUpload) -> None:
    """What a worker and the relay do, without the work."""
    Batch.objects.locked(upload.batch_id)
    current = FileUpload.objects.select_related("batch", "slot").get(pk=upload.pk)
    current.move_to("processing", text_storage_id=upload.text_storage_id, words=upload.words)
    place(current)


def change_expectation(batch: Batch, stop: Event) -> int:
    """More and fewer essays, and files that come and go unread; returns how often."""
    choose, pipeline, done = random.Random(SEED), Pipeline(), 0  # noqa: S311
    while not stop.wait(0.03):
        done += 1
        with suppress(Refused):
            expect(batch.pk, batch.owner, choose.randint(9, 20))
        removing.remove(pipeline.upload(batch, b"unread"))
    return done


@contextmanager
def writers(batch: Batch) -> Iterator[list["Future[int]"]]:
    """Two writers at work; what they raise is raised afterwards."""
    stop = Event()

    def carry_out(write: Callable[[Batch, Event], int]) -> int:
        try:
            return write(batch, stop)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        at_work = [pool.submit(carry_out, write) for write in (change_files, change_expectation)]
        try:
            yield at_work
        finally:
            stop.set()


def test_answers_agree_with_themselves_while_others_write(batch: Batch, teacher: User) -> None:
    browser, api = Client(), client_of(teacher)
    browser.force_login(teacher)
    looks = looks_at(batch)
    seen = Counter(dict.fromkeys(looks, 0))
    contradictions: list[str] = []
    with writers(batch) as at_work:
        until = time.monotonic() + SECONDS
        while time.monotonic() < until or min(seen.values()) < 4:  # on a machine that is busy
            for name, look in looks.items():
                seen[name] += 1
                try:
                    look(browser, api)
                except Contradiction as found:
                    contradictions.append(f"{name}: {found}")
    assert not contradictions, f"{len(contradictions)} of {seen.total()} looks: {contradictions[:5]}"
    assert min(write.result() for write in at_work) > 3


@contextmanager
def disturbed(change: Callable[[], object]) -> Iterator[None]:
    """After each statement of this connection another one changes something and commits."""

    def elsewhere() -> None:
        try:
            change()
        finally:
            connections.close_all()

    def execute(run: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        found = run(sql, params, many, context)
        pool.submit(elsewhere).result()
        return found

    with ThreadPoolExecutor(1) as pool, connection.execute_wrapper(execute):
        yield


@pytest.mark.parametrize("name", ["snapshot", "results", "batch page", "results page"])
def test_a_change_after_every_statement_makes_no_difference(batch: Batch, teacher: User, name: str) -> None:
    browser, api = Client(), client_of(teacher)
    browser.force_login(teacher)
    with disturbed(lambda: add_file(batch, "failed")):
        looks_at(batch)[name](browser, api)


def addresses(patterns: list[Any], ids: Ids, before: str = "") -> Iterator[tuple[str, Any]]:
    """Every address of the project with the ids filled in, and its view."""
    for each in patterns:
        route = before + str(each.pattern)
        if isinstance(each, URLResolver) and route != "admin/":
            yield from addresses(each.url_patterns, ids, route)
        elif isinstance(each, URLPattern) and "[" not in route:
            yield "/" + re.sub(r"<\w+:(\w+)>", lambda found: str(ids[found[1]]), route), each.callback


def admin_pages(ids: Ids) -> list[str]:
    """Lists and rows of the admin."""
    rows = {"batches/batch": ids["batch_id"], "files/fileupload": ids["file_upload_id"]}
    return [f"/admin/{name}/{end}" for name, pk in rows.items() for end in ("", f"{pk}/change/")]


@contextmanager
def moments() -> Iterator[list[str]]:
    """How each statement was executed that reads more than who is asking."""
    modes: list[str] = []

    def execute(run: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if not ASKING.search(sql):
            modes.append(connection.connection.execute(MODE).fetchone()[0])
        return run(sql, params, many, context)

    with connection.execute_wrapper(execute):
        yield modes


# Without a link, a mail server, or a second factor; and a plain text is not shown as it is.
NOT_NOW = ("set-password", "forgotten", "remove", "shown")
# They look at parts one by one, or write: who is shown recovery codes, or comes from the school's sign-in.
APART = {
    *("/healthz", "/readyz", "/metrics", "/admin/well/"),
    *("/account/factors/codes/", "/account/factors/codes/file/"),
    *("/accounts/school/login/", "/accounts/nobody/login/callback/"),
}


def test_every_address_reads_at_one_moment(batch: Batch, teacher: User, pipeline: Pipeline) -> None:
    """A view that is added is among them."""
    upload = batch.files.select_related("slot").earliest("created_at")
    ids: Ids = {"batch_id": batch.pk, "file_upload_id": upload.pk, "essay_id": upload.slot_id, "number": 1}
    ids |= {"start": 0, "kind": "one"}
    ids["content_id"] = upload.raw_storage_id
    ids["export_id"] = exporting.ask(batch.pk, ExportOrder("csv", "en"), uuid4())[0].pk
    pipeline.run()
    nobodys = {"provider_id": "nobody", "secret": "nothing", "pk": "999999"}  # of signing in: missing here
    ids = {**ids, **nobodys}
    User.objects.filter(pk=teacher.pk).update(is_staff=True, is_superuser=True)
    browser = Client()
    browser.force_login(teacher)
    browser.post("/account/again/", {"password": "correct horse battery"})
    found = [(address, view) for address, view in addresses(get_resolver().url_patterns, ids)]
    reading = [address for address, view in found if not reads_apart(view)]
    assert {address for address, view in found if reads_apart(view)} == APART
    read = 0
    for address in [*reading, *admin_pages(ids)]:
        with moments() as modes:
            response = browser.get(address)
            status = response.status_code
            if response.streaming:
                response.close()
        missing = any(word in address.split("/") for word in [*nobodys.values(), *NOT_NOW])
        assert status in ({404, 405} if missing else {200, 302, 303, 405}), (address, status)
        # That support looked is written down when the page has been read.
        noted = {"read committed off"} if address.startswith("/admin/") else set()
        assert set(modes) - noted <= {"repeatable read on"}, address
        read += bool(modes) and status == 200
    assert read >= 20


def test_a_token_is_noted_as_used_although_its_answer_only_reads(batch: Batch, teacher: User) -> None:
    api = client_of(teacher)
    assert api.get(f"/v1/batches/{batch.pk}").status_code == 200
    assert teacher.api_tokens.get().last_used_at is not None


def test_a_session_whose_password_changed_ends_with_a_sign_in_page(batch: Batch, teacher: User) -> None:
    """Django puts the session away while it reads who is asking."""
    browser = Client()
    browser.force_login(teacher)
    teacher.set_password("another horse battery")
    teacher.save()
    assert browser.get(f"/batches/{batch.pk}/").status_code == 302
