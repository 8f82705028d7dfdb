"""Log lines: JSON with the promised keys, and never what a pupil wrote or is called."""

import logging
from urllib.parse import quote
from uuid import uuid4

import pytest
import structlog
from django.contrib.auth.models import User
from django.test import Client

from huleedu.accounts.authentication import make_token
from huleedu.logs import bound, describe
from huleedu.models import DeadLetter
from tests.api import client_of
from tests.conftest import essay_bytes
from tests.log_capture import captured_logs, lines_of
from tests.pipeline import Pipeline

SECRET = "Astrid tycker om hemligheter"
STEP_KEYS = {"corr_id", "batch_id", "file_upload_id", "phase", "status", "duration_ms"}
log = structlog.get_logger("tests.logs")


def explode(*_: object, **__: object) -> None:
    raise ValueError(SECRET)


def test_step_lines_have_every_promised_key(pipeline: Pipeline, teacher: User) -> None:
    batch = pipeline.register(teacher, 1)
    with captured_logs() as text:
        upload = pipeline.upload(batch, essay_bytes(1), SECRET + ".txt")
        pipeline.run()
    extract, spelling = lines_of(text, "step.ended")
    assert set(extract) >= STEP_KEYS and "essay_id" not in extract
    assert set(spelling) >= {*STEP_KEYS, "essay_id"}
    upload.refresh_from_db()
    for line, phase in ((extract, "extract"), (spelling, "spellcheck")):
        assert (line["phase"], line["status"]) == (phase, "done")
        assert line["file_upload_id"] == str(upload.pk)
        assert line["batch_id"] == str(batch.pk)
        assert isinstance(line["duration_ms"], int)
    assert extract["corr_id"] == str(upload.correlation_id)
    assert spelling["essay_id"] == str(upload.slot_id)


def test_a_whole_batch_with_failures_logs_no_text_and_no_names(
    pipeline: Pipeline, teacher: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = pipeline.register(teacher, 3, max_retries=0)
    with captured_logs() as text:
        pipeline.upload(batch, essay_bytes(1) + SECRET.encode(), SECRET + ".txt")
        pipeline.upload(batch, b"", SECRET + ".docx")
        monkeypatch.setattr("files.content.read_text", explode)
        pipeline.run()
        monkeypatch.setattr("files.sandbox.run", explode)
        pipeline.upload(batch, essay_bytes(2), SECRET + ".txt")
        pipeline.run()
        client.force_login(teacher)
        client.get("/help/", {"q": SECRET})
        client.get(f"/{SECRET}/")
    assert DeadLetter.objects.count() == 2
    for word in ("Astrid", "hemligheter", "phones", "teacher"):
        assert word not in text.getvalue(), word
    assert lines_of(text, "work.dead")


def test_an_exception_is_logged_by_class_and_place() -> None:
    with captured_logs() as text:
        try:
            explode()
        except ValueError:
            log.exception("test.failed")
            logging.getLogger("elsewhere").exception("library failed")
    for line in lines_of(text):
        assert line["error"] == "ValueError"
        assert line["where"][-1].startswith(__file__)
        assert "exc_info" not in line and "exception" not in line
    assert SECRET not in text.getvalue() and len(lines_of(text)) == 2


def test_an_exception_given_as_a_value_is_treated_alike() -> None:
    with captured_logs() as text:
        log.error("test.failed", exc_info=ValueError(SECRET))
    (line,) = lines_of(text)
    assert line["error"] == "ValueError" and SECRET not in text.getvalue()


def test_description_names_class_and_place_without_words() -> None:
    try:
        explode()
    except ValueError as error:
        assert describe(error).startswith("ValueError in explode line ")
    assert describe(ValueError(SECRET)) == "ValueError"


def test_bound_ids_are_on_every_line_of_the_block_and_no_other() -> None:
    with captured_logs() as text:
        with bound(batch_id=7):
            log.info("inside")
            logging.getLogger("elsewhere").warning("inside too")
        log.info("outside")
    first, second, third = lines_of(text)
    assert first["batch_id"] == second["batch_id"] == "7"
    assert "batch_id" not in third


def test_a_requests_line_tells_the_id_of_who_is_signed_in(teacher: User, client: Client) -> None:
    token = make_token(teacher, "script").secret
    form = {"username": "teacher", "password": "correct horse battery"}
    with captured_logs() as text:
        client.get("/accounts/login/")
        client.post("/accounts/login/", form)
        client.get("/account/")
        Client().get("/v1/batches", headers={"Authorization": f"Bearer {token}"})
        Client().get("/v1/batches", headers={"Authorization": "Bearer hule_none"})
    lines = lines_of(text, "request.ended")
    assert [line.get("user_id") for line in lines] == [None, teacher.pk, teacher.pk, teacher.pk, None]
    assert "teacher" not in text.getvalue()


def test_a_request_is_one_line_with_its_route_and_ids(
    pipeline: Pipeline, teacher: User, client: Client
) -> None:
    upload = pipeline.upload(pipeline.register(teacher, 1), essay_bytes(1))
    client.force_login(teacher)
    with captured_logs() as text:
        answer = client.get(f"/admin/files/fileupload/{upload.pk}/trace/", {"q": SECRET})
        client.get(f"/nowhere/{SECRET}")
        client.get("/healthz")
    known, unknown = lines_of(text, "request.ended")
    assert known["route"] == "admin/files/fileupload/<uuid:file_upload_id>/trace/"
    assert known["file_upload_id"] == str(upload.pk)
    assert (known["method"], known["status"]) == ("GET", "302")
    assert known["corr_id"] == answer["X-Correlation-ID"]
    assert isinstance(known["duration_ms"], int)
    assert (unknown["route"], unknown["status"]) == (None, "404")
    assert SECRET not in text.getvalue()


@pytest.mark.parametrize("address", ["files/{}", "batches/{}/status", "essays/{}", "bin/{}/restore"])
def test_what_stands_in_an_address_instead_of_an_id_is_not_logged(teacher: User, address: str) -> None:
    """A script asks for a file by its name."""
    known = str(uuid4())
    with captured_logs() as text:
        for asked in (SECRET, f"{known} {SECRET}", known):
            client_of(teacher).get(f"/v1/{address.format(quote(asked))}")
    told = [known in line.values() for line in lines_of(text, "request.ended")]
    assert told == [False, False, True]
    assert SECRET not in text.getvalue()
