"""DOCX: headers, the body in its order, notes, footers. Nothing is fetched, nothing is run."""

import posixpath
from dataclasses import dataclass
from xml.parsers import expat

from files.steps.content import Content
from files.steps.format import Format, Limit, Signs
from files.steps.format import for_translation as _
from files.steps.package import (
    BEGINNINGS,
    MAXIMUM_MEMBER_BYTES,
    MAXIMUM_MEMBERS,
    MAXIMUM_TOTAL_BYTES,
    Package,
)
from files.steps.word_text import WordText
from files.steps.xml import Attributes, parse
from huleedu.failures.errors import ErrorCode, StepError

ENGINE = f"huleedu-docx 1 ({expat.EXPAT_VERSION})"

MACROS = "MACROS"

_FOLDER = b"word/"
_OTHER_OFFICE_FOLDERS = (b"xl/", b"ppt/")
_OFFICE_BEGINNINGS = (b"[Content_Types].xml", b"_rels/.rels", b"docProps/")
_HEAD_BYTES = 4096
_OF_ARCHIVES = (b"PK\x01\x02", b"PK\x03\x04")
_NOTES = {"footnotes": "w:footnoteReference", "endnotes": "w:endnoteReference"}


@dataclass(frozen=True, slots=True)
class _Relation:
    identity: str
    kind: str
    target: str


def read(data: bytes) -> Content:
    """The text of a DOCX file, paragraphs parted by an empty line.

    Raises StepError CORRUPTED_FILE, ENCRYPTED_FILE or ARCHIVE_LIMIT.
    """
    package = Package(data)
    main = _main_part(package)
    body = _part(package, main, "document")
    if "w:body" not in body.elements:
        raise StepError(ErrorCode.CORRUPTED_FILE, reason="missing part")
    relations = _relations(package, main)
    if not set(body.references) <= {relation.identity for relation in relations}:
        raise StepError(ErrorCode.CORRUPTED_FILE, reason="missing part")
    headers = _marginal_parts(package, body, relations, "header")
    footers = _marginal_parts(package, body, relations, "footer")
    notes = [part for kind in _NOTES for part in _note_parts(package, body, relations, kind)]
    warnings = {warning for part in (body, *headers, *notes, *footers) for warning in part.warnings}
    if any(name.endswith("vbaProject.bin") for name in package.names):
        warnings.add(MACROS)
    lines = [*_once(headers), *body.paragraphs, *_once(notes), *_once(footers)]
    return Content("\n\n".join(line for line in lines if line.strip()), ENGINE, tuple(sorted(warnings)))


def was_word(data: bytes) -> bool:
    """Whether the bytes are of a Word file that lost its beginning or its directory.

    An archive without its directory was cut short; its first members still tell what it was. An Office file
    begins with one of three parts: if nothing but these is left it may have been a table or slides, and is
    damaged all the same.
    """
    cut_short = data.startswith(BEGINNINGS)
    if _FOLDER in data:
        return cut_short or any(mark in data for mark in _OF_ARCHIVES)
    others = any(mark in data for mark in _OTHER_OFFICE_FOLDERS)
    return cut_short and not others and any(mark in data[:_HEAD_BYTES] for mark in _OFFICE_BEGINNINGS)


def _main_part(package: Package) -> str:
    targets = [relation.target for relation in _relations(package, "") if relation.kind == "officeDocument"]
    for target in [*targets, "word/document.xml"]:
        if target in package.names:
            return target
    raise StepError(ErrorCode.CORRUPTED_FILE, reason="missing part")


def _relations(package: Package, part: str) -> list[_Relation]:
    """What a part refers to; references to the outside are of the kind ``external`` and never followed."""
    folder, name = posixpath.split(part)
    listing = posixpath.join(folder, "_rels", f"{name}.rels")
    found: list[_Relation] = []

    def start(element: str, attributes: Attributes) -> None:
        if element == "rel:Relationship":
            target = posixpath.normpath(posixpath.join("/", folder, attributes.get("Target", "")))
            outside = attributes.get("TargetMode") == "External"
            kind = "external" if outside else posixpath.basename(attributes.get("Type", ""))
            found.append(_Relation(attributes.get("Id", ""), kind, target.lstrip("/")))

    if listing in package.names:
        parse(package.read(listing), start, lambda _: None, lambda _: None)
    return found


def _marginal_parts(
    package: Package, body: WordText, relations: list[_Relation], kind: str
) -> list[WordText]:
    wanted = {relation.identity: relation.target for relation in relations if relation.kind == kind}
    targets = [wanted[identity] for identity in body.references if identity in wanted]
    return [_part(package, target, "hdr", "ftr") for target in dict.fromkeys(targets)]


def _note_parts(package: Package, body: WordText, relations: list[_Relation], kind: str) -> list[WordText]:
    targets = dict.fromkeys(relation.target for relation in relations if relation.kind == kind)
    parts = [_part(package, target, kind) for target in targets if target in package.names]
    if not parts and _NOTES[kind] in body.elements:
        raise StepError(ErrorCode.CORRUPTED_FILE, reason="missing part")
    return parts


def _part(package: Package, name: str, *roots: str) -> WordText:
    """One part, which must be what it is said to be, or its text would be missing in silence."""
    text = WordText(package.read(name))
    if text.elements.isdisjoint(f"w:{root}" for root in roots):
        raise StepError(ErrorCode.CORRUPTED_FILE, reason="another part")
    return text


def _once(parts: list[WordText]) -> list[str]:
    """The parts' paragraphs, without a part that repeats an earlier one (first and even pages)."""
    return [line for lines in dict.fromkeys(tuple(part.paragraphs) for part in parts) for line in lines]


FORMAT = Format(
    name="docx",
    endings=("docx", "docm", "dotx", "dotm"),
    signs=Signs(members=("word/",), remains=was_word),
    reader=__name__,
    label=_("Word (.docx)"),
    short="Word",
    limits=(
        Limit("parts of a Word file", MAXIMUM_MEMBERS, ErrorCode.ARCHIVE_LIMIT),
        Limit("a part of a Word file, unpacked", MAXIMUM_MEMBER_BYTES, ErrorCode.ARCHIVE_LIMIT),
        Limit("a Word file, unpacked", MAXIMUM_TOTAL_BYTES, ErrorCode.ARCHIVE_LIMIT),
    ),
)
