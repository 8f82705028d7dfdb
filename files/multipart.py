"""Forms with files: every part that arrives is in ``fields`` or ``files``, or the whole form is refused.

Django's own reader passes over parts whose headers it cannot read, and takes bodies that were cut off.
"""

import hashlib
import io
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import IO, Any

import structlog
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest, QueryDict
from django.http.multipartparser import MultiPartParserError
from django.utils.datastructures import MultiValueDict
from multipart import MultipartError, PushMultipartParser
from rest_framework import parsers
from rest_framework.exceptions import ParseError
from rest_framework.request import Request

from files.disposition import BadDisposition
from files.form import Form
from files.transfer import BadContent
from huleedu.answers.problems import Problem
from huleedu.api.api_view import ApiView, field_error, invalid

IGNORED_FIELDS = frozenset({"csrfmiddlewaretoken"})
CHUNK_BYTES = 64 * 1024
MAX_HEADER_BYTES = 8 * 1024  # of one header of a part: a long name, percent by percent, twice
MAX_HEADERS = 16  # of one part
MAX_PADDING = 1024  # bytes, after one boundary
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Part:
    """One file that arrived; ``name`` as it can be shown, and the folder that came with it."""

    field: str
    file: "UploadedFile[bytes]"
    name: str
    size: int
    sha256: str
    folder: str = ""


class WatchedStream(io.RawIOBase):
    """Passes bytes on and counts the boundaries among them, the closing one (``ended``) included.

    Blanks between a boundary and its line's end are left out: the parser knows none.
    """

    def __init__(self, stream: IO[bytes], boundary: bytes) -> None:
        super().__init__()
        self.stream = stream
        self.boundary = b"\r\n--" + boundary
        edge = re.escape(self.boundary)
        self.padded = re.compile(rb"(%s)[ \t]{1,%d}(?=\r\n)" % (edge, MAX_PADDING))
        self.unsure = re.compile(rb"%s(?:-|[ \t]*\r?)\Z" % edge)
        self.kept = b"\r\n"  # the first boundary need not stand on a line of its own
        self.begun = False
        self.boundaries = 0
        self.ended = False

    def read(self, size: int | None = -1, /) -> bytes:
        """About ``size`` bytes; none at the end. Raises ``BadContent`` for endless blanks."""
        passed = b""
        while not passed and (data := self.stream.read(-1 if size is None else size)):
            seen = self.padded.sub(rb"\1", self.kept + data)
            sure = self.sure(seen)
            if len(seen) - sure > len(self.boundary) + MAX_PADDING:
                raise BadContent
            self.kept = seen[sure:]
            passed = self.passed(seen[:sure])
        if not passed:
            passed, self.kept = self.passed(self.kept), b""
        return passed

    def sure(self, seen: bytes) -> int:
        """How much of ``seen`` is no boundary that may go on."""
        if found := self.unsure.search(seen, max(0, seen.rfind(self.boundary))):
            return found.start()
        last = seen.rfind(b"\r", max(0, len(seen) - len(self.boundary) + 1))
        return last if last >= 0 and self.boundary.startswith(seen[last:]) else len(seen)

    def passed(self, sure: bytes) -> bytes:
        """``sure`` as the parser shall see it, its boundaries counted."""
        self.boundaries += sure.count(self.boundary)
        self.ended = self.ended or self.boundary + b"--" in sure
        if sure and not self.begun:
            self.begun = True
            return sure[2:]
        return sure


