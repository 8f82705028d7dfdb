"""Where a file lay is kept with it, and tells files of the same name apart."""

import html
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIClient

from essays.shapes import EssayAnswer
from files.models import FileUpload
from files.names import MAX_FOLDER, clean_folder, folder_of, repeated
from files.shapes import FileDetail, UploadAnswer
from huleedu.models import LoggedEvent
from results.shapes import ResultsAnswer, Snapshot
from tests.api import body_of, checked, client_of, problem, raw_form, register, send_form, some_file, upload
from tests.pipeline import Pipeline

Essays = Callable[[int], bytes]
NAME = "Uppsats.txt"


@given(st.text(max_size=600))
def test_a_cleaned_folder_stays_as_it_is(path: str) -> None:
    cleaned = clean_folder(path)
    assert len(cleaned) <= MAX_FOLDER
    assert clean_folder(cleaned) == cleaned
    assert "\\" not in cleaned
    assert all(part.strip(". ") for part in cleaned.split("/") if cleaned)


@pytest.mark.parametrize(
    ("path", "cleaned"),
    [
        ("", ""),
        ("/", ""),
        ("Anna Andersson", "Anna Andersson"),
        ("9B/Anna/", "9B/Anna"),
        ("..\\..\\etc/./passwd", "etc/passwd"),
        ("/../ . /a//b", "a/b"),
        ("C:\\Users\\Anna", "Users/Anna"),
        ("A\u030asa", "Åsa"),
        ("a\0b\r\nc\u202egnp", "abcgnp"),
        ("  spaced \t out ", "spaced out"),
        ("x" * 300 + "/Anna", "Anna"),
        ("y" * 300, "y" * 255),
    ],
)
def test_folders_are_cleaned_like_names(path: str, cleaned: str) -> None:
    assert clean_folder(path) == cleaned


def test_a_name_with_its_path_tells_the_folder() -> None:
    assert folder_of("9B/Anna/Uppsats.txt") == "9B/Anna"
    assert folder_of("9B\\Anna\\Uppsats.txt") == "9B/Anna"
    assert folder_of("Uppsats.txt") == ""
    assert folder_of("Anna/") == ""


def test_which_names_are_repeated() -> None:
    assert repeated(["Uppsats.txt", "uppsats.TXT", "Other.txt"]) == {"uppsats.txt"}


@pytest.fixture
def client(teacher: User) -> APIClient:
    return client_of(teacher)


def send(client: APIClient, batch_id: str, *files: tuple[str | None, bytes], key: str = "") -> Any:
    """Upload files all called the same, each with its folder in the manifest, if there is one."""
    lines: list[dict[str, Any]] = []
    for folder, data in files:
        line = {"filename": NAME, "size": len(data)}
        lines.append(line if folder is None else {**line, "folder": folder})
    sent = [some_file(data, NAME) for _, data in files]
    headers = {"Idempotency-Key": key} if key else None
    return upload(client, batch_id, *sent, manifest=json.dumps(lines), headers=headers)


def folders(batch_id: str) -> list[str]:
    rows = FileUpload.objects.filter(batch_id=batch_id).order_by("created_at")
    return list(rows.values_list("folder", flat=True))


def test_the_manifests_folder_is_in_row_answers_and_event(
    client: APIClient, pipeline: Pipeline, make_essay: Essays
) -> None:
    batch_id = register(client, 2)["batch_id"]
    first, second = make_essay(1), make_essay(2)
    sent = checked(UploadAnswer, send(client, batch_id, ("Anna\u202e", first), (None, second)), 201)
    pipeline.run()
    snapshot = checked(Snapshot, client.get(f"/v1/batches/{batch_id}"))
    assert {file["folder"] for file in snapshot["files"]} == {"Anna", ""}
    results = checked(ResultsAnswer, client.get(f"/v1/batches/{batch_id}/results"))
    assert {row["folder"] for row in results["essays"]} == {"Anna", ""}
    file = checked(FileDetail, client.get(f"/v1/files/{sent['files'][0]['file_upload_id']}"))
    assert (file["folder"], file["filename"]) == ("Anna", NAME)
    essay = checked(EssayAnswer, client.get(f"/v1/essays/{file['essay_id']}"))
    assert essay["folder"] == "Anna"
    added = LoggedEvent.objects.filter(event_type="BatchFileAdded")
    told = {row.file_upload_id: row.envelope["data"]["folder"] for row in added}
    assert sorted(told.values()) == ["", "Anna"]
    messages = body_of(client.get(f"/v1/batches/{batch_id}/events?after=0"))["events"]
    assert {m["data"]["folder"] for m in messages if m["event"] == "batch.file.added"} == {"", "Anna"}


@pytest.mark.parametrize("sent", ["9B/Anna/Uppsats.txt", "9B\\\\Anna\\\\Uppsats.txt"])
def test_a_form_without_manifest_may_carry_the_path_in_the_name(client: APIClient, sent: str) -> None:
    batch_id = register(client)["batch_id"]
    body = raw_form({"batch_id": batch_id}, [(sent, b"one"), (NAME, b"two"), ("../Bo/x.txt", b"three")])
    answer = checked(UploadAnswer, send_form(client, body), 201)
    assert [file["filename"] for file in answer["files"]] == [NAME, NAME, "x.txt"]
    assert folders(batch_id) == ["9B/Anna", "", "Bo"]


def test_a_manifests_name_may_carry_the_path(client: APIClient) -> None:
    batch_id = register(client)["batch_id"]
    manifest = json.dumps([{"filename": "Anna/Uppsats.txt", "size": 3}])
    checked(UploadAnswer, upload(client, batch_id, some_file(b"one", NAME), manifest=manifest), 201)
    assert folders(batch_id) == ["Anna"]


