"""What the list of files says once for many: those with one problem, copies, essays with one text."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import ngettext

from batches.models import Batch
from files.shapes import FileRecord
from files.steps.format import UNKNOWN
from huleedu.answers import format_words
from huleedu.answers.error_words import words_for
from huleedu.failures.errors import ErrorCode
from results.same_texts import same_texts

NAMED = 8  # of essays that share a text
AT_ONCE = 2  # of one kind: a single file says it on its own row


@dataclass(frozen=True)
class Group:
    """Files with one problem, with its words and what may be done with all of them."""

    title: str
    help: str
    files: list[FileRecord]
    may_replace: bool
    may_remove: bool


@dataclass(frozen=True)
class Copy:
    """A file that is held back, and the one it is a copy of, None when that is not here any more."""

    file: FileRecord
    original: FileRecord | None


@dataclass(frozen=True)
class Together:
    """Essays with one text, word for word or almost."""

    files: list[FileRecord]
    word_for_word: bool

    @property
    def first(self) -> list[FileRecord]:
        """Those that are named."""
        return self.files[:NAMED]

    @property
    def others(self) -> int:
        """How many more there are."""
        return len(self.files) - len(self.first)


@dataclass(frozen=True)
class Troubles:
    """All of it. ``same_texts`` are no errors but questions: essays with one text, from files that differ."""

    groups: list[Group]
    copies: list[Copy]
    same_texts: list[Together]

    @property
    def told(self) -> int:
        """How many things are told."""
        return len(self.groups) + bool(self.copies) + len(self.same_texts)


def troubles(batch: Batch, files: Sequence[FileRecord]) -> Troubles:
    """What is told of the batch's ``files``; two queries."""
    return Troubles(groups(files), copies(files), told_together(batch, files))


def groups(files: Sequence[FileRecord]) -> list[Group]:
    """The problems that several files have, the most frequent first."""
    alike: defaultdict[tuple[str, str], list[FileRecord]] = defaultdict(list)
    for file in files:
        if file.status == "failed" and file.error is not None:
            alike[file.error.error_code, str(file.error.details.get("detected", ""))].append(file)
    several = [(*kind, of_kind) for kind, of_kind in alike.items() if len(of_kind) >= AT_ONCE]
    return [group_of(*one) for one in sorted(several, key=lambda one: (-len(one[2]), one[0], one[1]))]


def group_of(code: str, detected: str, files: list[FileRecord]) -> Group:
    """The group of ``files`` that have the problem ``code``; ``detected`` is what they are instead."""
    words = words_for(code)
    return Group(
        title=title_of(code, detected, len(files)),
        help=str(words.help),
        files=files,
        may_replace="replace" in words.actions,
        may_remove="remove" in words.actions,
    )


def title_of(code: str, detected: str, number: int) -> str:
    """What is wrong with so many files, in a sentence."""
    if code == ErrorCode.UNSUPPORTED_FORMAT and detected not in ("", UNKNOWN):
        kind = format_words.label(detected)
        text = ngettext(
            "%(n)d file is of the kind %(kind)s.", "%(n)d files are of the kind %(kind)s.", number
        )
        return text % {"n": number, "kind": kind}
    text = ngettext("%(n)d file: %(problem)s.", "%(n)d files: %(problem)s.", number)
    return text % {"n": number, "problem": words_for(code).title}


def copies(files: Sequence[FileRecord]) -> list[Copy]:
    """The files that are held back because another has the same bytes, each with that other."""
    known = {str(file.file_upload_id): file for file in files}
    return [
        Copy(file, known.get(str(file.error.details.get("duplicate_of", ""))))
        for file in files
        if file.status == "duplicate" and file.error is not None
    ]


def told_together(batch: Batch, files: Sequence[FileRecord]) -> list[Together]:
    """The essays that share a text, or almost; two queries."""
    known = {file.file_upload_id: file for file in files}
    found = [
        Together([known[each] for each in same.file_upload_ids if each in known], same.word_for_word)
        for same in same_texts(batch)
    ]
    return [each for each in found if len(each.files) >= AT_ONCE]