class PartReader(FileUploadHandler):
    """Reads forms in place of Django.

    Afterwards ``complete`` tells whether the end arrived, and ``folders`` which files came with one.
    """

    complete = False
    folders: "Mapping[UploadedFile[Any], str]" = {}

    def handle_raw_input(
        self,
        input_data: IO[bytes],
        META: dict[str, str],
        content_length: int,
        boundary: Any,
        encoding: str | None = None,
    ) -> "tuple[QueryDict, MultiValueDict[str, UploadedFile[Any]]]":
        """Fields and whole files. Raises ``MultiPartParserError``, and what Django raises at its limits."""
        stream = WatchedStream(input_data, boundary)
        form = Form(in_memory=content_length <= settings.FILE_UPLOAD_MAX_MEMORY_SIZE)
        try:
            self.read_all(stream, form, boundary)
        except (MultipartError, BadDisposition, BadContent) as error:
            form.close()
            log.warning("form.malformed", error=type(error).__name__, count=form.parts)
            raise MultiPartParserError("The form cannot be read.") from error
        except Exception:
            form.close()
            raise
        self.folders = form.folders
        return form.fields, form.files

    def read_all(self, stream: WatchedStream, form: Form, boundary: bytes) -> None:
        """Fill ``form``. Raises whatever is wrong with it."""
        parser = PushMultipartParser(
            boundary,
            max_header_size=MAX_HEADER_BYTES,
            max_header_count=MAX_HEADERS,
            header_charset="latin-1",  # bytes for now: names come in many encodings
        )
        while data := stream.read(CHUNK_BYTES):
            for event in parser.parse(data):
                form.take(event)
        # Anything between two boundaries is a part, also after what says that it is the last one; and each
        # ends, also one whose headers have taken the line's end before the boundary for their own.
        if stream.ended and (stream.boundaries != form.parts + 1 or form.part is not None):
            raise BadContent
        self.complete = stream.ended
        form.end()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        """Never called: reading happens above."""
        return raw_data

    def file_complete(self, file_size: int) -> None:
        """Never called: reading happens above."""
        return


class MultipartParser(parsers.MultiPartParser):
    """Multipart forms; a malformed one is a problem of its own."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Fields and files. Raises ``Problem``."""
        try:
            return super().parse(stream, media_type, parser_context)
        except ParseError as error:
            raise Problem(400, "MALFORMED_MULTIPART") from error


class MultipartView(ApiView):
    """A view of multipart forms; ``detector`` tells whether one arrived whole."""

    parser_classes = [MultipartParser]
    detector: PartReader

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        """Remember who will read the form; CSRF checks may be first to want it."""
        self.detector = next(each for each in request.upload_handlers if isinstance(each, PartReader))
        return super().initialize_request(request, *args, **kwargs)


def read_parts(request: Request, names: Iterable[str], detector: PartReader) -> list[Part]:
    """The files in the fields ``names``, in order. Raises ``Problem`` for files in other fields."""
    allowed = set(names)
    check_names(request.FILES, allowed)
    return [
        make_part(field, file, detector.folders.get(file, ""))
        for field, files in request.FILES.lists()
        for file in files
    ]


def make_part(field: str, file: "UploadedFile[bytes]", folder: str) -> Part:
    """A part with its digest; the file's position is at its start afterwards."""
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    return Part(field, file, file.name or "", file.size or 0, digest.hexdigest(), folder)


def read_fields(request: Request, names: Iterable[str]) -> dict[str, str]:
    """The text fields ``names``, each at most once. Raises ``Problem`` for others."""
    check_names(request.POST, {*names, *IGNORED_FIELDS})
    repeated = [name for name, values in request.POST.lists() if len(values) > 1]
    if repeated:
        raise invalid([field_error(name, "repeated", "Give this once.") for name in repeated])
    return {str(name): str(value) for name, value in request.POST.items() if name not in IGNORED_FIELDS}


def check_names(given: Iterable[str], allowed: set[str]) -> None:
    """Raise ``Problem`` for names that are not ``allowed``."""
    unknown = [name.encode("utf-8", "replace").decode() for name in given if name not in allowed]
    if unknown:
        raise invalid([field_error(name, "unknown", "This field is not known.") for name in unknown[:50]])


def digest_of_form(fields: dict[str, str], parts: list[Part]) -> str:
    """What makes two forms the same: fields and files, not the boundary."""
    files = [[part.field, part.name, part.sha256, *filter(None, [part.folder])] for part in parts]
    text = json.dumps([sorted(fields.items()), files])
    return hashlib.sha256(text.encode()).hexdigest()