def test_a_file_without_a_name_does_not_shift_folders(client: APIClient) -> None:
    batch_id = register(client)["batch_id"]
    body = raw_form(
        {"batch_id": batch_id}, [("..", b"no name"), ("Anna/a.txt", b"one"), ("Bo/b.txt", b"two")]
    )
    send_form(client, body)
    assert sorted(folders(batch_id)) == ["", "Anna", "Bo"]


@pytest.mark.parametrize("folder", [5, ["Anna"], "x" * 4097, "a\0b"])
def test_a_folder_that_is_none_is_refused_before_anything_is_kept(client: APIClient, folder: Any) -> None:
    batch_id = register(client)["batch_id"]
    code = "INVALID_TEXT" if folder == "a\0b" else "INVALID"
    problem(send(client, batch_id, (folder, b"one")), 400, code)
    assert folders(batch_id) == []


def test_a_repeat_is_the_same_file_and_another_folder_another_request(client: APIClient) -> None:
    batch_id = register(client)["batch_id"]
    first = send(client, batch_id, ("Anna", b"one"), key="k")
    again = send(client, batch_id, ("Anna", b"one"), key="k")
    assert body_of(first) == body_of(again)
    problem(send(client, batch_id, ("Bo", b"one"), key="k"), 422, "IDEMPOTENCY_KEY_REUSED")
    bodies = [raw_form({"batch_id": batch_id}, [(f"{who}/{NAME}", b"two")]) for who in ("Anna", "Bo")]
    assert send_form(client, bodies[0], **{"Idempotency-Key": "n"}).status_code == 201
    problem(send_form(client, bodies[1], **{"Idempotency-Key": "n"}), 422, "IDEMPOTENCY_KEY_REUSED")
    assert folders(batch_id) == ["Anna", "Anna"]


def test_a_replacement_keeps_the_folder_unless_it_has_one(client: APIClient) -> None:
    batch_id = register(client)["batch_id"]
    sent = checked(UploadAnswer, send(client, batch_id, ("Anna", b"one")), 201)
    address = f"/v1/files/{sent['files'][0]['file_upload_id']}/content"
    form = {"file": some_file(b"two", "Ny.txt")}
    kept = checked(FileDetail, client.put(address, form, format="multipart"))
    assert (kept["filename"], kept["folder"]) == ("Ny.txt", "Anna")
    body = raw_form({}, [("Bo/Ny.txt", b"three")])
    told = checked(
        FileDetail, client.put(address, body, content_type="multipart/form-data; boundary=x-boundary-x")
    )
    assert (told["filename"], told["folder"]) == ("Ny.txt", "Bo")


def text_of(page: Any) -> str:
    """What a page says, its markup taken out."""
    assert page.status_code == 200
    seen = re.sub(r"(?s)<script.*?</script>|<[^>]*>", "", page.content.decode())
    return re.sub(r"\s+", " ", html.unescape(seen))


def test_pages_show_the_folder_where_names_repeat(
    client: APIClient, teacher: User, pipeline: Pipeline, make_essay: Essays
) -> None:
    page = Client(headers={"Accept-Language": "en"})
    page.force_login(teacher)
    batch_id = register(client, 3)["batch_id"]
    send(client, batch_id, ("Anna Andersson", make_essay(1)), ("Bo/utkast", make_essay(2)), ("Cilla", b""))
    upload(client, batch_id, some_file(make_essay(3), "Alone.txt"))
    pipeline.run()
    for path in ("", "essays/", "results/"):
        said = text_of(page.get(f"/batches/{batch_id}/{path}"))
        assert f"Anna Andersson / {NAME}" in said
        assert f"Bo / utkast / {NAME}" in said
        assert "/ Alone.txt" not in said
    assert f"from “Anna Andersson / {NAME}”" in text_of(page.get(f"/batches/{batch_id}/essays/1/"))
    row = page.get(f"/batches/{batch_id}/").content.decode()
    assert f'aria-label="Replace file: Cilla / {NAME}"' in row
    filtered = text_of(page.get(f"/batches/{batch_id}/results/?q=uppsats&status=failed"))
    assert f"Cilla / {NAME}" in filtered


def test_a_name_of_its_own_needs_no_folder_but_in_the_details(
    client: APIClient, teacher: User, pipeline: Pipeline, make_essay: Essays
) -> None:
    page = Client(headers={"Accept-Language": "en"})
    page.force_login(teacher)
    batch_id = register(client, 1)["batch_id"]
    sent = checked(UploadAnswer, send(client, batch_id, ("9B/Anna", make_essay(1))), 201)
    pipeline.run()
    for path in ("", "essays/", "essays/1/", "results/"):
        assert "Anna" not in text_of(page.get(f"/batches/{batch_id}/{path}"))
    assert "Folder9B / Anna" in text_of(page.get(f"/files/{sent['files'][0]['file_upload_id']}/trace/"))


def test_a_removed_namesake_does_not_count(client: APIClient, teacher: User) -> None:
    page = Client()
    page.force_login(teacher)
    batch_id = register(client, 2)["batch_id"]
    sent = checked(UploadAnswer, send(client, batch_id, ("Anna", b"one"), ("Bo", b"two")), 201)
    assert f"Anna / {NAME}" in text_of(page.get(f"/batches/{batch_id}/"))
    client.delete(f"/v1/files/{sent['files'][1]['file_upload_id']}")
    assert f"Anna / {NAME}" not in text_of(page.get(f"/batches/{batch_id}/"))
