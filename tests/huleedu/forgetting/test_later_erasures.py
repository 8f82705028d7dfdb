"""What was erased after a backup is erased in what is restored from it, or nobody is served."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db.models import F
from django.utils import timezone

from batches.actions import binning
from files.actions import removing
from files.models import FileUpload, StoredContent
from huleedu.accounts import closing, erasures
from huleedu.erasure import Erasure
from huleedu.fit.store_mark import NAME, claim_store
from huleedu.forgetting import erasing, repeating
from huleedu.forgetting.later_erasures import NotTold, Sources, in_store, place_of_store
from huleedu.models import Timer
from huleedu.postgres import standstill
from huleedu.subscriptions import TIMERS
from huleedu.work import timers
from tests.conftest import essay_bytes
from tests.huleedu.backing_up import Place, empty_place
from tests.pipeline import Pipeline

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(240)]


@pytest.fixture
def file(pipeline: Pipeline, teacher: User, tmp_path: Path) -> FileUpload:
    """One of two essays; the store is marked."""
    claim_store()
    batch = pipeline.register(teacher, 2)
    found = [pipeline.upload(batch, essay_bytes(number)) for number in range(2)]
    pipeline.run()
    return found[0]


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Place]:
    """Where nothing is yet."""
    with empty_place(tmp_path / "there") as found:
        yield found


def backed_up_then_erased(file: FileUpload, folder: Path) -> Path:
    """A backup that holds what was erased later."""
    call_command("backup", str(folder / "backup.tar"))
    removing.remove(file)
    erasing.carry_out(Erasure.objects.get())
    return folder / "backup.tar"


def days_left(place: Place, table: str, kind: str, key: str) -> dict[str, float]:
    """Of each erasure that is still to come: in how many days a table says that it is due."""
    question = (
        f"SELECT erasure.kind, extract(epoch FROM found.due_at - now()) / 86400 FROM {table} found "  # noqa: S608
        f"JOIN huleedu_erasure erasure ON erasure.id = found.{key} "
        f"WHERE erasure.ended_at IS NULL AND {kind}"
    )
    with place.connect() as database:
        return {str(name): float(str(days)) for name, days in database.execute(question.encode()).fetchall()}


def essays_in(place: Place) -> int:
    """How many originals a place holds, as rows."""
    with place.connect() as database:
        found = database.execute("SELECT count(*) FROM files_storedcontent WHERE kind = 'raw'").fetchone()
    assert found is not None
    return int(str(found[0]))


def test_the_old_store_is_found_and_read(file: FileUpload, tmp_path: Path, there: Place) -> None:
    backup = backed_up_then_erased(file, tmp_path)
    done = there.manage("restore", str(backup))
    assert (done.returncode, "1 erasures repeated." in done.stdout) == (0, True), done
    assert essays_in(there) == 1
    assert StoredContent.objects.filter(kind="raw").count() == 1


def test_nobody_is_served_until_somebody_says_what_was_erased(
    file: FileUpload, tmp_path: Path, there: Place, content_folder: Path
) -> None:
    backup = backed_up_then_erased(file, tmp_path)
    call_command("repeat_erasures", "--export", str(tmp_path / "list"))
    elsewhere = content_folder.rename(tmp_path / "elsewhere")
    content_folder.mkdir()
    done = there.manage("restore", str(backup))
    assert (done.returncode, "NOT YET TO BE USED" in done.stderr) == (4, True), done
    assert essays_in(there) == 2
    for command in (["account", "list"], ["repeat_erasures"]):
        refused = there.manage(*command)
        assert refused.returncode == 78, refused
        assert "manage.py repeat_erasures --old-store FOLDER" in refused.stderr, refused
    (there.folder / "secrets").mkdir(mode=0o700)
    (there.folder / "secrets" / "secret-key").write_text("s" * 50)  # as in an installation's own folder
    seen = there.manage("check_installation")
    assert (seen.returncode, "This command: A backup as of " in seen.stdout) == (1, True), seen
    told = there.manage("repeat_erasures", "--old-store", str(elsewhere), "--ledger", str(tmp_path / "list"))
    assert (told.returncode, "may be used now" in told.stdout) == (0, True), told
    assert essays_in(there) == 1
    with there.connect() as database:
        assert standstill.read(database) is None


def test_what_waited_in_an_old_backup_waits_its_whole_time_once_more(
    pipeline: Pipeline, file: FileUpload, colleague: User, tmp_path: Path, there: Place
) -> None:
    """Its day passed while it lay in the backup: somebody may have taken it back, or want to now."""
    batch = file.batch
    kept, erased = (pipeline.completed(batch.owner, essay_bytes(number)) for number in (5, 6))
    for each in (kept, erased):
        binning.delete(each.pk, batch.owner.pk)
    closing.delete_account(colleague)
    removing.remove(file)
    days = timedelta(days=10)
    Erasure.objects.update(due_at=F("due_at") - 4 * days)
    Timer.objects.filter(kind="erase").update(due_at=F("due_at") - 4 * days)
    call_command("backup", str(tmp_path / "backup.tar"))
    erasing.carry_out(Erasure.objects.get(batch_id=erased.pk, kind="batch"))
    done = there.manage("restore", str(tmp_path / "backup.tar"))
    assert (done.returncode, "1 erasures repeated." in done.stdout) == (0, True), done
    assert "1 deleted batches, 1 deleted accounts and 1 removed files" in done.stdout, done
    due = days_left(there, "huleedu_erasure", "true", "id")
    assert due == pytest.approx({"batch": 30, "account": 30, "file": 1}, abs=0.1)
    timers = days_left(there, "huleedu_timer", "found.kind = 'erase'", "batch_id")
    assert timers == pytest.approx(due, abs=0.001)
    assert re.search(r"^colleague\tteacher\terased on \d{4}-", there.manage("account", "list").stdout, re.M)


def test_a_copied_state_folder_is_told_to_wait_once_more(file: FileUpload, colleague: User) -> None:
    removing.remove(file)
    closing.delete_account(colleague)
    past = timezone.now() - timedelta(days=1)
    Erasure.objects.update(due_at=past)
    Timer.objects.filter(kind="erase").update(due_at=past)
    call_command("repeat_erasures", "--wait-anew", stdout=(out := StringIO()))
    assert "0 deleted batches, 1 deleted accounts and 1 removed files" in out.getvalue()
    assert not Timer.objects.filter(kind="erase", due_at__lt=timezone.now()).exists()
    closing.keep_account(colleague)
    removing.restore(FileUpload.objects.get(pk=file.pk), file.batch.owner)


def test_what_was_begun_or_is_queued_does_not_wait(file: FileUpload) -> None:
    removing.remove(file)
    erasure = Erasure.objects.get()
    Timer.objects.filter(kind="erase").update(due_at=timezone.now())
    timers.fire_due(TIMERS)
    erasures.wait_anew()
    assert Erasure.objects.get().due_at == erasure.due_at


def test_a_list_is_read_before_anything_is_changed(file: FileUpload, tmp_path: Path) -> None:
    call_command("backup", str(tmp_path / "backup.tar"))
    (tmp_path / "list").write_text('{"id": 1}\n')
    with pytest.raises(CommandError, match=r"^Nothing was changed\. This tells of no erasure: line 1 of "):
        call_command("restore", str(tmp_path / "backup.tar"), "--ledger", str(tmp_path / "list"))


@pytest.mark.parametrize("text", ['{"id": 1}', "[]", "{", '{"id": "x", "asked_at": 3}'])
def test_a_line_that_is_no_erasure_is_named(file: FileUpload, tmp_path: Path, text: str) -> None:
    (tmp_path / "list").write_text(f"\n{text}\n")
    with pytest.raises(CommandError, match="This tells of no erasure: line 2 of "):
        call_command("repeat_erasures", "--ledger", str(tmp_path / "list"))


def test_half_a_note_is_passed_over(file: FileUpload) -> None:
    """As a process leaves it that was killed while it wrote."""
    removing.remove(file)
    erasing.carry_out(erasure := Erasure.objects.get())
    default_storage.save(f"{erasing.NOTES}/{erasure.pk.hex}.1.partial", ContentFile(b'{"id'))
    assert {facts["id"] for facts in repeating.known_erasures()} == {str(erasure.pk)}


def test_another_installations_store_tells_nothing(file: FileUpload, tmp_path: Path) -> None:
    removing.remove(file)
    erasing.carry_out(Erasure.objects.get())
    with pytest.raises(NotTold, match="of another installation"):
        in_store(place_of_store(), "another")
    with pytest.raises(NotTold, match="is no content store of HuleEdu"):
        in_store(str(tmp_path), "another")
    with default_storage.open(NAME) as mark:
        identity = mark.read().decode().strip()
    (facts,) = Sources(old_store=place_of_store()).read(identity)
    assert json.dumps(facts)
