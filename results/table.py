"""The table of a batch's essays and files: its columns, which rows it has, and their order."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlencode

from django.utils.text import capfirst
from django.utils.translation import gettext

from batches.models import Batch
from files.models import FileUpload
from huleedu.answers.language_names import language_name
from huleedu.folding import fold, matches
from results.lines import EssayLine, FileLine
from results.measuring import Column, columns
from results.summary import kind_label

AnyLine = EssayLine | FileLine
Row = TypeVar("Row", EssayLine, FileLine)
Value = str | float | None
ALWAYS = frozenset({"number", "file", "state"})
HIDDEN_AT_FIRST = frozenset({"kind", "size"})
FILTERS = ("format", "status", "read", "code", "step", "done", "words")
ATTENTION = "attention"
DIGITS = re.compile(r"([0-9]{1,18})")
DESCENDING = "-"  # before the name of a column


@dataclass(frozen=True)
class Heading:
    """A column: its name in addresses, what stands above it, and what its rows are ordered by."""

    name: str
    label: str
    is_number: bool
    value: Callable[[AnyLine], Value]


@dataclass(frozen=True)
class Asked:
    """Which rows are asked for, and in which order; empty: all, by number.

    ``q`` are words of the file's name, ``format`` its kind, ``status`` the file's, ``read`` "yes" or "no".
    What figures lead to: an error's ``code``, a ``step`` that failed, one that is ``done``, and ``words``,
    from and to, of the essays of the class. ``sort`` is a column's name, after a minus from the highest;
    ``s`` is ``q`` as the address has it.
    """

    q: str = ""
    format: str = ""
    status: str = ""
    read: str = ""
    code: str = ""
    step: str = ""
    done: str = ""
    words: str = ""
    sort: str = ""
    s: str = ""

    @property
    def narrows(self) -> bool:
        """Whether some rows may be left out."""
        return any(getattr(self, name) for name in ("q", *FILTERS))

    def match(self, line: AnyLine) -> bool:
        """True when the line is wanted."""
        return (
            matches(self.q, line.filename, line.folder)
            and self.format in ("", line.kind)
            and (self.status in ("", line.file_status) or self._is_attention(line))
            and self.read in ("", "yes" if line.read else "no")
            and self.code in ("", line.error_code)
            and (not self.step or bool(line.phases.get(self.step, {}).get("error")))
            and (not self.done or line.phases.get(self.done, {}).get("status") == "succeeded")
            and (not self.words or self._has_words(line))
        )

    def _is_attention(self, line: AnyLine) -> bool:
        return self.status == ATTENTION and line.file_status in FileUpload.NEEDS_ATTENTION

    def _has_words(self, line: AnyLine) -> bool:
        least, _dash, most = self.words.partition("-")
        if not (least.isdecimal() and most.isdecimal()) or line.words is None:
            return False
        return line.number is not None and not line.stray and int(least) <= line.words <= int(most)

    def query(self, **other: str) -> str:
        """The query of an address that asks for this, ``other`` instead of what it has."""
        said = {name: getattr(self, name) for name in ("s", *FILTERS, "sort")} | other
        return urlencode({name: value for name, value in said.items() if value})

    def sorting_by(self, name: str) -> str:
        """``sort`` after a click on a column: from the lowest, again from the highest."""
        return DESCENDING + name if self.sort == name else name


def headings(batch: Batch) -> list[Heading]:
    """All columns that a batch's table may have, in order."""
    return [
        Heading("number", gettext("Essay"), False, lambda line: line.number),
        Heading("file", gettext("File"), False, lambda line: fold(line.filename)),
        Heading("kind", gettext("Kind"), False, lambda line: kind_label(line.kind) or None),
        Heading("size", gettext("Size"), True, lambda line: line.size),
        Heading("words", gettext("Words"), True, lambda line: line.words),
        *(of_phase(column) for column in columns(batch)),
        Heading("language", gettext("Language"), False, lambda line: language_of(line) or None),
        Heading("read", gettext("Read ✓"), False, lambda line: int(line.read)),
        Heading("note", gettext("Your note"), False, lambda line: fold(line.note) or None),
        Heading("state", gettext("State"), False, lambda line: f"{line.file_status} {line.essay_status}"),
    ]


def of_phase(column: Column) -> Heading:
    """The column of a phase's figure."""
    return Heading(f"{column.phase}.{column.measure.name}", str(column.measure.label), True, column.value)


def language_of(line: AnyLine) -> str:
    """The language of an essay in words; nothing of a file that is none."""
    return capfirst(language_name(line.language)) if line.number is not None and line.language else ""


def in_order(lines: Iterable[Row], sort: str, known: Sequence[Heading]) -> list[Row]:
    """The lines by a column; those that have nothing in it come last, and equals stay as they were."""
    rows = list(lines)
    heading = next((each for each in known if each.name == sort.removeprefix(DESCENDING)), None)
    if heading is None:
        return rows
    values = {row.file_upload_id: heading.value(row) for row in rows}
    numbers = [(value, row) for row in rows if isinstance(value := values[row.file_upload_id], (int, float))]
    words = [(value, row) for row in rows if isinstance(value := values[row.file_upload_id], str)]
    down = sort.startswith(DESCENDING)
    ordered = [row for _, row in sorted(numbers, key=lambda pair: pair[0], reverse=down)]
    ordered += [row for _, row in sorted(words, key=lambda pair: natural(pair[0]), reverse=down)]
    return ordered + [row for row in rows if values[row.file_upload_id] is None]


def natural(text: str) -> list[tuple[int, str]]:
    """What a text is ordered by: "Pupil 2" before "Pupil 10"."""
    return [(int(part), "") if DIGITS.fullmatch(part) else (-1, part) for part in DIGITS.split(text)]


def rows_of(lines: Iterable[Row], asked: Asked, known: Sequence[Heading]) -> list[Row]:
    """Those lines that are asked for, in the order that is asked for."""
    return in_order((line for line in lines if asked.match(line)), asked.sort, known)
