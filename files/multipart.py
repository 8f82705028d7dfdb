"""Reads multipart bodies, and notices the ones that were cut off on the way: Django takes them silently."""

import hashlib
import html
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import IO, Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, load_handler
from django.http import HttpRequest, QueryDict
from django.http.multipartparser import MultiPartParser as DjangoMultiPartParser
from django.utils.datastructures import MultiValueDict
from rest_framework import parsers
from rest_framework.exceptions import ParseError
from rest_framework.request import Request

from files.names import folder_of
from huleedu.api_view import ApiView, field_error, invalid
from huleedu.problems import Problem

IGNORED_FIELDS = frozenset({"csrfmiddlewaretoken"})


@dataclass(frozen=True)
class Part:
    """One file that arrived; ``name`` and ``folder`` as the client sent them."""

    field: str
    file: "UploadedFile[bytes]"
    name: str
    size: int
    sha256: str
    folder: str = ""


class WatchedStream(io.RawIOBase):
    """Passes bytes on and remembers whether the closing boundary was among them."""

    def __init__(self, stream: IO[bytes], boundary: bytes) -> None:
        super().__init__()
        self.stream = stream
        self.closing = b"--" + boundary + b"--"
        self.ended = False
        self.tail = b""

    def read(self, size: int | None = -1, /) -> bytes:
        """Up to ``size`` bytes."""
        data = self.stream.read(-1 if size is None else size)
        seen = self.tail + data
        self.ended = self.ended or self.closing in seen
        self.tail = seen[-len(self.closing) :]
        return data


class FormParser(DjangoMultiPartParser):
    """Django takes the folders off file names; they are kept here, in the order of the files."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.folders: list[str] = []

    def sanitize_file_name(self, file_name: str) -> str | None:
        """The name alone; None for a name that is none, whose part is passed over."""
        name = super().sanitize_file_name(file_name)
        if name:
            self.folders.append(folder_of(html.unescape(file_name)))
        return name


class CutOffDetector(FileUploadHandler):
    """Parses in place of Django, through a ``WatchedStream``; ``complete`` and ``folders`` tell more."""

    complete = False
    folders: Sequence[str] = ()

    def handle_raw_input(
        self,
        input_data: IO[bytes],
        META: dict[str, str],
        content_length: int,
        boundary: Any,
        encoding: str | None = None,
    ) -> "tuple[QueryDict, MultiValueDict[str, UploadedFile[Any]]]":
        """Fields and files. Raises ``MultiPartParserError`` and what Django's limits raise."""
        stream = WatchedStream(input_data, boundary)
        handlers = [load_handler(name, self.request) for name in settings.FILE_UPLOAD_HANDLERS]
        parser = FormParser(META, stream, handlers, encoding)
        parsed = parser.parse()
        self.complete = stream.ended
        self.folders = parser.folders
        return parsed

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        """Never called: parsing happens above."""
        return raw_data

    def file_complete(self, file_size: int) -> None:
        """Never called: parsing happens above."""
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
    """A view of multipart forms; its detector is in place before CSRF checks read the body."""

    parser_classes = [MultipartParser]
    detector: CutOffDetector

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        """Put the detector in front of Django's upload handlers."""
        self.detector = CutOffDetector(request)
        request.upload_handlers.insert(0, self.detector)
        return super().initialize_request(request, *args, **kwargs)


def read_parts(request: Request, names: Iterable[str], detector: CutOffDetector) -> list[Part]:
    """The files in the fields ``names``, in order. Raises ``Problem`` for files in other fields.

    The detector's folders count only when there is one for each file, all in one field: only then is the
    order the same.
    """
    allowed = set(names)
    check_names(request.FILES, allowed)
    parts = [make_part(field, file) for field, files in request.FILES.lists() for file in files]
    folders = detector.folders
    if len(parts) != len(folders) or len({part.field for part in parts}) > 1:
        return parts
    return [replace(part, folder=folder) for part, folder in zip(parts, folders, strict=True)]


def make_part(field: str, file: "UploadedFile[bytes]") -> Part:
    """A part with its digest; the file's position is at its start afterwards."""
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    return Part(field, file, file.name or "", file.size or 0, digest.hexdigest())


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
