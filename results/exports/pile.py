"""What an export is made of: a batch's essays with their figures and marks, and its other files. No rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark on ``text[start:end] == word`` that counts; suggestions best first."""

    start: int
    end: int
    word: str
    suggestions: tuple[str, ...]
    kind: str


@dataclass(frozen=True, slots=True)
class Heading:
    """What a figure is called, and how many digits it has after the comma."""

    label: str
    digits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One file of the batch; ``state`` and ``problem`` are in words."""

    file_upload_id: UUID
    original_id: UUID | None
    filename: str
    folder: str
    format: str
    format_label: str
    size: int
    words: int | None
    language: str
    language_label: str
    state: str
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Essay(Member):
    """One essay. ``figures`` go with the pile's headings; ``marks`` are None when it was not checked.

    ``read`` and ``note`` are its teacher's.
    """

    number: int
    characters: int | None
    text_id: UUID
    figures: tuple[float | None, ...]
    marks: tuple[Mark, ...] | None
    read: bool
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pile:
    """A batch as it is handed back: essays by number, then the files that did not become essays, by name."""

    title: str
    class_name: str
    headings: Sequence[Heading]
    essays: Sequence[Essay]
    others: Sequence[Member]
