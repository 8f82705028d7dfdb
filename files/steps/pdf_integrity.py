"""Whether a PDF is still as it was written.

pdfium repairs what it can and leaves out in silence what it cannot: half a page then looks like a whole one.
So the checksums of compressed streams are compared, and what pages and fonts refer to must be there. What is
left are names and numbers outside of streams, such as a font's widths: nothing tells that they changed.
"""

import base64
import re
import zlib

from huleedu.failures.errors import ErrorCode, StepError

MAXIMUM_UNPACKED_BYTES = 128 * 1024 * 1024  # what is beyond is not looked at

_CHUNK_BYTES = 64 * 1024
_LONGEST_POINTER = 100_000
_STREAM = re.compile(rb"\bstream(?:\r\n|\n|\r)")
_OBJECT = re.compile(rb"(?<!\d)(\d{1,10})\s+\d{1,5}\s+obj(?=[\0\t\n\f\r <\[(/%\d+-])")
_FILTER = re.compile(rb"/Filter\s*(?:\[([^\]]*)\]|(/\w+))")
_FILTER_ELSEWHERE = re.compile(rb"/Filter\s+\d+\s+\d+\s+R\b")
_WIDTHS = re.compile(rb"/Widths\s*\[([^\]]*)\]")
_NOT_NUMBERS = re.compile(rb"[^\d\s.+-](?!\s*\d+\s+R\b)")
_PAGE = re.compile(rb"\bobj\b((?:(?!endobj).)*?/Type\s*/Page\b.*?)\bendobj\b", re.DOTALL)
_ENTRIES = re.compile(rb"\bxref\s+((?:\d+\s+\d+\s+(?:\d{10} \d{5} [nf]\s{1,2})*)+)")
_ENTRY = re.compile(rb"(?<!\d)(?:(\d{10}) \d{5} ([nf])|(\d{1,10})\s{1,9}(\d{1,10}))")
_IMAGE = re.compile(rb"/Subtype\s*/Image\b")
_PACKED_OBJECTS = re.compile(rb"/Type\s*/ObjStm\b")
_STANDS_ALONE = re.compile(rb"/Type\s*/(?:ObjStm|XRef|Metadata)\b")
_FIRST = re.compile(rb"/First\s+(\d{1,9})")
_ENCRYPTED = re.compile(rb"/Encrypt\s*(?:\d|<<)")
_LONG = re.compile(rb"/Length\s+(\d{1,10})(?!\s+\d+\s+R)\b")
_LENGTH = re.compile(rb"/Linearized\b[^>]{0,200}?/L\s+(\d{1,12})")
_REFERENCE = re.compile(rb"(\d{1,10})\s+\d{1,5}\s+R\b")
# Font, picture and other resources have names like F1, TT2, C2_0.
_POINTER = re.compile(
    rb"/(Contents|ToUnicode|Kids|Pages|Root|Resources|Font|DescendantFonts|[A-Za-z]{1,4}\d+(?:_\d+)?)\s*"
    rb"(\[[^\]]{0,%d}\]|\d{1,10}\s+\d{1,5}\s+R\b)" % _LONGEST_POINTER
)
_COMPRESSED = (b"x\x9c", b"x\xda", b"x\x01", b"x\x5e", b"H\x89", b"h\xde")
_AFTER_STREAM = (b"ends", b"\nend", b"\rend", b"\r\nen")
_FILTERS = frozenset(
    {"FlateDecode", "Fl", "LZWDecode", "LZW", "ASCII85Decode", "A85", "ASCIIHexDecode", "AHx", "Crypt"}
    | {"RunLengthDecode", "RL", "CCITTFaxDecode", "CCF", "JBIG2Decode", "DCTDecode", "DCT", "JPXDecode"}
)
_FLATE = ("FlateDecode", "Fl")
_ASCII_85 = ("ASCII85Decode", "A85")


