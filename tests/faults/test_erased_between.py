"""Whatever a teacher asks for, it may be erased between any two looks at the database: never a 500.

Each request is repeated with the batch, or the whole account, erased by another session before its first,
second … statement, until the request itself holds the batch.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client
from rest_framework.test import APIClient

from batches.actions import binning
from batches.models import Batch, EssaySlot
from essays.models import StepRun
from files.actions import removing
from files.models import FileUpload, StoredContent
from huleedu.models import ApiToken, Feed
from tests.api import client_of, some_file
from tests.pipeline import Pipeline

pytestmark = pytest.mark.timeout(300)
MOST = 60  # statements of one request
LOCKS = ("FOR NO KEY UPDATE", "FOR UPDATE")
Request = Callable[[APIClient, dict[str, str]], Any]


def posted(address: str, body: Any = None) -> Request:
    """A JSON request to ``address``, with ids put in."""
    return lambda client, ids: client.post(address.format(**ids), body or {}, format="json")


REQUESTS: dict[str, Request] = {
    "register": posted("/v1/batches/register", {"expected_essay_count": 1, "language": "en"}),
    "start": posted("/v1/batches/{batch}/start"),
    "extend": posted("/v1/batches/{batch}/extend", {"seconds": 3600}),
    "expect": posted("/v1/batches/{batch}/expect", {"expected_essay_count": 3}),
    "language": posted("/v1/batches/{batch}/language", {"language": "sv"}),
    "cancel": posted("/v1/batches/{batch}/cancel", {"reason": "by mistake"}),
    "reprocess": posted("/v1/batches/{batch}/reprocess"),
    "keep": posted("/v1/batches/{batch}/keep", {"until": "2027-01-24"}),
    "archive": posted("/v1/batches/{batch}/archive"),
    "unarchive": posted("/v1/batches/{batch}/unarchive"),
    "delete": lambda client, ids: client.delete(f"/v1/batches/{ids['batch']}"),
    "remove": lambda client, ids: client.delete(f"/v1/files/{ids['file']}"),
    "restore": posted("/v1/files/{removed}/restore"),
    "read again": posted("/v1/files/{file}/reprocess", {"from_phase": "extract"}),
    "check again": posted("/v1/files/{file}/reprocess", {"from_phase": "spellcheck"}),
    "essay's language": posted("/v1/essays/{essay}/language", {"language": "sv"}),
    "upload": lambda client, ids: client.post(
        "/v1/files/batch", {"batch_id": ids["batch"], "files": [some_file(b"late")]}, format="multipart"
    ),
    "replace": lambda client, ids: client.put(
        f"/v1/files/{ids['file']}/content", {"file": some_file(b"other")}, format="multipart"
    ),
    "store": lambda client, _ids: client.post("/v1/content", {"file": some_file(b"x")}, format="multipart"),
}
OF_ACCOUNTS = ("register", "keep", "upload", "store")  # what an erased account matters to
IN_THE_BIN: dict[str, Request] = {
    "restore": posted("/v1/bin/{batch}/restore"),
    "erase": lambda client, ids: client.delete(f"/v1/bin/{ids['batch']}"),
}
FORMS = {
    "/batches/{batch}/actions/extend/": {"hours": "2"},
    "/batches/{batch}/actions/expect/": {"expected_essay_count": "3"},
    "/batches/{batch}/actions/cancel/": {"reason": "x"},
    "/batches/{batch}/actions/start/": {},
    "/batches/{batch}/actions/language/": {"language": "sv"},
    "/batches/{batch}/actions/archive/": {},
    "/batches/{batch}/actions/unarchive/": {},
    "/batches/{batch}/actions/delete/": {},
    "/batches/{batch}/essays/1/language/": {"language": "sv"},
    "/batches/{batch}/keeping/": {"until": "2027-01-24"},
    "/files/{file}/actions/remove/": {},
    "/files/{removed}/actions/restore/": {},
    "/files/{file}/actions/reprocess/": {},
}


@pytest.fixture
def ids(pipeline: Pipeline, teacher: User, make_essay: Callable[[int], bytes]) -> dict[str, str]:
    """A batch with an essay, a removed file and an open place."""
    batch = pipeline.register(teacher, 3)
    upload, removed = (pipeline.upload(batch, make_essay(number), f"{number}.txt") for number in (1, 2))
    pipeline.run()
    removing.remove(removed)
    pipeline.run()
    upload.refresh_from_db()
    found = {"batch": batch, "file": upload, "removed": removed, "essay": upload.slot}
    return {
        **{name: str(row.pk) for name, row in found.items() if row is not None},
        "content": str(upload.raw_storage_id),
    }


def erase_batch(batch_id: UUID) -> None:
    """Its rows, as ``huleedu.forgetting.erasing`` leaves them."""
    StepRun.objects.filter(slot__batch=batch_id).delete()
    FileUpload.objects.filter(batch=batch_id).delete()
    StoredContent.objects.filter(batch=batch_id).delete()
    EssaySlot.objects.filter(batch=batch_id).delete()
    Feed.objects.filter(pk=batch_id).delete()
    Batch.objects.filter(pk=batch_id).delete()


def erase_account(batch_id: UUID) -> None:
    """The batch, and the account with all it has."""
    erase_batch(batch_id)
    ApiToken.objects.all().delete()
    User.objects.all().delete()


class Meanwhile:
    """Lets another session erase before the statement numbered ``at``, unless the batch is held by then."""

    def __init__(self, erase: Callable[[], None], at: int) -> None:
        self.erase, self.at, self.number, self.done, self.held = erase, at, 0, False, False

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if not self.done and not self.held:
            self.number += 1
            if self.number > self.at and not sql.startswith(("SAVEPOINT", "RELEASE")):
                self.done = True
                self.erase()
        result = execute(sql, params, many, context)
        self.held = self.held or any(lock in sql for lock in LOCKS)
        return result


def moments(ask: Callable[[], Any], erase: Callable[[], None]) -> Iterator[tuple[int, Any]]:
    """The answer for each moment at which it may be erased; everything is as before after each."""
    for at in range(1, MOST):
        meanwhile = Meanwhile(erase, at)
        with transaction.atomic():
            with connection.execute_wrapper(meanwhile):
                answer = ask()
            transaction.set_rollback(True)
        if not meanwhile.done:
            return
        yield at, answer
    raise AssertionError("more statements than expected")


def failures(ask: Callable[[], Any], ids: dict[str, str], erase: Callable[[UUID], None]) -> list[int]:
    """After how many statements it may be erased so that the answer is a 500."""
    told = {at: answer.status_code for at, answer in moments(ask, lambda: erase(UUID(ids["batch"])))}
    assert told, "nothing was asked"
    return [at for at, status in told.items() if status == 500]


@pytest.mark.parametrize("erase", [erase_batch, erase_account], ids=["batch", "account"])
def test_requests(ids: dict[str, str], teacher: User, erase: Callable[[UUID], None]) -> None:
    client = client_of(teacher)
    asked = REQUESTS if erase is erase_batch else {name: REQUESTS[name] for name in OF_ACCOUNTS}
    failed = {name: failures(partial(ask, client, ids), ids, erase) for name, ask in asked.items()}
    binning.delete(UUID(ids["batch"]), teacher.pk)
    failed |= {
        f"{name} in the bin": failures(partial(ask, client, ids), ids, erase)
        for name, ask in IN_THE_BIN.items()
    }
    assert {name: at for name, at in failed.items() if at} == {}


def test_forms(ids: dict[str, str], teacher: User, client: Client) -> None:
    client.force_login(teacher)
    client.raise_request_exception = False
    failed = {
        form: failures(partial(client.post, form.format(**ids), said), ids, erase_batch)
        for form, said in FORMS.items()
    }
    assert {form: at for form, at in failed.items() if at} == {}


def test_a_new_batch_of_an_account_that_is_erased(ids: dict[str, str], teacher: User, client: Client) -> None:
    client.force_login(teacher)
    client.raise_request_exception = False
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value

    def ask() -> Any:
        client.cookies[settings.SESSION_COOKIE_NAME] = cookie  # which an answer has taken away
        said = {"title": "x", "expected_essay_count": "1", "language": "en"}
        return client.post("/batches/new/", said)

    assert failures(ask, ids, erase_account) == []
