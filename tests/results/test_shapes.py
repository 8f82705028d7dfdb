"""What the API says a status may be is what the models know."""

from typing import Any, get_args

import pytest
from django.db.models import TextChoices

from batches.models import Batch, EssaySlot
from batches.shapes import BatchStatus, Language
from essays.models import StepRun
from essays.shapes import EssayStatus
from files.models import FileUpload
from files.shapes import FileStatus
from huleedu.events.phase import StepStatus
from huleedu.events.vocabulary import BatchPhaseConcluded
from results.queries import COUNTED
from results.shapes import BatchCounts, PhaseStatus


@pytest.mark.parametrize(
    ("told", "known"),
    [
        (BatchStatus, Batch.Status),
        (EssayStatus, EssaySlot.Status),
        (FileStatus, FileUpload.Status),
        (Language, Batch.Language),
        (StepStatus, StepRun.Status),
    ],
)
def test_a_status_has_the_same_values_everywhere(told: Any, known: type[TextChoices]) -> None:
    assert list(get_args(told)) == known.values


def test_a_phase_is_as_it_concluded_or_runs() -> None:
    concluded = BatchPhaseConcluded.model_fields["status"].annotation
    assert set(get_args(PhaseStatus)) == {"running", *get_args(concluded)}


def test_every_present_status_of_a_file_is_counted() -> None:
    assert {str(status) for status in COUNTED.values()} == set(FileUpload.Status.values) - {"removed"}
    assert BatchCounts.model_fields.keys() == COUNTED.keys() | {"free", "received"}