class _Parts:
    """The objects and streams of a file by their numbers, and its text outside of streams."""

    def __init__(self) -> None:
        self.texts: list[bytes] = []
        self.objects: set[int] = set()
        self.streams: set[int] = set()
        self.wanted: set[int] = set()
        self.packed = False

    def add(self, text: bytes) -> int:
        """Take in what stands between two streams; returns the number of its last object, else 0.

        Raises StepError when the beginning of a stream was lost in it.
        """
        if text.count(b"endstream") > bool(self.texts):
            raise _damaged("stream")
        numbers = [int(number) for number in _OBJECT.findall(text)]
        self.texts.append(text)
        self.objects.update(numbers)
        return numbers[-1] if numbers else 0

    def add_packed(self, dictionary: bytes, unpacked: bytes) -> None:
        """Take in the objects of an object stream, which begins with their numbers and places."""
        first = _FIRST.search(dictionary)
        head = unpacked[: int(first[1])].split() if first else []
        self.packed = True
        self.texts.append(unpacked)
        self.objects.update(int(number) for number in head[::2] if number.isdigit())

    def _lost_its_word(self, page: bytes) -> bool:
        """Whether a page refers to a stream, but not as its content."""
        return b"/Contents" not in page and bool(self.wanted & set(map(int, _REFERENCE.findall(page))))

    def are_whole(self, *, once: bool) -> bool:
        """Whether all is there that pages and fonts refer to.

        In a file that was written ``once``, and in which nothing is packed, nothing may be left over either.
        """
        if once and not self.packed:
            used = {int(number) for text in self.texts for number in _REFERENCE.findall(text)}
            if not self.wanted <= used:
                return False
        if any(_NOT_NUMBERS.search(widths) for text in self.texts for widths in _WIDTHS.findall(text)):
            return False
        if any(self._lost_its_word(page) for text in self.texts for page in _PAGE.findall(text)):
            return False
        return all(
            {int(number) for number in _REFERENCE.findall(pointer[2])}
            <= (self.streams if pointer[1] == b"ToUnicode" else self.objects)
            for text in self.texts
            for pointer in _POINTER.finditer(text)
        )


def check(data: bytes) -> None:
    """Raises StepError CORRUPTED_FILE when a part of the text may be missing or changed."""
    length = _LENGTH.search(data[:_CHUNK_BYTES])
    if length is not None and len(data) < int(length[1]):
        raise _damaged("cut short")
    parts, budget, place = _Parts(), MAXIMUM_UNPACKED_BYTES, 0
    locked = _ENCRYPTED.search(data) is not None
    while (match := _STREAM.search(data, place)) is not None:
        outside, begin = data[place : match.start()], match.end()
        number, dictionary = parts.add(outside), _dictionary(outside)
        parts.streams.add(number)
        if not _STANDS_ALONE.search(dictionary):
            parts.wanted.add(number)
        place = _end(data, begin, _LONG.search(dictionary))
        filters = _filters(dictionary)
        if b"/Filter" not in dictionary and _is_packed(data[begin:place]):
            raise _damaged("stream")
        packs_objects = not locked and _PACKED_OBJECTS.search(dictionary) is not None
        if packs_objects and b"/Filter" not in dictionary:
            parts.add_packed(dictionary, data[begin:place])
        if locked or budget <= 0 or not filters or place == begin:
            continue
        in_letters = filters[0] in _ASCII_85
        packed = _from_letters(data[begin:place]) if in_letters else memoryview(data)[begin:]
        unpacked, size, used = _unpack(packed, budget, keep=packs_objects)
        budget -= size
        if packs_objects:
            parts.add_packed(dictionary, unpacked)
        # By chance the word that ends a stream may stand within it.
        place = place if in_letters else _end(data, begin + used)
    parts.add(data[place:])
    if not all(_leads_right(data, text) for text in parts.texts):
        raise _damaged("table")
    if not parts.are_whole(once=data.count(b"startxref") == 1):
        raise _damaged("missing part")


