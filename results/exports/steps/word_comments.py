"""The job of a child: a Word file with marks as Word's own comments, its text untouched.

A run is cut where a mark begins and ends; nothing else of the document changes.
"""

import base64
import copy
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

import docx
from docx.document import Document
from docx.opc.constants import CONTENT_TYPE, RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.oxml.text.run import CT_R
from docx.parts.comments import CommentsPart
from docx.text.run import Run
from lxml.etree import _Element as Element

from files.steps.child import Work
from files.steps.extract import extract
from huleedu.failures.errors import StepError
from results.exports.steps.word_places import TEXT, WORD, Place, places

FAILED = "COMMENTS_FAILED"
AUTHOR, INITIALS = "HuleEdu", "HE"
MOST = 1_000  # comments in one file; Word itself grows slow
SPACE = "{http://www.w3.org/XML/1998/namespace}space"
LOOKS = f"{WORD}rPr"


def load(_arguments: Sequence[str]) -> None:
    """Load the reader of Word files, and what comments begin with: later nothing can be opened."""
    empty_comments()
    made = docx.Document()
    made.add_comment(made.add_paragraph("a").runs or [made.paragraphs[0].add_run("a")], "a", "a", "a")
    out = io.BytesIO()
    made.save(out)
    extract(out.getvalue(), "a.docx")


@cache
def empty_comments() -> bytes:
    """The part that holds no comments yet, as the library has it in a file."""
    return CommentsPart._default_comments_xml()


def outcomes(data: bytes, _arguments: Sequence[str]) -> Iterator[Mapping[str, object]]:
    """The file with its comments, in base64, and how many marks are in it. Raises StepError.

    ``data`` is a line of JSON, ``{"text", "marks": [[start, end, words]]}``, and then the file.
    """
    line, _, original = data.partition(b"\n")
    told = json.loads(line)
    document = docx.Document(io.BytesIO(original))
    have_comments(document)
    placed = comment(document, told["text"], told["marks"][:MOST])
    out = io.BytesIO()
    document.save(out)
    made = out.getvalue()
    if extract(made, "file.docx").text != extract(original, "file.docx").text:
        raise StepError(FAILED, reason="text")
    yield {"docx": base64.b64encode(made).decode(), "placed": placed}


def have_comments(document: Document) -> None:
    """Give the document a part for comments, unless it has one."""
    part = document.part
    if any(each.reltype == RELATIONSHIP_TYPE.COMMENTS for each in part.rels.values()):
        return
    package = part.package
    if package is None:
        raise StepError(FAILED, reason="package")
    name, kind = PackURI("/word/comments.xml"), CONTENT_TYPE.WML_COMMENTS
    comments = CommentsPart.load(name, kind, empty_comments(), package)
    part.relate_to(comments, RELATIONSHIP_TYPE.COMMENTS)


def comment(document: Document, text: str, marks: Sequence[tuple[int, int, str]]) -> int:
    """Put a comment at each mark whose place is known, the last first; how many there are.

    Cut from its end, a run's beginning stays where it was.
    """
    found = places(document.element.body, text)
    wanted = [
        (found[start], found[end - 1], words)
        for start, end, words in marks
        if start in found and end - 1 in found
    ]
    ranges = [(cut_out(first, last), words) for first, last, words in reversed(wanted)]
    placed = 0
    for runs, words in reversed(ranges):
        if runs is not None:
            first, last = (Run(each, document) for each in runs)
            document.add_comment([first, last], words, AUTHOR, INITIALS)
            placed += 1
    return placed


def cut_out(first: Place, last: Place) -> tuple[CT_R, CT_R] | None:
    """The first and last run of exactly what lies between two places; None where there is no run to cut."""
    if first.element is last.element:
        run = cut(first.element, first.start, last.end)
        return None if run is None else (run, run)
    end = cut(last.element, 0, last.end)
    start = cut(first.element, first.start, len(first.element.text or ""))
    return None if start is None or end is None else (start, end)


def cut(text: Element, start: int, end: int) -> CT_R | None:
    """The run that holds only ``text[start:end]``, cut out of its own.

    What stood after it in the run gets one of its own; what stood before stays, so that earlier places hold.
    """
    run = text.getparent()
    if not isinstance(run, CT_R) or run.getparent() is None:
        return None
    whole = text.text or ""
    following = list(text.itersiblings())
    middle = like(run)
    part(middle, whole[start:end])
    if end < len(whole) or following:
        rest = like(run)
        if end < len(whole):
            part(rest, whole[end:])
        rest.extend(following)
        run.addnext(rest)
    run.addnext(middle)
    text.text = whole[:start]
    text.set(SPACE, "preserve")
    return middle


def like(run: CT_R) -> CT_R:
    """An empty run that looks as ``run`` does."""
    made = run.makeelement(run.tag, dict(run.attrib), run.nsmap)
    for each in run:
        if each.tag == LOOKS:
            made.append(copy.deepcopy(each))
    return made


def part(run: Element, text: str) -> None:
    """Give ``run`` a piece of text."""
    element = run.makeelement(TEXT, {SPACE: "preserve"}, run.nsmap)
    element.text = text
    run.append(element)


WORK = Work(load, outcomes, FAILED)
