"""A form as it arrives, part by part: text fields in memory, files in memory or on disk."""

import io
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.core.files.uploadedfile import InMemoryUploadedFile, TemporaryUploadedFile, UploadedFile
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from multipart import MultipartSegment

from files.disposition import BadDisposition, Disposition, as_text, read_disposition
from files.names import clean_name, folder_of
from files.transfer import BadContent, Decoder, decoder_for

FILE_FIELDS = frozenset({"file", "files"})
DISPOSITION = "Content-Disposition"
ENCODING = "Content-Transfer-Encoding"


@dataclass
class TextPart:
    """A text field."""

    name: str
    decoder: Decoder
    data: bytearray = field(default_factory=bytearray)


@dataclass
class FilePart:
    """A file; ``filename`` is empty when its client told none."""

    name: str
    filename: str
    decoder: Decoder
    file: "UploadedFile[Any]"
    size: int = 0

    def write(self, data: bytes) -> None:
        """Add ``data``. Raises ``OSError`` when there is no room."""
        self.file.write(data)
        self.size += len(data)


class Form:
    """``fields`` and ``files``: what arrived whole, and the ``folders`` told with file names.

    ``parts``: how many parts began.
    """

    def __init__(self, *, in_memory: bool) -> None:
        self.in_memory = in_memory
        self.fields = QueryDict(mutable=True)
        self.files: MultiValueDict[str, UploadedFile[Any]] = MultiValueDict()
        self.folders: dict[UploadedFile[Any], str] = {}
        self.parts = self.file_parts = self.text_bytes = 0
        self.part: TextPart | FilePart | None = None

    def take(self, event: MultipartSegment | bytes | bytearray | None) -> None:
        """A part's beginning, a piece of its content, or its end (None).

        Raises ``BadDisposition``, ``BadContent``, and Django's exceptions for too much.
        """
        if isinstance(event, MultipartSegment):
            self.begin(event)
        elif self.part is not None:
            if event is None:
                self.add(self.part, self.part.decoder.end())
                self.keep(self.part)
                self.part = None
            else:
                self.add(self.part, self.part.decoder.feed(bytes(event)))

    def begin(self, segment: MultipartSegment) -> None:
        """A part's headers."""
        self.parts += 1
        headers = values(segment, DISPOSITION)
        if len(headers) != 1:
            raise BadDisposition
        called = read_disposition(headers[0])
        if called.name is None:
            raise BadDisposition
        decoder = decoder_for(*values(segment, ENCODING))
        name = called.name.strip()
        if is_file(called, name, segment):
            self.begin_file(FilePart(name, called.filename or "", decoder, self.room(segment)))
        else:
            self.part = TextPart(name, decoder)
            if self.parts - self.file_parts > settings.DATA_UPLOAD_MAX_NUMBER_FIELDS:
                raise TooManyFieldsSent

    def begin_file(self, part: FilePart) -> None:
        """A file's headers."""
        self.part = part
        self.file_parts += 1
        if self.file_parts > settings.DATA_UPLOAD_MAX_NUMBER_FILES:
            raise TooManyFilesSent

    def room(self, segment: MultipartSegment) -> "UploadedFile[Any]":
        """Where a file's bytes go; it gets its name when it is whole."""
        kind, charset = segment.content_type or "", segment.charset
        if self.in_memory:
            return InMemoryUploadedFile(io.BytesIO(), None, None, kind, None, charset)
        return TemporaryUploadedFile("part", kind, 0, charset)

    def add(self, part: TextPart | FilePart, data: bytes) -> None:
        """Content of a part."""
        if isinstance(part, FilePart):
            part.write(data)
            return
        self.text_bytes += len(data)
        if self.text_bytes > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            raise RequestDataTooBig
        part.data += data

    def keep(self, part: TextPart | FilePart) -> None:
        """A part is whole."""
        if isinstance(part, TextPart):
            self.fields.appendlist(part.name, as_text(bytes(part.data)))
        elif not part.filename and not part.size:
            part.file.close()
            self.fields.appendlist(part.name, "")  # what browsers send when no file was chosen
        else:
            part.file.seek(0)
            part.file.size = part.size
            part.file.name = clean_name(part.filename)
            self.files.appendlist(part.name, part.file)
            if folder := folder_of(part.filename):
                self.folders[part.file] = folder

    def end(self) -> None:
        """Nothing more comes: a part that is not whole is dropped, and nothing changes any more."""
        if isinstance(self.part, FilePart):
            self.part.file.close()
        self.part = None
        self.fields._mutable = False

    def close(self) -> None:
        """Give back the room of all files."""
        self.end()
        for _name, files in self.files.lists():
            for file in files:
                file.close()


def values(segment: MultipartSegment, header: str) -> list[str]:
    """What a part says in each of its headers of this name."""
    return [value for name, value in segment.headerlist if name == header]


def is_file(called: Disposition, name: str, segment: MultipartSegment) -> bool:
    """True for a part with a file name, and for one that has a type where files belong.

    Raises ``BadContent`` for a nameless form within the form: it may hold several files.
    """
    if called.filename is not None:
        return True
    if name not in FILE_FIELDS or segment.content_type is None:
        return False
    if segment.content_type.startswith("multipart/"):
        raise BadContent
    return True
