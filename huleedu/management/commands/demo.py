"""``manage.py demo``: two sample batches for the teacher, from the essays in ``docs/demo_essays``."""

from argparse import ArgumentParser
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.core.files import File
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

from batches.actions.registering import Registration, register
from batches.models import Batch
from files.actions.incoming import Incoming
from files.actions.receiving import receive
from files.actions.reports import upload_finished
from huleedu.events.outbox import tell

ESSAYS = Path(settings.BASE_DIR) / "docs" / "demo_essays"


@dataclass(frozen=True)
class Sample:
    """A batch and its files, sent in this order: what fails comes first, while the batch is still open."""

    language: str
    title: str
    class_name: str
    bad: tuple[str, ...]
    good: tuple[str, ...]


SAMPLES = (
    Sample(
        "sv",
        "En dag jag minns",
        "8B",
        ("Tom uppsats.txt", "Foto.png"),
        ("Alma.txt", "Noel.md", "Saga.txt", "Yusuf.txt"),
    ),
    Sample("en", "An argument of my own", "9A", (), ("Elin.txt", "Leo.txt", "Maryam.md", "Oskar.txt")),
)


class Command(BaseCommand):
    """Fills a running copy with something to look at."""

    help = (
        "Register two sample batches for a teacher and send their essays in, while HuleEdu runs. "
        "Example: manage.py demo --username alma.berg"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--username", default="teacher", help="whose batches they become")

    def handle(self, username: str, **_options: object) -> None:
        try:
            owner = get_user_model().objects.filter(username=username).first()
            if owner is None:
                raise CommandError(f"There is no account {username!r}. Name another: --username NAME.")
            for sample in SAMPLES:
                batch = send(owner, sample)
                self.stdout.write(f"{sample.title}: {address(batch)}")
        except OperationalError as error:
            raise CommandError(
                f"The database does not answer. Start HuleEdu first, with make run or its service ({error})"
            ) from error


def send(owner: User, sample: Sample) -> Batch:
    """Register the sample's batch and send its files as a browser would."""
    batch = register(
        owner,
        Registration(
            expected_essay_count=len(sample.good),
            title=sample.title,
            class_name=sample.class_name,
            language=sample.language,
        ),
    )
    names = (*sample.bad, *sample.good)
    correlation_id = uuid4()
    for name in names:
        with (ESSAYS / sample.language / name).open("rb") as opened:
            receive(batch.pk, owner, Incoming(file=File(opened), filename=name), correlation_id)
    tell(upload_finished(batch, correlation_id, uuid4(), len(names)))
    return batch


def address(batch: Batch) -> str:
    """Where the batch is shown on this machine."""
    return f"http://{settings.HOST}:{settings.PORT}/batches/{batch.pk}/"
