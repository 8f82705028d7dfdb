"""A year of a school: 60 teachers, 36,000 files. Bytes by table and store, page times, backup and restore.

``python -m tests.benchmarks.year`` runs it. One real batch is read and checked; its rows and contents are
multiplied with new ids, so that a year takes minutes and every row is as large as a real one.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from uuid import UUID

from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import reverse

from huleedu.accounts.authentication import make_token
from tests.benchmarks.material import essay_files
from tests.benchmarks.measure import Figure, alternate, note, seconds_of, size

TEACHERS = 60
ESSAYS = 30
BATCHES = size(1200, 60)  # of 30 essays
PASSES = size(9, 5)
MOST_TIMES = 1.5  # what a page may take beside an empty installation
SLOT_AND_FILE = {"slot_id": "mine(slot_id)", "batch_id": "mine(batch_id)", "file_id": "mine(file_id)"}
# What a copy must not share with its original, by table in the order of their references; ``mine`` makes the
# copy's id of the original's.
TABLES: dict[str, dict[str, str]] = {
    "batches_batch": {
        "id": "mine(id)",
        "owner_id": "teacher",
        "correlation_id": "mine(correlation_id)",
        "title": "'Year ' || nth",
        "created_at": "moment",
        "started_at": "moment",
        "completed_at": "moment",
    },
    "huleedu_feed": {"batch_id": "mine(batch_id)", "owner_id": "teacher", "epoch": "mine(epoch)"},
    "batches_essayslot": {
        "id": "mine(id)",
        "batch_id": "mine(batch_id)",
        "text_storage_id": "mine(text_storage_id)",
    },
    "batches_batchphase": {"id": "DEFAULT", "batch_id": "mine(batch_id)"},
    "files_storedcontent": {
        "id": "mine(id)",
        "batch_id": "mine(batch_id)",
        "owner_id": "teacher",
        "created_at": "moment",
    },
    "files_fileupload": {
        "id": "mine(id)",
        "batch_id": "mine(batch_id)",
        "slot_id": "mine(slot_id)",
        "correlation_id": "mine(correlation_id)",
        "raw_storage_id": "mine(raw_storage_id)",
        "text_storage_id": "mine(text_storage_id)",
        "created_at": "moment",
        "updated_at": "moment",
    },
    "essays_steprun": {
        "id": "DEFAULT",
        "slot_id": "mine(slot_id)",
        "file_upload_id": "mine(file_upload_id)",
        "correlation_id": "mine(correlation_id)",
        "text_storage_id": "mine(text_storage_id)",
    },
    "results_essayresult": {**SLOT_AND_FILE, "text_storage_id": "mine(text_storage_id)"},
    "results_batchresult": {"id": "DEFAULT", "batch_id": "mine(batch_id)"},
    "huleedu_loggedevent": {
        "id": "DEFAULT",
        "event_id": "md5(event_id || nth) || md5(nth || event_id)",
        "batch_id": "mine(batch_id)",
        "file_upload_id": "mine(file_upload_id)",
        "essay_id": "mine(essay_id)",
        "correlation_id": "mine(correlation_id)",
        "occurred_at": "moment",
        "relayed_at": "moment",
    },
    # Forgotten after thirty days: a twelfth of the year.
    "huleedu_consumedevent": {
        "id": "DEFAULT",
        "event_id": "md5(event_id || nth) || md5(nth || event_id)",
    },
}
SIZES = """
SELECT relname, pg_table_size(oid), pg_indexes_size(oid) FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY pg_total_relation_size(oid) DESC
"""
FORGOTTEN = (
    "consumed events after 30 days; answers kept for repeats after 24 hours; sessions after 12 hours; "
    "content without a batch after a day; bytes without a row after 30 minutes; the rest stays until removed"
)


def main() -> None:
    """Measure empty, fill, measure again; then a backup and a restore of the whole."""
    teacher = User.objects.create_user("year-teacher")
    client = Client(
        headers={"Host": "localhost", "Authorization": f"Bearer {make_token(teacher, 'y').secret}"}
    )
    client.force_login(teacher)
    batch = real_batch(teacher)
    empty = page_times(client, batch)
    before = table_sizes()
    began = time.monotonic()
    fill(batch)
    copies = copy_contents(batch)
    note(f"{BATCHES} batches stored in {time.monotonic() - began:.0f} s, {copies} contents")
    files = BATCHES * ESSAYS
    tell_sizes(before, files)
    tell_forgotten()
    full = page_times(client, batch)
    for name, seconds in full.items():
        ratio = seconds / empty[name]
        Figure(
            f"{name} after {files:,} files",
            f"{seconds * 1000:.1f} ms",
            f"empty {empty[name] * 1000:.1f} ms",
            f"{ratio:.2f} ×",
            f"≤ {MOST_TIMES:g} ×",
            ratio <= MOST_TIMES,
        ).tell()
    backup_and_restore(files)


def real_batch(teacher: User) -> UUID:
    """One batch, read and checked by everything there is."""
    from tests.pipeline import Pipeline

    pipeline = Pipeline()
    batch = pipeline.register(teacher, ESSAYS)
    for file in islice(essay_files(), ESSAYS):
        pipeline.upload(batch, file.data, file.name)
    pipeline.run()
    batch.refresh_from_db()
    assert batch.status == "completed", batch.status
    return batch.pk


def page_times(client: Client, batch: UUID) -> dict[str, float]:
    """Seconds of each page, the median of some, and of an upload."""
    from django.core.files.uploadedfile import SimpleUploadedFile

    pages = {"overview": "/", "batch page": f"/batches/{batch}/", "results": f"/batches/{batch}/results/"}

    def get(address: str) -> None:
        assert client.get(address).status_code == 200

    def search() -> None:
        answer = client.post(reverse("search"), {"q": "Year 7", "next": "/"}, follow=True)
        assert answer.status_code == 200, answer.status_code

    def upload() -> None:
        made = client.post(
            "/v1/batches/register", {"expected_essay_count": 1}, content_type="application/json"
        ).json()["batch_id"]
        body = {"batch_id": made, "files": SimpleUploadedFile("essay.txt", os.urandom(40).hex().encode())}
        assert client.post("/v1/files/batch", body).status_code == 201

    actions = [*(lambda address=address: get(address) for address in pages.values()), search, upload]
    timed = alternate(PASSES, *(lambda action=action: seconds_of(action) for action in actions))
    return dict(zip([*pages, "search", "batch and upload"], timed, strict=True))


def fill(batch: UUID) -> None:
    """Multiply the batch's rows: spread over the teachers, and over the days of a year."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO auth_user (username, password, is_superuser, is_staff, is_active, first_name,"
            " last_name, email, date_joined)"
            " SELECT 'year-' || number, '!', false, false, true, '', '', '', now()"
            f" FROM generate_series(1, {TEACHERS}) AS number"
        )
        for table, changes in TABLES.items():
            columns = columns_of(table)
            count = BATCHES // 12 if table == "huleedu_consumedevent" else BATCHES
            kept = [name for name in columns if changes.get(name) != "DEFAULT"]
            values = ", ".join(
                changes.get(name, name).replace("mine(", "pg_temp.mine(nth, ") for name in kept
            )
            cursor.execute(MINE)
            cursor.execute(
                f"INSERT INTO {table} ({', '.join(kept)}) SELECT {values} FROM {table} AS original,"
                f" (SELECT nth, now() - nth * interval '365 days' / {count} AS moment,"
                "   (SELECT id FROM auth_user WHERE username ="
                f"    CASE WHEN nth % {TEACHERS} = 0 THEN 'year-teacher' ELSE 'year-' || nth % {TEACHERS} END"
                f"   ) AS teacher FROM generate_series(1, {count}) AS nth) AS copy"
                f" WHERE {condition(table, batch)}"
            )
        cursor.execute("VACUUM ANALYZE")


