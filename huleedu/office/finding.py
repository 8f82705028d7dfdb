"""What support may have been given on the telephone, and the files, batches and teachers that it means."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import reduce
from operator import and_
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from batches.models import Batch, EssaySlot
from essays.models import StepRun
from files.models import FileUpload, StoredContent
from huleedu.events.phases import every_code
from huleedu.folding import words_of
from huleedu.models import DeadLetter, LoggedEvent
from huleedu.support.ids import ids_from, ids_in
from results.models import Export

MOST = 20  # rows of a kind
LEAST_LETTERS = 3  # of a name that is searched for
RECENT = timedelta(days=7)


@dataclass
class Found:
    """What was found, the newest first; ``more`` when there is more than is shown."""

    teachers: list[User] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)
    files: list[FileUpload] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    more: bool = False

    def owners(self) -> set[int]:
        """Whose it is."""
        return {row.owner_id for row in self.batches} | {file.batch.owner_id for file in self.files}

    def take(self, files: QuerySet[FileUpload], batches: QuerySet[Batch]) -> None:
        """Read the newest of both."""
        newest_files = files.select_related("batch__owner", "slot").order_by("-created_at")[: MOST + 1]
        attention = Count("files", filter=Q(files__status__in=FileUpload.NEEDS_ATTENTION))
        newest = batches.select_related("owner").annotate(attention=attention).order_by("-created_at")
        self.files, self.batches = list(newest_files), list(newest[: MOST + 1])
        self.more = max(len(self.files), len(self.batches)) > MOST
        del self.files[MOST:], self.batches[MOST:]


def find(term: str) -> Found:
    """What ``term`` means without a look at any name of a file or batch: ids, codes, teachers."""
    found = Found(codes=codes_in(term))
    if ids := ids_in(term):
        found.take(meant(files_of(ids), found.codes), batches_of(ids))
        if found.batches and not found.files:
            found.take(FileUpload.objects.filter(batch__in=found.batches), batches_of(ids))
    elif (between := ids_from(term.strip())) is not None:
        places = some(EssaySlot.objects.filter(pk__range=between), "batch_id")
        batches = Batch.objects.filter(Q(pk__range=between) | Q(pk__in=places))
        found.take(FileUpload.objects.filter(pk__range=between), batches)
    elif found.codes:
        found.take(failed_with(found.codes), Batch.objects.none())
    if not ids and not found.codes:
        found.teachers = teachers_called(term)
        if len(found.teachers) == 1 and not found.files and not found.batches:
            (teacher,) = found.teachers
            own = FileUpload.objects.filter(batch__owner=teacher, status__in=FileUpload.NEEDS_ATTENTION)
            found.take(own, Batch.objects.filter(owner=teacher))
    return found


def find_named(term: str) -> Found:
    """Files and batches whose name, folder, title or class holds every word of ``term``."""
    words, found = words_of(term.replace("\0", "")), Found()
    if sum(map(len, words)) >= LEAST_LETTERS:
        holding = reduce(and_, [Q(folded__contains=word) for word in words])
        found.take(FileUpload.objects.present().filter(holding), Batch.objects.filter(holding))
    return found


def may_be_named(term: str) -> bool:
    """Whether ``term`` may be a name: it holds no id and no code, and is long enough."""
    return sum(map(len, words_of(term))) >= LEAST_LETTERS and not ids_in(term) and not codes_in(term)


def codes_in(term: str) -> list[str]:
    """The error codes that ``term`` holds."""
    told = set(term.upper().replace("·", " ").replace(",", " ").split())
    return [code for code in every_code() if code in told]


def files_of(ids: Iterable[UUID]) -> QuerySet[FileUpload]:
    """Files that have one of ``ids``, or were told of under it. Each is looked for by an index."""
    ids = list(ids)
    told = LoggedEvent.objects.filter(correlation_id__in=ids, file_upload_id__isnull=False)
    dead = DeadLetter.objects.filter(correlation_id__in=ids, file_upload_id__isnull=False)
    known = {*ids, *some(told, "file_upload_id"), *some(dead, "file_upload_id")}
    by_id = Q(pk__in=known) | Q(correlation_id__in=ids) | Q(slot_id__in=ids)
    if holders := some(StoredContent.objects.filter(pk__in=ids), "batch_id"):
        by_id |= Q(batch_id__in=holders) & (Q(raw_storage_id__in=ids) | Q(text_storage_id__in=ids))
    return FileUpload.objects.filter(by_id)


def some(rows: QuerySet[Any], column: str) -> set[UUID]:
    """What stands in ``column`` of a few more than are shown: values, for a query in a query reads all."""
    return set(rows.order_by().values_list(column, flat=True).distinct()[: MOST + 1]) - {None}


def batches_of(ids: Iterable[UUID]) -> QuerySet[Batch]:
    """Batches that have one of ``ids``, an export or an empty place that has, or nothing but were told of."""
    ids = list(ids)
    exports = some(Export.objects.filter(Q(pk__in=ids) | Q(correlation_id__in=ids)), "batch_id")
    empty = some(EssaySlot.objects.filter(pk__in=ids, file=None), "batch_id")
    alone = some(LoggedEvent.objects.filter(correlation_id__in=ids, file_upload_id=None), "batch_id")
    return Batch.objects.filter(Q(pk__in={*ids, *exports, *empty, *alone}) | Q(correlation_id__in=ids))


def meant(files: QuerySet[FileUpload], codes: list[str]) -> QuerySet[FileUpload]:
    """Those of ``files`` that failed with ``codes``, all when none did: files of one request share an id."""
    failed = among(files, codes)
    return failed if codes and failed.exists() else files


def failed_with(codes: list[str]) -> QuerySet[FileUpload]:
    """Files of this week that failed so, or whose essay did."""
    return among(FileUpload.objects.filter(created_at__gte=Now() - RECENT), codes)


def among(files: QuerySet[FileUpload], codes: list[str]) -> QuerySet[FileUpload]:
    """Those of ``files`` that failed with one of ``codes``, or whose essay did."""
    steps = StepRun.objects.filter(
        file_upload_id=OuterRef("pk"), status="failed", error__error_code__in=codes
    )
    return files.filter(Q(error__error_code__in=codes) | Exists(steps))


def teachers_called(term: str) -> list[User]:
    """The account of that name or address, else those whose name holds ``term``."""
    name = term.replace("\0", "").strip()
    if not name:
        return []
    exact = list(User.objects.filter(Q(username__iexact=name) | Q(email__iexact=name)).order_by("pk")[:MOST])
    if exact or len(name) < LEAST_LETTERS:
        return exact
    return list(User.objects.filter(username__icontains=name).order_by("username")[:MOST])
