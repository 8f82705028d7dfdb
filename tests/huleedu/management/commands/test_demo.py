"""The sample batches: every kind of outcome, from files that lie in the repository."""

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from batches.models import Batch
from files.models import FileUpload
from huleedu.management.commands.demo import ESSAYS, SAMPLES
from results.models import EssayResult
from tests.pipeline import Pipeline


def test_the_samples_run_through(
    pipeline: Pipeline, teacher: User, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("demo")
    pipeline.run()
    swedish, english = Batch.objects.order_by("created_at")
    assert f"/batches/{swedish.pk}/" in capsys.readouterr().out
    assert (swedish.status, english.status) == ("completed_with_failures", "completed")
    assert EssayResult.objects.filter(batch__owner=teacher).count() == 8
    errors = {upload.filename: upload.error for upload in FileUpload.objects.filter(status="failed")}
    assert {name: error["error_code"] for name, error in errors.items() if error} == {
        "Tom uppsats.txt": "EMPTY_CONTENT",
        "Foto.png": "UNSUPPORTED_FORMAT",
    }
    for result in EssayResult.objects.all():
        assert result.phases["spellcheck"]["findings"] >= 1, result.file.filename


def test_every_file_of_the_folder_is_sent() -> None:
    named = {(sample.language, name) for sample in SAMPLES for name in (*sample.bad, *sample.good)}
    assert named == {(path.parent.name, path.name) for path in ESSAYS.glob("*/*")}


@pytest.mark.django_db
def test_a_missing_account_is_said() -> None:
    with pytest.raises(CommandError, match="no account"):
        call_command("demo", username="nobody")
