"""One upload request: what arrived against what the manifest says, and taking each file in."""

import io
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone
from pydantic import TypeAdapter, ValidationError
from rest_framework.exceptions import ParseError

from batches.models import Batch
from files.actions import receiving
from files.actions.incoming import Incoming
from files.models import FileUpload
from files.multipart import Part
from files.names import clean_name, folder_of
from files.shapes import ManifestEntry
from huleedu.answers.error_words import make_detail
from huleedu.answers.problems import BUSY_SECONDS, TITLES, Problem
from huleedu.api.api_view import check_text, error_list, field_error, invalid
from huleedu.api.idempotency import kept_key
from huleedu.api.parsers import StrictJSONParser
from huleedu.api.quotas import EASING
from huleedu.events.vocabulary import EssayUploadFinished
from huleedu.failures.errors import ErrorCode, Refused, StorageFailed, is_out_of_room

RECEIVE = "receive"
MANIFEST = TypeAdapter(list[ManifestEntry])


@dataclass(frozen=True)
class Arrival:
    """A file that arrived as announced; ``index`` is its place in the manifest, or in the request."""

    index: int
    part: Part
    entry: ManifestEntry | None

    @property
    def client_ref(self) -> str | None:
        """The client's name for the file."""
        return self.entry.client_ref if self.entry else None

    @property
    def filename(self) -> str:
        """The name to show: the manifest's is unharmed by the form's escaping."""
        return self.entry.filename if self.entry else self.part.name

    @property
    def folder(self) -> str:
        """Where the file lay: as the manifest says, else as a name that came with its path tells."""
        told = (self.entry.folder or folder_of(self.entry.filename)) if self.entry else ""
        return told or self.part.folder

    def upload_key(self, key: str | None) -> str | None:
        """What makes a repeat find this file's row: a key of its own, or the request's and its place."""
        content = self.part.sha256[:24]
        if self.entry and self.entry.idempotency_key:
            return f"{kept_key(self.entry.idempotency_key)}:{content}"
        return f"{key}:{self.index}:{content}" if key else None


@dataclass(frozen=True)
class Comparison:
    """Manifest and files: what matches, what is missing or damaged, and what nobody announced."""

    arrivals: list[Arrival]
    missing: list[ManifestEntry]
    unexpected: list[str]


@dataclass(frozen=True)
class Receipt:
    """What became of one file; ``failure`` is why nothing was kept of it."""

    arrival: Arrival
    row: FileUpload | None
    error: dict[str, Any] | None
    failure: Refused | StorageFailed | None = None

    @property
    def accepted(self) -> bool:
        """True when the file is in the batch and nothing was wrong with it."""
        return self.row is not None and self.row.status != FileUpload.Status.FAILED

    def as_json(self) -> dict[str, Any]:
        """The file as the answer lists it."""
        shown = {
            "client_ref": self.arrival.client_ref,
            "file_upload_id": self.row.pk if self.row else None,
            "filename": self.row.filename if self.row else clean_name(self.arrival.filename),
            "status": self.row.status if self.row else FileUpload.Status.FAILED,
        }
        return {**shown, "error": self.error} if self.error else shown


def read_manifest(text: str) -> list[ManifestEntry]:
    """The manifest of an upload. Raises ``Problem``."""
    try:
        data = StrictJSONParser().parse(io.BytesIO(text.encode()))
    except ParseError as error:
        raise invalid([field_error("manifest", "json", "This is not proper JSON.")]) from error
    check_text({"manifest": data})
    if isinstance(data, list) and len(data) > settings.MAX_FILES_PER_BATCH:
        raise Problem(400, "TOO_MANY_FILES", details={"limit": settings.MAX_FILES_PER_BATCH})
    try:
        entries = MANIFEST.validate_python(data, strict=True)
    except ValidationError as error:
        raise invalid(error_list(error, "manifest")) from error
    keys = [entry.idempotency_key for entry in entries if entry.idempotency_key is not None]
    if len(set(keys)) < len(keys):
        raise invalid([field_error("manifest", "idempotency_key", "Each file needs a key of its own.")])
    return entries


