"""Damage that files take on their way: each kind does to a document's bytes what really happens to some."""

import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator

Damage = Callable[[bytes], bytes]
KILOBYTE = 1024


def cuts(data: bytes) -> Iterator[bytes]:
    """The file cut short at each kilobyte, and near its ends."""
    for length in (30, 100, 500, *range(KILOBYTE, len(data), KILOBYTE), len(data) - 100, len(data) - 30):
        yield data[:length]


def gaps(data: bytes) -> Iterator[bytes]:
    """A kilobyte of zeros at each place, as a disk or a synchronisation leaves them."""
    for place in range(0, len(data), KILOBYTE):
        yield zeros(data, place, KILOBYTE)


def flips(data: bytes) -> Iterator[bytes]:
    """One bit turned around, at many places."""
    for place in range(0, len(data), 97):
        yield flip(data, place)


def zeros(data: bytes, place: int, length: int) -> bytes:
    """Zeros instead of what stood there."""
    length = min(length, len(data) - place)
    return data[:place] + bytes(length) + data[place + length :]


def flip(data: bytes, place: int, bit: int = 4) -> bytes:
    """One bit turned around."""
    return data[:place] + bytes([data[place] ^ bit]) + data[place + 1 :]


def repacked(data: bytes, change: Callable[[dict[str, bytes]], object]) -> bytes:
    """A package whose parts were changed, whole as an archive."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    change(parts)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return stream.getvalue()


def part(name: str, change: Callable[[bytes], bytes]) -> Damage:
    """One part of a package changed."""
    return lambda data: repacked(data, lambda parts: parts.update({name: change(parts[name])}))


def without(name: str) -> Damage:
    """One part of a package missing."""
    return lambda data: repacked(data, lambda parts: parts.pop(name))


def swapped(old: bytes, new: bytes) -> Damage:
    """Other bytes in the last place where ``old`` stood."""

    def swap(data: bytes) -> bytes:
        assert old in data
        before, _, after = data.rpartition(old)
        return before + new + after

    return swap


def directory(change: Callable[[bytearray, int], None]) -> Damage:
    """The directory's entry of the document changed; the function gets all bytes and the entry's place."""

    def damage(data: bytes) -> bytes:
        changed = bytearray(data)
        change(changed, changed.rfind(b"PK\x01\x02", 0, changed.rfind(b"word/document.xml")))
        return bytes(changed)

    return damage


def set_bytes(offset: int, new: bytes) -> Callable[[bytearray, int], None]:
    """Write ``new`` at this offset of an entry."""

    def change(data: bytearray, place: int) -> None:
        data[place + offset : place + offset + len(new)] = new

    return change


def locked(data: bytearray, place: int) -> None:
    """Only the directory says that there is a password."""
    data[place + 8] |= 1


def within_stream(number: int, change: Callable[[bytes], bytes]) -> Damage:
    """The packed bytes of a PDF's stream changed, their number kept."""

    def damage(data: bytes) -> bytes:
        found = list(re.finditer(rb"\bstream\r?\n(.*?)\r?\nendstream", data, re.DOTALL))[number]
        return data[: found.start(1)] + change(found[1]) + data[found.end(1) :]

    return damage


def seven_bits(data: bytes) -> bytes:
    """The highest bit of each byte lost, as old mail did it."""
    return bytes(byte & 0x7F for byte in data)


def as_text(data: bytes) -> bytes:
    """Read as text in one encoding and written in another."""
    return data.decode("latin-1").encode()


def replaced_letters(data: bytes) -> bytes:
    """Read as UTF-8, what is none replaced."""
    return data.decode("utf-8", "replace").encode()


