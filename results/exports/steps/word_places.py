"""Where in a Word document the characters of its extracted text stand.

The text that is kept was read by ``files.steps.formats.docx`` and brought into one form. Here the same
text is followed through the document's runs; white space is passed over, for that is where forms differ.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from lxml.etree import _Element as Element

from files.steps.normalise import ZERO_WIDTH

WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
COMPATIBILITY = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
MATHS = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
PARAGRAPH, RUN, TEXT = f"{WORD}p", f"{WORD}r", f"{WORD}t"
LEFT_OUT = frozenset(
    {f"{WORD}{name}" for name in ("del", "moveFrom", "rt", "pPr", "rPr", "instrText", "delText")}
    | {f"{COMPATIBILITY}Fallback"}
)
OFF = frozenset({"0", "false", "off"})


@dataclass(frozen=True, slots=True)
class Place:
    """One character: in which element of text, from where to where in it."""

    element: Element
    start: int
    end: int


def compact(text: str) -> str:
    """``text`` without what forms of it differ in."""
    return "".join(c for c in unicodedata.normalize("NFC", text) if not c.isspace() and c not in ZERO_WIDTH)


def places(body: Element, text: str) -> dict[int, Place]:
    """Character of ``text`` → its place, of all paragraphs that are found in it, in their order."""
    visible = [at for at, c in enumerate(text) if not c.isspace() and c not in ZERO_WIDTH]
    whole = "".join(text[at] for at in visible)
    found: dict[int, Place] = {}
    cursor = 0
    for paragraph in body.iter(PARAGRAPH):
        characters, stand = characters_of(paragraph)
        start = whole.find(characters, cursor) if characters else -1
        if start < 0:
            continue
        cursor = start + len(characters)
        found |= {
            visible[start + offset]: place for offset, place in enumerate(stand) if place.element.tag == TEXT
        }
    return found


def characters_of(paragraph: Element) -> tuple[str, list[Place]]:
    """The visible characters of a paragraph without white space, composed, and where each stands."""
    characters, stand = [], []
    for cluster in clusters(paragraph):
        composed = unicodedata.normalize("NFC", "".join(c for c, _ in cluster))
        first, last = cluster[0][1], cluster[-1][1]
        end = last.end if last.element is first.element else first.end
        for character in composed:
            if not character.isspace() and character not in ZERO_WIDTH:
                characters.append(character)
                stand.append(Place(first.element, first.start, end))
    return "".join(characters), stand


def clusters(paragraph: Element) -> Iterator[list[tuple[str, Place]]]:
    """The characters of a paragraph, each with the marks that compose with it."""
    cluster: list[tuple[str, Place]] = []
    for element in visible_elements(paragraph):
        told = element.text or "" if element.tag in {TEXT, f"{MATHS}t"} else "-"
        for index, character in enumerate(told):
            if cluster and not unicodedata.combining(character):
                yield cluster
                cluster = []
            cluster.append((character, Place(element, index, index + 1)))
    if cluster:
        yield cluster


def visible_elements(parent: Element) -> Iterator[Element]:
    """The elements of a paragraph that hold visible characters; not those of text boxes in it."""
    for child in parent:
        if child.tag in LEFT_OUT or child.tag == PARAGRAPH or (child.tag == RUN and is_hidden(child)):
            continue
        if child.tag in {TEXT, f"{MATHS}t", f"{WORD}noBreakHyphen"}:
            yield child
        else:
            yield from visible_elements(child)


def is_hidden(run: Element) -> bool:
    """Whether the run's text does not show."""
    mark = run.find(f"{WORD}rPr/{WORD}vanish")
    return mark is not None and mark.get(f"{WORD}val", "1") not in OFF