def _leads_right(data: bytes, text: bytes) -> bool:
    """Whether the tables in ``text`` tell of each object where it is."""
    shift = max(data.find(b"%PDF-"), 0)
    for table in _ENTRIES.findall(text):
        number = end = 0
        for place, kind, first, count in _ENTRY.findall(table):
            if first:
                if number < end:
                    return False
                number, end = int(first), int(first) + int(count)
                continue
            if kind == b"n" and int(place):
                found = _OBJECT.match(data[int(place) + shift :][:40].lstrip())
                if found is None or int(found[1]) != number:
                    return False
            number += 1
        if number < end:
            return False
    return True


def _end(data: bytes, begin: int, told: re.Match[bytes] | None = None) -> int:
    """Where the stream's data end: as its dictionary told if that is true, else at the next word for it.

    Raises StepError.
    """
    if told and data[begin + int(told[1]) :][:16].lstrip().startswith(b"endstream"):
        begin += int(told[1])
    end = data.find(b"endstream", begin)
    if end < 0:
        raise _damaged("stream")
    return begin if not data[begin:end].strip() else end


def _dictionary(text: bytes) -> bytes:
    """What stands between an object's beginning and its stream. Raises StepError."""
    beginning = list(_OBJECT.finditer(text))[-1:]
    dictionary = text[beginning[0].end() :].strip() if beginning else b""
    if not (dictionary.startswith(b"<<") and dictionary.endswith(b">>")) or b"endobj" in dictionary:
        raise _damaged("stream")
    return dictionary


def _filters(dictionary: bytes) -> tuple[str, ...]:
    """How the stream is packed, if that has a checksum and is no picture's; else nothing.

    Raises StepError.
    """
    found = _FILTER.search(dictionary)
    if found is None and b"/Filter" in dictionary and not _FILTER_ELSEWHERE.search(dictionary):
        raise _damaged("stream")
    if found is None or _IMAGE.search(dictionary):
        return ()
    told = (found[1] or found[2]).decode("latin-1").split("/")
    names = tuple(name.strip() for name in told[1:])
    if told[0].strip() or not _FILTERS.issuperset(names):
        raise _damaged("stream")
    checked = names[-1:] and names[-1] in _FLATE and all(name in _ASCII_85 for name in names[:-1])
    return names if checked and len(names) <= 2 else ()


def _is_packed(data: bytes) -> bool:
    """Whether bytes that are said to be plain look packed: the word that told of it was lost."""
    return data.startswith(_COMPRESSED) or data.rstrip().endswith(b"~>")


def _from_letters(data: bytes) -> memoryview:
    """Bytes that were written as ASCII 85. Raises StepError."""
    try:
        return memoryview(base64.a85decode(data.partition(b"~>")[0]))
    except ValueError as error:
        raise _damaged("stream") from error


def _unpack(packed: memoryview, most: int, *, keep: bool) -> tuple[bytes, int, int]:
    """What was packed if wished for, its size, and how many bytes it took; at most ``most`` are looked at.

    A checksum that is missing is not missed. Raises StepError when it is wrong, or the end is not there.
    """
    unpacking = zlib.decompressobj(-zlib.MAX_WBITS)
    kept, size, checksum, place = bytearray(), 0, 1, 2
    waiting: bytes | memoryview = b""
    if len(packed) < place or packed[0] & 0x0F != zlib.DEFLATED or int.from_bytes(packed[:place]) % 31:
        raise _damaged("stream")
    try:
        while not unpacking.eof and size < most:
            if not waiting:
                waiting = packed[place : place + _CHUNK_BYTES]
                place += len(waiting)
                if not waiting:
                    raise _damaged("stream")
            piece = unpacking.decompress(waiting, _CHUNK_BYTES)
            waiting = unpacking.unconsumed_tail
            size, checksum = size + len(piece), zlib.adler32(piece, checksum)
            kept += piece if keep else b""
    except zlib.error as error:
        raise _damaged("stream") from error
    used = place - len(unpacking.unused_data)
    told = bytes(packed[used : used + 4])
    missing = len(told) < 4 or told in _AFTER_STREAM
    if unpacking.eof and not missing and int.from_bytes(told) != checksum:
        raise _damaged("stream")
    return bytes(kept), size, used


def _damaged(reason: str) -> StepError:
    return StepError(ErrorCode.CORRUPTED_FILE, reason=reason)
