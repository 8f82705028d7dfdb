"""The visible text of one WordprocessingML part.

Insertions are text, deletions and hidden runs are not; fields that show page numbers are not;
an untouched placeholder of a content control is not; of alternative drawings the first is taken.
"""

from dataclasses import dataclass, field

from files.steps.xml import Attributes, parse

HIDDEN_TEXT = "HIDDEN_TEXT"
EMBEDDED_DOCUMENT = "EMBEDDED_DOCUMENT"
TRACKED_CHANGES = "TRACKED_CHANGES"

_LEFT_OUT = frozenset({"w:moveFrom", "w:tabs", "w:rt", "w:sectPrChange", "w:pPrChange", "w:rPrChange"})
_TELLING = frozenset(
    {"w:document", "w:body", "w:hdr", "w:ftr", "w:footnotes", "w:endnotes"}
    | {"w:footnoteReference", "w:endnoteReference"}
)
_MARKS = {"w:tab": "\t", "w:ptab": "\t", "w:br": "\n", "w:cr": "\n", "w:noBreakHyphen": "-"}
_PAGE_FIELDS = frozenset({"PAGE", "NUMPAGES", "SECTIONPAGES"})
_OFF = frozenset({"0", "false", "off"})


@dataclass(slots=True)
class _Paragraph:
    parts: list[str] = field(default_factory=list)
    boxes: list[str] = field(default_factory=list)
    joins_next: bool = False


@dataclass(slots=True)
class _Field:
    instruction: str = ""
    shows_result: bool = False


class WordText:
    """Paragraphs of one part in reading order, and the headers and footers it refers to.

    ``elements``: which of those are there that tell what the part is, and what belongs to it.
    """

    def __init__(self, data: bytes) -> None:
        """Parse the XML of a part; raises StepError CORRUPTED_FILE."""
        self.paragraphs: list[str] = []
        self.references: list[str] = []
        self.elements: set[str] = set()
        self.warnings: set[str] = set()
        self._path: list[str] = ["", ""]
        self._left_out_depth = 0
        self._open: list[_Paragraph] = []
        self._carried: list[str] = []
        self._fields: list[_Field] = []
        self._alternatives: list[bool] = []
        self._run_is_hidden = False
        self._placeholder_follows = False
        parse(data, self._start, self._end, self._text)
        self.paragraphs.extend(filter(None, ["".join(self._carried)]))

    def _start(self, name: str, attributes: Attributes) -> None:
        if self._left_out_depth or self._is_left_out(name, attributes):
            self._left_out_depth += 1
            return
        if name in _TELLING:
            self.elements.add(name)
        if name in _MARKS:
            self._add(_MARKS[name])
        elif name in _STARTS:
            _STARTS[name](self, attributes)
        self._path.append(name)

    def _end(self, name: str) -> None:
        if self._left_out_depth:
            self._left_out_depth -= 1
            return
        self._path.pop()
        if name == "w:p":
            self._close_paragraph()
        elif name == "mc:AlternateContent":
            self._alternatives.pop()

    def _text(self, text: str) -> None:
        if self._left_out_depth:
            return
        if self._path[-1] in ("w:t", "m:t"):
            self._add(text)
        elif self._path[-1] == "w:instrText" and self._fields:
            self._fields[-1].instruction += text

    def _add(self, text: str) -> None:
        if self._run_is_hidden:
            self.warnings.add(HIDDEN_TEXT)
        elif self._open and not self._shows_page_number():
            self._open[-1].parts.append(text)

    def _shows_page_number(self) -> bool:
        return any(field.shows_result and _is_page_field(field.instruction) for field in self._fields)

    def _is_left_out(self, name: str, attributes: Attributes) -> bool:
        if name == "w:del":
            return self._deletes()
        if name == "w:fldSimple":
            return _is_page_field(attributes.get("w:instr", ""))
        if name == "w:sdtContent":
            placeholder, self._placeholder_follows = self._placeholder_follows, False
            return placeholder
        if name in ("mc:Choice", "mc:Fallback"):
            return self._is_second_choice()
        return name in _LEFT_OUT

    def _deletes(self) -> bool:
        self.warnings.add(TRACKED_CHANGES)
        if self._path[-2:] == ["w:pPr", "w:rPr"] and self._open:
            self._open[-1].joins_next = True
        return True

    def _is_second_choice(self) -> bool:
        if not self._alternatives or self._alternatives[-1]:
            return True
        self._alternatives[-1] = True
        return False

    def _open_paragraph(self, _: Attributes) -> None:
        self._open.append(_Paragraph(parts=self._carried))
        self._carried = []
        self._run_is_hidden = False

    def _close_paragraph(self) -> None:
        paragraph = self._open.pop()
        if paragraph.joins_next:
            self._carried = paragraph.parts
            lines = paragraph.boxes
        else:
            lines = ["".join(paragraph.parts), *paragraph.boxes]
        # A text box stands inside a paragraph: its own paragraphs follow that one.
        (self._open[-1].boxes if self._open else self.paragraphs).extend(lines)

    def _open_run(self, _: Attributes) -> None:
        self._run_is_hidden = False

    def _hide(self, attributes: Attributes) -> None:
        if self._path[-2:] == ["w:r", "w:rPr"]:
            self._run_is_hidden = attributes.get("w:val", "1") not in _OFF

    def _field_mark(self, attributes: Attributes) -> None:
        kind = attributes.get("w:fldCharType")
        if kind == "begin":
            self._fields.append(_Field())
        elif self._fields and kind == "separate":
            self._fields[-1].shows_result = True
        elif self._fields and kind == "end":
            self._fields.pop()

    def _symbol(self, attributes: Attributes) -> None:
        code = attributes.get("w:char", "")
        # Codes from F000 on mean pictures of a symbol font and are no letters.
        if len(code) == 4 and code < "D800" and all(digit in "0123456789abcdefABCDEF" for digit in code):
            self._add(chr(int(code, 16)))

    def _open_alternatives(self, _: Attributes) -> None:
        self._alternatives.append(False)

    def _expect_placeholder(self, _: Attributes) -> None:
        self._placeholder_follows = True

    def _note_inserted(self, _: Attributes) -> None:
        self.warnings.add(TRACKED_CHANGES)

    def _note_embedded(self, _: Attributes) -> None:
        self.warnings.add(EMBEDDED_DOCUMENT)

    def _refer(self, attributes: Attributes) -> None:
        self.references.append(attributes.get("r:id", ""))


def _is_page_field(instruction: str) -> bool:
    return bool(words := instruction.split(maxsplit=1)) and words[0].upper() in _PAGE_FIELDS


_STARTS = {
    "w:p": WordText._open_paragraph,
    "w:r": WordText._open_run,
    "w:vanish": WordText._hide,
    "w:fldChar": WordText._field_mark,
    "w:sym": WordText._symbol,
    "mc:AlternateContent": WordText._open_alternatives,
    "w:showingPlcHdr": WordText._expect_placeholder,
    "w:ins": WordText._note_inserted,
    "w:altChunk": WordText._note_embedded,
    "w:headerReference": WordText._refer,
    "w:footerReference": WordText._refer,
}