def compare(manifest: list[ManifestEntry] | None, parts: list[Part]) -> Comparison:
    """Which parts are the announced files, whole. Without a manifest all are."""
    if manifest is None:
        return Comparison([Arrival(place, part, None) for place, part in enumerate(parts)], [], [])
    by_name = len(manifest) != len(parts)
    arrivals: list[Arrival] = []
    unexpected: list[str] = []
    start = 0
    for place, part in enumerate(parts):
        first = start if by_name else place
        last = len(manifest) if by_name else place + 1
        found = next((at for at in range(first, last) if matches(manifest[at], part, by_name)), None)
        if found is None:
            unexpected.append(clean_name(part.name))
            continue
        arrivals.append(Arrival(found, part, manifest[found]))
        start = found + 1
    matched = {arrival.index for arrival in arrivals}
    missing = [entry for at, entry in enumerate(manifest) if at not in matched]
    return Comparison(arrivals, missing, unexpected)


def matches(entry: ManifestEntry, part: Part, by_name: bool) -> bool:
    """True when ``part`` is the whole file ``entry`` announces; the name counts where places cannot."""
    if entry.size != part.size:
        return False
    if entry.sha256 is not None:
        return entry.sha256.lower() == part.sha256
    return not by_name or clean_name(entry.filename) == clean_name(part.name)


def receive_all(
    batch: Batch,
    owner: User,
    arrivals: list[Arrival],
    correlation_id: UUID,
    key: str | None,
    end: EssayUploadFinished,
) -> list[Receipt]:
    """Take every file in, each on its own: one bad file never fails its siblings.

    The last one, if it is kept, tells that the upload has ended.
    """
    return [
        receive_one(batch, owner, arrival, correlation_id, key, end if arrival is arrivals[-1] else None)
        for arrival in arrivals
    ]


def receive_one(
    batch: Batch,
    owner: User,
    arrival: Arrival,
    correlation_id: UUID,
    key: str | None,
    end: EssayUploadFinished | None,
) -> Receipt:
    """Take one file in and say what became of it."""
    incoming = Incoming(
        file=arrival.part.file,
        filename=arrival.filename,
        folder=arrival.folder,
        client_ref=arrival.client_ref,
        upload_key=arrival.upload_key(key),
    )
    try:
        row = receiving.receive(batch.pk, owner, incoming, correlation_id, end)
    except Refused as failure:
        return Receipt(arrival, None, refusal_detail(failure, correlation_id), failure)
    except StorageFailed as failure:
        detail = make_detail(ErrorCode.STORAGE_FAILED, RECEIVE, correlation_id)
        return Receipt(arrival, None, detail.model_dump(mode="json"), failure)
    return Receipt(arrival, row, row.error)


def refusal_detail(refused: Refused, correlation_id: UUID) -> dict[str, Any]:
    """A refusal in the shape of a file's error."""
    return {
        "error_code": refused.code,
        "message": str(TITLES[refused.code]),
        "correlation_id": str(correlation_id),
        "timestamp": timezone.now().isoformat(),
        "operation": RECEIVE,
        "details": dict(refused.facts),
    }


def raise_if_none_kept(receipts: list[Receipt], batch_id: UUID) -> None:
    """When nothing at all was kept, the request as a whole has failed. Raises ``Refused`` or ``Problem``."""
    failures = [receipt.failure for receipt in receipts if receipt.failure is not None]
    if not receipts or len(failures) < len(receipts):
        return
    for failure in failures:
        if isinstance(failure, Refused):
            raise failure
    files = [receipt.as_json() for receipt in receipts]
    if any(is_out_of_room(failure) for failure in failures):
        raise Problem(507, "STORAGE_FULL", BUSY_SECONDS, batch_id=batch_id, files=files)
    raise Problem(503, "STORAGE_FAILED", BUSY_SECONDS, batch_id=batch_id, files=files)


def are_all_here(batch: Batch, arrivals: list[Arrival], key: str | None) -> bool:
    """True when the batch has every file from an earlier request: nothing more comes in."""
    keys = {arrival.upload_key(key) for arrival in arrivals}
    return None not in keys and batch.files.filter(upload_key__in=keys).count() == len(keys) > 0


def may_change_by_repeating(receipts: list[Receipt]) -> bool:
    """True when a repeat of the request could take in what the store, or a quota, did not."""
    return any(may_ease(receipt.failure) for receipt in receipts)


def may_ease(failure: Refused | StorageFailed | None) -> bool:
    """True for a failure that may not be there another time."""
    return isinstance(failure, StorageFailed) or (failure is not None and failure.code in EASING)
