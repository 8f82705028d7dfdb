"""Backups: what is in them, that they come back whole, and what is refused or handled on the way."""

import errno
import json
import os
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from files.content import storage_name
from files.models import FileUpload, StoredContent
from huleedu.accounts.authentication import make_token
from huleedu.backup import archive, backups, drill, sealing
from huleedu.backup.postgres_tools import Address
from huleedu.fit.store_mark import NAME, claim_store
from huleedu.models import ApiToken, Backup, Feed, Installation, WorkItem
from huleedu.postgres import standstill
from huleedu.postgres.database_schema import applied_migrations
from tests.conftest import essay_bytes
from tests.faults.ending import database_address
from tests.huleedu.backing_up import Place, empty_place
from tests.pipeline import Pipeline
from tests.results.exports.material import ask, made

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(240)]
ESSAYS = 3


@pytest.fixture
def full(pipeline: Pipeline, teacher: User, tmp_path: Path) -> list[FileUpload]:
    """A batch of three essays that is complete, one that has just come, a token, and a marked store."""
    claim_store()
    batch = pipeline.register(teacher, ESSAYS)
    files = [pipeline.upload(batch, essay_bytes(number)) for number in range(ESSAYS)]
    pipeline.run()
    open_batch = pipeline.register(teacher, ESSAYS)
    files.append(pipeline.upload(open_batch, essay_bytes(ESSAYS)))
    pipeline.relay.drain()
    make_token(teacher, "script")
    return files


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """A secret key; its public one is beside it."""
    call_command("make_backup_key", str(tmp_path / "key"), verbosity=0)
    return tmp_path / "key"


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Place]:
    """Where nothing is yet."""
    with empty_place(tmp_path / "there") as found:
        yield found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where backups go."""
    found = tmp_path / "backups"
    found.mkdir()
    return found


def take(folder: Path, *options: str) -> Path:
    """Take a backup into ``folder``, which has none of its name yet."""
    before = set(folder.iterdir())
    call_command("backup", str(folder), *options)
    (found,) = set(folder.iterdir()) - before
    return found


def object_file(content_folder: Path, row: StoredContent) -> Path:
    """Where its bytes lie."""
    return content_folder / storage_name(row.kind, row.pk)


@pytest.mark.parametrize("encrypted", [False, True], ids=["clear", "encrypted"])
def test_what_was_there_comes_back(
    full: list[FileUpload], folder: Path, keys: Path, there: Place, encrypted: bool, content_folder: Path
) -> None:
    file = take(folder, "--verify", *(["--key-file", str(keys)] if encrypted else []))
    assert file.stat().st_mode & 0o777 == 0o600
    assert (essay_bytes(0) in file.read_bytes()) is not encrypted
    kept = Backup.objects.get()
    assert (kept.contents, kept.size, kept.encrypted, kept.verified) == (
        StoredContent.objects.count(),
        file.stat().st_size,
        encrypted,
        True,
    )
    done = there.manage("restore", str(file), *(["--key-file", str(keys)] if encrypted else []))
    assert done.returncode == 0, done.stderr
    assert "Everybody signs in again" in done.stdout
    looked = there.manage("verify_store")
    assert (looked.returncode, looked.stdout.split(",")[1].strip()) == (0, "0 damaged."), looked
    for row in StoredContent.objects.all():
        restored = there.folder / "content" / storage_name(row.kind, row.pk)
        assert restored.read_bytes() == object_file(content_folder, row).read_bytes()


def test_exports_are_not_in_it_and_can_be_made_again(
    full: list[FileUpload], pipeline: Pipeline, folder: Path, there: Place
) -> None:
    ready = made(pipeline, full[0].batch, "pdf")
    waiting = ask(full[0].batch, "csv")
    assert ready.storage_id is not None
    file = take(folder, "--verify")
    with tarfile.open(file) as tar:
        names = [name for name in tar.getnames() if name.startswith("content/")]
    assert len(names) == StoredContent.objects.exclude(kind=StoredContent.Kind.MADE).count()
    assert not any("/made/" in name for name in names)
    done = there.manage("restore", str(file))
    assert done.returncode == 0, done.stderr
    assert "1 exports are not in a backup" in done.stdout
    assert "0 damaged." in there.manage("verify_store").stdout
    with there.connect() as database:
        rows = database.execute("SELECT id, status, storage_id, size FROM results_export").fetchall()
        assert set(rows) == {(ready.pk, "ended", None, None), (waiting.pk, "queued", None, None)}
        assert database.execute(
            "SELECT count(*) FROM files_storedcontent WHERE kind = 'made'"
        ).fetchone() == (0,)
        queued = database.execute("SELECT subject_id FROM huleedu_workitem WHERE step = 'export'").fetchall()
        assert queued == [(waiting.pk,)]


def test_the_restored_installation_is_another_one(
    full: list[FileUpload], folder: Path, there: Place, content_folder: Path
) -> None:
    """The old one may go on: its store, tokens, leases, numbers and signs of life are not the new one's."""
    WorkItem.objects.update(state="running", leased_at="2026-01-01T00:00Z", worker="old")
    done = there.manage("restore", str(take(folder)))
    assert done.returncode == 0, done.stderr
    old = Installation.objects.get()
    with there.connect() as database:

        def ask(question: str) -> list[tuple[Any, ...]]:
            return database.execute(question).fetchall()

        ((identity, key, marked),) = ask("SELECT identity, key, store_marked FROM huleedu_installation")
        assert (identity != old.identity, key, marked) == (True, "", True)
        assert (there.folder / "content" / NAME).read_text().strip() == str(identity)
        assert (content_folder / NAME).read_text().strip() == str(old.identity)
        assert ask("SELECT count(*) FROM huleedu_apitoken WHERE revoked_at IS NULL") == [(0,)]
        assert ask("SELECT DISTINCT state, worker, leased_at FROM huleedu_workitem") == [("queued", "", None)]
        assert ask("SELECT count(*) FROM django_q_ormq") == [(0,)]
        assert ask("SELECT count(*) FROM huleedu_relaypresence") == [(0,)]
        epochs = {epoch for (epoch,) in ask("SELECT epoch FROM huleedu_feed")}
    assert ApiToken.objects.filter(revoked_at=None).count() == 1
    assert len(epochs) == 2 and not epochs & set(Feed.objects.values_list("epoch", flat=True))


