"""What the file of an export's kind declares, and what it is given to make one."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import IO

from django.core.exceptions import ImproperlyConfigured
from django_stubs_ext import StrPromise

from results.exports.pile import Essay, Pile

NAME = re.compile(r"[a-z]{1,20}")
ENDING = re.compile(r"[a-z]{1,5}")
Words = str | StrPromise
WITH_NOTE = "with_note"  # an option of kinds that take it
# Codes that all kinds have; their words are in ``results.exports.words``.
EXPORT_FAILED = "EXPORT_FAILED"
EXPORT_TOO_LARGE = "EXPORT_TOO_LARGE"
EXPORT_TOO_SLOW = "EXPORT_TOO_SLOW"
CONTENT_DAMAGED = "CONTENT_DAMAGED"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What could not be done for one essay: its number and a code that ``results.exports.words`` has.

    ``signs`` of its text are those that the code is about.
    """

    essay: int
    code: str
    signs: str = ""


@dataclass(kw_only=True)
class Making:
    """One export while it is made: what it is of, where it goes, and what it may ask for.

    ``text`` and ``original`` read the store: they raise ``StorageFailed``, and ``ContentDamaged`` for what is
    damaged. ``advance`` tells that one more essay is done; it raises ``Cancelled`` for what nobody wants now.
    ``with_note``: the teacher's private note is to stand on papers.
    """

    pile: Pile
    language: str
    out: IO[bytes]
    text: Callable[[Essay], str]
    original: Callable[[Essay], bytes]
    advance: Callable[[], None]
    with_note: bool = False
    left_out: list[LeftOut] = field(default_factory=list)

    def leave_out(self, essay: Essay, code: str, signs: str = "") -> None:
        """Remember what could not be done for ``essay``, to be told in the list of exports."""
        self.left_out.append(LeftOut(essay.number, code, signs))


class Cancelled(Exception):
    """The export that is being made is not wanted any more."""


@dataclass(frozen=True, kw_only=True)
class ExportKind:
    """A kind of export.

    ``name`` is its value in rows and answers, and never changes; ``label`` stands on its button, ``help``
    beside it. ``stem`` says in a file's name what it is. ``make`` writes the whole file, in the language that
    is active then; it may raise ``StepError`` with a code of ``failures``, or one that all know. ``order`` is
    its place in menus. A table ``needs_essays`` not; one of papers ``takes_note``.
    """

    name: str
    label: Words
    help: Words
    stem: Words
    ending: str
    media_type: str
    make: Callable[[Making], None]
    order: int
    needs_essays: bool = True
    takes_note: bool = False
    failures: Mapping[str, Words] = field(default_factory=dict)
    notes: Mapping[str, Words] = field(default_factory=dict)

    def check(self) -> None:
        """Raise ``ImproperlyConfigured``, with the kind's name, for what is missing or does not fit."""
        wrong = {
            "its name has other letters than a–z, or more than 20": not NAME.fullmatch(self.name),
            "its ending has other letters than a–z, or more than 5": not ENDING.fullmatch(self.ending),
            "it has no label": not self.label,
            "it has no help": not self.help,
            "it has no stem": not self.stem,
            "its media type is none": self.media_type.count("/") != 1,
        }
        for words in (words for words, is_wrong in wrong.items() if is_wrong):
            raise ImproperlyConfigured(f"The export {self.name!r}: {words}.")
