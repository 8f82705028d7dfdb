"""Words that are no errors, whatever the check says: those that a teacher accepted, and her assignment's."""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from batches.models import Batch
from essays.models import AcceptedWord
from essays.steps.words import find_words, plain_form


@dataclass(frozen=True)
class Accepted:
    """``everywhere`` in the batch, and in single files; folded."""

    everywhere: frozenset[str]
    of_files: Mapping[UUID, Set[str]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.everywhere or self.of_files)

    def within(self, file_upload_id: UUID) -> Callable[[str], bool]:
        """Says of a word whether it is accepted in that file's essay."""
        here = self.everywhere | self.of_files.get(file_upload_id, set())
        return lambda word: fold(word) in here


def fold(word: str) -> str:
    """As words are compared: one form of each letter, apostrophe and hyphen, in any case."""
    return plain_form(word).casefold()


def accepted_in(batch: Batch) -> Accepted:
    """What is accepted in the batch's essays, by one query."""
    concerned = Q(file__batch=batch) | Q(batch=batch) | Q(owner=batch.owner_id)
    of_files: dict[UUID, set[str]] = {}
    everywhere = words_of(batch.assignment)
    for row in AcceptedWord.objects.filter(concerned).only("file_id", "folded"):
        if row.file_id is None:
            everywhere.add(row.folded)
        else:
            of_files.setdefault(row.file_id, set()).add(row.folded)
    return Accepted(frozenset(everywhere), of_files)


def words_of(assignment: str) -> set[str]:
    """The words of the assignment, folded: who repeats one makes no mistake."""
    return {fold(word.plain) for word in find_words(assignment, frozenset()) if not word.skipped}


def always_accepted(user: User) -> QuerySet[AcceptedWord]:
    """What the teacher accepts always, in order of the words."""
    return AcceptedWord.objects.filter(owner=user).order_by("folded")