MINE = """
CREATE OR REPLACE FUNCTION pg_temp.mine(nth integer, original uuid) RETURNS uuid LANGUAGE sql IMMUTABLE AS
$$ SELECT md5(original::text || nth)::uuid $$
"""


def condition(table: str, batch: UUID) -> str:
    """Which rows of a table are the batch's."""
    if table == "batches_batch":
        return f"original.id = '{batch}'"
    if table == "essays_steprun":
        return f"original.slot_id IN (SELECT id FROM batches_essayslot WHERE batch_id = '{batch}')"
    if table == "huleedu_consumedevent":
        return "true"
    return f"original.batch_id = '{batch}'"


def columns_of(table: str) -> list[str]:
    """The columns of a table that are written."""
    with connection.cursor() as cursor:
        return [each.name for each in connection.introspection.get_table_description(cursor, table)]


def copy_contents(batch: UUID) -> int:
    """Each content as often as its rows: as links, which every reader takes for files of their own."""
    from django.conf import settings

    from files.content import storage_name
    from files.models import StoredContent

    root, made = Path(settings.STORAGE_ROOT), 0
    rows = list(StoredContent.objects.filter(batch_id=batch).values_list("kind", "pk"))
    with connection.cursor() as cursor:
        cursor.execute(MINE)
        for kind, content_id in rows:
            cursor.execute(
                f"SELECT pg_temp.mine(nth, %s) FROM generate_series(1, {BATCHES}) AS nth", [content_id]
            )
            original = root / storage_name(kind, content_id)
            for (copy_id,) in cursor.fetchall():
                target = root / storage_name(kind, copy_id)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.hardlink_to(original)
                made += 1
    return made