BOTH: dict[str, Damage] = {
    "only zeros": lambda data: bytes(len(data)),
    "beginning is zeros": lambda data: zeros(data, 0, 512),
    "beginning is missing": lambda data: data[KILOBYTE:],
    "end is zeros": lambda data: zeros(data, len(data) - KILOBYTE, KILOBYTE),
    "second half is zeros": lambda data: zeros(data, len(data) // 2, len(data)),
    "half": lambda data: data[: len(data) // 2],
    "halves in wrong order": lambda data: data[len(data) // 2 :] + data[: len(data) // 2],
    "a block twice": lambda data: data[:2048] + data[1024:],
    "a block missing": lambda data: data[:1024] + data[2048:],
    "a block in wrong order": lambda data: data[:1024] + data[2048:3072] + data[1024:2048] + data[3072:],
    "first letter": lambda data: flip(data, 0),
    "first four bytes": lambda data: bytes(4) + data[4:],
    "line ends added": lambda data: data.replace(b"\n", b"\r\n"),
    "line ends lost": lambda data: data.replace(b"\n", b""),
    "seven bits": seven_bits,
    "saved as text": as_text,
    "saved as UTF-8": replaced_letters,
    "bytes inverted": lambda data: bytes(byte ^ 0xFF for byte in data),
    "bytes swapped": lambda data: bytes(
        byte for pair in zip(data[1::2], data[::2], strict=False) for byte in pair
    ),
}
DOCX: dict[str, Damage] = {
    "no document": without("word/document.xml"),
    "no relations at all": lambda data: repacked(
        data, lambda parts: [parts.pop(name) for name in list(parts) if name.endswith(".rels")]
    ),
    "no content types": without("[Content_Types].xml"),
    "no content types, no document": lambda data: without("word/document.xml")(
        without("[Content_Types].xml")(data)
    ),
    "wrong content types": part("[Content_Types].xml", lambda _: b"<Types/>"),
    "other content types": part(
        "[Content_Types].xml", lambda content: content.replace(b"wordprocessingml", b"spreadsheetml")
    ),
    "empty content types": part("[Content_Types].xml", lambda _: b""),
    "empty document": part("word/document.xml", lambda _: b""),
    "document of zeros": part("word/document.xml", lambda content: bytes(len(content))),
    "document ends with zeros": part(
        "word/document.xml", lambda content: zeros(content, len(content) // 2, len(content))
    ),
    "half a document": part("word/document.xml", lambda content: content[: len(content) // 2]),
    "two documents": part("word/document.xml", lambda content: content * 2),
    "another root": part("word/document.xml", lambda _: b"<a>one two three</a>"),
    "another namespace": part(
        "word/document.xml", lambda content: content.replace(b"wordprocessingml", b"wordprocessinghtml")
    ),
    "no body": part(
        "word/document.xml", lambda content: re.sub(rb"<w:body>.*</w:body>", b"", content, flags=re.DOTALL)
    ),
    "a styles part as document": lambda data: repacked(
        data, lambda parts: parts.update({"word/document.xml": parts["word/styles.xml"]})
    ),
    "relations of zeros": part("word/_rels/document.xml.rels", lambda content: bytes(len(content))),
    "first relations cut": part("_rels/.rels", lambda content: content[:-40]),
    "document leads nowhere": lambda data: without("word/document.xml")(
        part("_rels/.rels", lambda content: content.replace(b"document.xml", b"nowhere.xml"))(data)
    ),
    "packed bytes changed": swapped(b"word/styles.xml", b"word/styles.xmm"),
    "wrong checksum": directory(set_bytes(16, b"\1\2\3\4")),
    "unknown method": directory(set_bytes(10, b"\x63\0")),
    "said to be stored": directory(set_bytes(10, b"\0\0")),
    "said to be locked": directory(locked),
    "said to be huge": directory(set_bytes(24, b"\xff\xff\xff\x7f")),
    "said to be small": directory(set_bytes(24, b"\5\0\0\0")),
    "leads elsewhere": directory(set_bytes(42, b"\x10\0\0\0")),
    "no end of directory": lambda data: data[: data.rfind(b"PK\5\6")],
    "end of directory of zeros": lambda data: zeros(data, data.rfind(b"PK\5\6"), 22),
    "no directory": lambda data: data[: data.find(b"PK\1\2")],
    "directory of zeros": lambda data: zeros(
        data, data.find(b"PK\1\2"), data.rfind(b"PK\5\6") - data.find(b"PK\1\2")
    ),
    "stored, first letter": lambda data: flip(stored(data), 0),
    "stored, first four bytes": lambda data: bytes(4) + stored(data)[4:],
}
PDF: dict[str, Damage] = {
    "no header": lambda data: data[data.find(b"\n") + 1 :],
    "no end mark": swapped(b"%%EOF", b""),
    "no trailer": lambda data: data[: data.rfind(b"trailer")],
    "no table": lambda data: data[: data.rfind(b"\nxref")],
    "trailer of zeros": lambda data: zeros(data, data.rfind(b"trailer"), len(data)),
    "table leads nowhere": swapped(b"startxref\n", b"startxref\n9"),
    "table of zeros": lambda data: zeros(data, data.rfind(b"\nxref") + 1, 150),
    "table is shifted": lambda data: re.sub(
        rb"(\d{10}) 00000 n", lambda entry: b"%010d 00000 n" % (int(entry[1]) + 7), data
    ),
    "table is short": swapped(b"0 14\n", b"0 09\n"),
    "no root": swapped(b"/Root", b"/Rxxt"),
    "root leads nowhere": swapped(b"/Root 12 0 R", b"/Root 92 0 R"),
    "pages lead nowhere": swapped(b"/Kids[ 1 0 R ]", b"/Kids[ 9 9 R ]"),
    "page leads nowhere": swapped(b"/Contents 2 0 R", b"/Contents 55 0 R"),
    "page without content": swapped(b"/Contents 2 0 R", b"/Cxntents 2 0 R"),
    "page lost": swapped(b"\n1 0 obj", b"\n1 0 xbj"),
    "font lost": swapped(b"\n9 0 obj", b"\n9 0 xbj"),
    "letters of the font lost": swapped(b"\n8 0 obj", b"\n8 0 xbj"),
    "content lost": swapped(b"\n2 0 obj", b"\n2 0 xbj"),
    "filter lost": lambda data: data.replace(b"/Filter/FlateDecode", b"/Fxlter/FlateDecode", 1),
    "filter unknown": lambda data: data.replace(b"/FlateDecode", b"/FlatfDecode", 1),
    "beginning of a stream lost": lambda data: data.replace(b">>\nstream", b">>\nstxeam", 1),
    "end of a stream lost": lambda data: data.replace(b"endstream", b"endstxeam", 1),
    "content: a bit": within_stream(0, lambda packed: flip(packed, len(packed) // 2)),
    "content: first byte": within_stream(0, lambda packed: flip(packed, 0)),
    "content: last byte": within_stream(0, lambda packed: flip(packed, len(packed) - 1)),
    "content: half of zeros": within_stream(0, lambda packed: zeros(packed, len(packed) // 2, len(packed))),
    "content: zeros": within_stream(0, lambda packed: bytes(len(packed))),
    "content: spaces": within_stream(0, lambda packed: packed[:200] + b" " * (len(packed) - 200)),
    "content: cut": within_stream(0, lambda packed: packed[: len(packed) // 2]),
    "content: of another": within_stream(0, lambda packed: zlib.compress(b"nothing")[:-2] + packed[9:]),
    "letters of the font: a bit": within_stream(-1, lambda packed: flip(packed, len(packed) // 2)),
}


def stored(data: bytes) -> bytes:
    """The same package without compression: nearly all of it reads as text."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return stream.getvalue()