def test_nothing_is_restored_over_what_is_there(
    full: list[FileUpload], folder: Path, there: Place, tmp_path: Path
) -> None:
    file = take(folder)
    (there.folder / "content" / "raw" / "00").mkdir(parents=True)
    stray = there.folder / "content" / "raw" / "00" / ("0" * 32)
    stray.write_bytes(b"somebody's")
    done = there.manage("restore", str(file))
    assert done.returncode == 2
    assert "Nothing was changed. The content store is not empty" in done.stderr
    assert stray.read_bytes() == b"somebody's"
    stray.unlink()
    assert there.manage("restore", str(file)).returncode == 0
    done = there.manage("restore", str(file))
    assert done.returncode == 2
    assert "Nothing was changed. The database is not empty" in done.stderr


def spoil_cut(file: Path) -> None:
    """What follows the last piece is only padding."""
    os.truncate(file, file.stat().st_size - 11_300)


def spoil_half(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def spoil_byte(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.seek(file.stat().st_size * 2 // 3)
        byte = opened.read(1)
        opened.seek(-1, os.SEEK_CUR)
        opened.write(bytes([byte[0] ^ 1]))


def spoil_foreign(file: Path) -> None:
    file.write_bytes(b"PK\x03\x04 something else")


def spoil_empty(file: Path) -> None:
    file.write_bytes(b"")


SPOILS = {each.__name__[6:]: each for each in (spoil_cut, spoil_half, spoil_byte, spoil_foreign, spoil_empty)}


@pytest.mark.parametrize("encrypted", [False, True], ids=["clear", "encrypted"])
def test_a_spoilt_backup_is_refused_before_any_change(
    full: list[FileUpload], folder: Path, keys: Path, encrypted: bool
) -> None:
    """Before the target is even looked at, which is not empty here."""
    options = ["--key-file", str(keys)] if encrypted else []
    whole = take(folder, *options).read_bytes()
    for name, spoil in SPOILS.items():
        file = folder / name
        file.write_bytes(whole)
        spoil(file)
        with pytest.raises(CommandError, match=r"^Nothing was changed\. ") as told:
            call_command("restore", str(file), *options)
        assert told.value.returncode == 2, name
        assert "database is not empty" not in str(told.value), name
    with Address.of_django().connect() as database:
        assert standstill.read(database) is None


def test_a_stranger_cannot_open_it_and_hears_why(
    full: list[FileUpload], folder: Path, keys: Path, tmp_path: Path
) -> None:
    public = Path(f"{keys}.pub")
    file = take(folder, "--key-file", str(public))
    call_command("make_backup_key", str(tmp_path / "another"), verbosity=0)
    for options, words in (
        ([], "is encrypted"),
        (["--key-file", str(public)], "public key"),
        (["--key-file", str(tmp_path / "another")], "encrypted for another"),
        (["--key-file", str(tmp_path / "none")], "cannot be read"),
    ):
        with pytest.raises(CommandError, match=words):
            call_command("restore", str(file), *options)
    with pytest.raises(CommandError, match="The database is not empty"):
        call_command("restore", str(file), "--key-file", str(keys))


def test_a_newer_versions_backup_names_what_is_missing(
    full: list[FileUpload], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = applied_migrations()
    monkeypatch.setattr(backups, "applied_migrations", lambda: known | {("files", "9999_tomorrow")})
    with pytest.raises(CommandError, match=r"newer HuleEdu .*files\.9999_tomorrow"):
        call_command("restore", str(take(folder)))


def test_keys_are_in_it_only_when_asked_for(full: list[FileUpload], folder: Path, there: Place) -> None:
    assert drill.read_through(take(folder), None).key == b""
    file = folder / "with-key.tar"
    call_command("backup", str(file), "--with-key")
    done = there.manage("restore", str(file), SECRET_KEY="")
    assert done.returncode == 0, done.stderr
    kept = there.folder / "secrets" / "secret-key"
    assert kept.read_bytes() == drill.read_through(file, None).key != b""
    assert kept.stat().st_mode & 0o777 == 0o600


def test_what_is_erased_meanwhile_stays_erased(
    full: list[FileUpload],
    folder: Path,
    there: Place,
    content_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Between the moment of the backup and the reading of its bytes."""
    gone = StoredContent.objects.filter(kind="raw").first()
    assert gone is not None
    real = backups.add_contents

    def erase_first(writer: archive.Writer, wanted: Any) -> tuple[list[str], list[str]]:
        object_file(content_folder, gone).unlink()
        StoredContent.objects.filter(pk=gone.pk).delete()
        return real(writer, wanted)

    monkeypatch.setattr(backups, "add_contents", erase_first)
    file = take(folder, "--verify")
    assert drill.read_through(file, None).end.erased == [str(gone.pk)]
    assert there.manage("restore", str(file)).returncode == 0
    assert there.manage("verify_store").returncode == 0


def test_damaged_content_is_said_and_costs_nothing_else(
    full: list[FileUpload], folder: Path, content_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    take(folder)
    row = StoredContent.objects.filter(kind="text").first()
    assert row is not None
    object_file(content_folder, row).write_bytes(b"x" * row.size)
    time.sleep(1.1)  # names tell seconds, and nothing is written over
    with pytest.raises(SystemExit) as left:
        call_command("backup", str(folder), "--keep", "1")
    assert left.value.code == 1
    assert "1 contents were missing or changed" in capsys.readouterr().err
    assert len(list(folder.iterdir())) == 2, "a good one is never removed for a worse"
    newest = max(folder.iterdir())
    assert drill.read_through(newest, None).end.damaged == [str(row.pk)]


def test_a_store_that_is_away_leaves_no_backup(
    full: list[FileUpload], folder: Path, content_folder: Path
) -> None:
    content_folder.rename(content_folder.with_name("unplugged"))
    with pytest.raises(
        CommandError, match=r"No backup was written\. The content store is not the installation's"
    ) as told:
        call_command("backup", str(folder))
    assert told.value.returncode == 2
    assert list(folder.iterdir()) == []
    assert not Backup.objects.exists()


class FullDisk:
    """A file on a disk with little room."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._left = file, 20_000

    def write(self, data: bytes) -> int:
        self._left -= len(data)
        if self._left < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self._file.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


@pytest.mark.parametrize("encrypted", [False, True], ids=["clear", "encrypted"])
def test_a_full_disk_is_said_and_nothing_stays(
    full: list[FileUpload], folder: Path, keys: Path, encrypted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = backups.take
    monkeypatch.setattr(backups, "take", lambda file, *rest, **named: real(FullDisk(file), *rest, **named))  # type: ignore[arg-type]
    with pytest.raises(CommandError, match="There is no room left"):
        call_command("backup", str(folder), *(["--key-file", str(keys)] if encrypted else []))
    assert list(folder.iterdir()) == []


def test_a_file_that_is_there_is_never_written_over(full: list[FileUpload], folder: Path) -> None:
    file = folder / "mine.tar"
    file.write_text("mine")
    with pytest.raises(CommandError, match="it is there already"):
        call_command("backup", str(file))
    assert file.read_text() == "mine"
    with pytest.raises(CommandError, match="No such file or directory"):
        call_command("backup", str(folder / "nowhere" / "file.tar"))


def test_the_newest_are_kept(full: list[FileUpload], folder: Path) -> None:
    for day in (1, 2, 3):
        (folder / f"huleedu-2026-01-0{day}T000000Z.tar").touch()
    (folder / "other.tar").touch()
    call_command("backup", str(folder), "--keep", "2")
    names = sorted(path.name for path in folder.iterdir())
    assert names[0] == "huleedu-2026-01-03T000000Z.tar" and names[2] == "other.tar" and len(names) == 3


def test_anybody_can_open_a_clear_one_with_tar(full: list[FileUpload], folder: Path) -> None:
    with tarfile.open(take(folder)) as opened:
        names = opened.getnames()
        about = opened.extractfile(archive.ABOUT)
        assert about is not None
        told = json.loads(about.read())
    assert names[0] == archive.ABOUT and names[-1] == archive.END
    assert told["rows"]["files_fileupload"] == ESSAYS + 1
    assert "django_session" not in told["rows"]
    contents = {UUID(hex=name.rpartition("/")[2]) for name in names if name.startswith(archive.CONTENT)}
    assert contents == set(StoredContent.objects.values_list("pk", flat=True))


def test_a_killed_restore_refuses_to_serve_and_begins_anew(
    full: list[FileUpload], folder: Path, there: Place
) -> None:
    file = take(folder)
    for place in ("restore.after_database", "restore.after_content", "restore.before_end"):
        killed = there.manage("restore", str(file), HULEEDU_FAILPOINT=f"{place}:kill9")
        assert killed.returncode == -9, killed
    for command, variables in ((["migrate"], {}), (["relay"], {"HULEEDU_PROCESS": "standby"})):
        refused = there.manage(*command, **variables)
        assert refused.returncode == 78, refused
        assert "A backup is being restored into this database" in refused.stderr
    other = take_another(folder)
    assert "This is another backup" in there.manage("restore", str(other)).stderr
    done = there.manage("restore", str(file))
    assert done.returncode == 0, done.stderr
    assert there.manage("verify_store").returncode == 0


def take_another(folder: Path) -> Path:
    """A backup of the same moment or later, with an id of its own."""
    file = folder / "another.tar"
    call_command("backup", str(file))
    return file


def test_a_killed_backup_leaves_no_file_of_the_name(
    full: list[FileUpload], folder: Path, tmp_path: Path, content_folder: Path
) -> None:
    here = Place(tmp_path, database_address())
    killed = here.manage("backup", str(folder), HULEEDU_FAILPOINT="backup.before_name:kill9")
    assert killed.returncode == -9, killed.stderr
    (left,) = folder.iterdir()
    assert left.name.endswith(".partial") and left.name.startswith(".")
    assert not Backup.objects.exists()
    done = here.manage("backup", str(folder))
    assert done.returncode == 0, done.stderr
    (only,) = folder.iterdir()
    assert drill.read_through(only, None).about.contents == StoredContent.objects.count()


def test_sealed_streams_are_whole_or_damaged(tmp_path: Path) -> None:
    key = tmp_path / "key"
    sealing.make_keys(key)
    data = os.urandom(300_000)
    sealed = tmp_path / "sealed"
    with sealed.open("wb") as target, sealing.sealing(target, sealing.public_keys(key)) as clear:
        clear.write(data)
    whole = sealed.read_bytes()
    for cut in (len(whole), len(whole) - 1, len(whole) - len(whole) % 65536, 70_000, 40):
        sealed.write_bytes(whole[:cut])
        if cut == len(whole):
            with sealed.open("rb") as source, sealing.opening(source, sealing.secret_keys(key)) as found:
                assert found.read() == data
            continue
        with (
            pytest.raises(sealing.Damaged),
            sealed.open("rb") as source,
            sealing.opening(source, sealing.secret_keys(key)) as found,
        ):
            found.read()