def table_sizes() -> dict[str, tuple[int, int]]:
    """Bytes of each table and of its indexes."""
    with connection.cursor() as cursor:
        cursor.execute(SIZES)
        return {name: (table, indexes) for name, table, indexes in cursor.fetchall()}


def tell_sizes(before: dict[str, tuple[int, int]], files: int) -> None:
    """Bytes for each file, by table and in the store."""
    total = 0
    for name, (table, indexes) in table_sizes().items():
        grown = table - before[name][0], indexes - before[name][1]
        total += sum(grown)
        if sum(grown) / files >= 10:
            Figure(
                f"{name}, bytes a file", f"{sum(grown) / files:,.0f}", f"indexes {grown[1] / files:,.0f}"
            ).tell()
    Figure("the database, bytes a file", f"{total / files:,.0f}", f"{total / 1024**2:,.0f} MB in all").tell()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT kind, count(*), sum(size) FROM files_storedcontent GROUP BY kind ORDER BY kind"
        )
        for kind, count, stored in cursor.fetchall():
            shown = f"{stored / 1024**2:,.0f} MB in all, {count:,} objects"
            Figure(f"the store, {kind}, bytes a file", f"{stored / files:,.0f}", shown).tell()


def tell_forgotten() -> None:
    """What does not stay."""
    Figure("forgotten", FORGOTTEN).tell()


def backup_and_restore(files: int) -> None:
    """The whole as commands do it, into a second database of the same server."""
    folder = Path(tempfile.mkdtemp(prefix="huleedu-year-"))
    try:
        (file,) = [folder / "year.tar"]
        took = seconds_of(lambda: run(["backup", str(file)], {}))
        Figure(
            f"backup of {files:,} files", f"{took:.0f} s", f"{file.stat().st_size / 1024**2:,.0f} MB"
        ).tell()
        checked = seconds_of(lambda: run(["restore", "--check", str(file)], {}))
        Figure("trying it (restore --check)", f"{checked:.0f} s").tell()
        place = {"DATABASE_URL": second_database(), "HULEEDU_STORAGE": str(folder / "content")}
        place["HULEEDU_VAR"] = str(folder)
        took = seconds_of(lambda: run(["restore", str(file), "--nothing-erased"], place))
        Figure("restore into a folder", f"{took:.0f} s").tell()
        looked = seconds_of(lambda: run(["verify_store"], place))
        Figure("verify_store there", f"{looked:.0f} s").tell()
    finally:
        shutil.rmtree(folder)


def second_database() -> str:
    """The address of an empty database beside the first; its administrator makes it."""
    import psycopg

    from huleedu.embedded import ADMINISTRATOR, OWNER, PostgresServer
    from huleedu.machine import places

    server = PostgresServer(Path(os.environ["HULEEDU_VAR"]))
    password = places.secret(server.var, "database-administrator")
    host = str(places.socket_folder(server.home))
    with psycopg.connect(
        host=host, user=ADMINISTRATOR, password=password, dbname="postgres", autocommit=True
    ) as database:
        database.execute(f"CREATE DATABASE year OWNER {OWNER}")
    return f"{server.url.rpartition('/')[0]}/year"


def run(words: list[str], variables: dict[str, str]) -> None:
    """A management command. Raises CalledProcessError."""
    subprocess.run(
        [sys.executable, "manage.py", *words],
        env={**os.environ, **variables},
        check=True,
        stdout=subprocess.DEVNULL,
    )
