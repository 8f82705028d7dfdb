"""In which language each essay is checked, and which one a batch's essays show.

An essay's own language goes before its batch's: chosen by the teacher, else found from its text. The batch's
language is for texts that do not show theirs, and for what a class writes in.
"""

from collections import Counter

from django.db.models import QuerySet

from batches.models import Batch
from files.models import FileUpload

# So many more essays in one language than in the other show the batch's before it is ready.
CLEAR_LEAD = 3


def essays_of(batch: Batch) -> QuerySet[FileUpload]:
    """The batch's essays with their slots, the first one first."""
    assigned = FileUpload.objects.filter(batch=batch, status=FileUpload.Status.ASSIGNED, slot__isnull=False)
    return assigned.select_related("slot").order_by("created_at", "pk")


def shown_by_essays(batch: Batch, lead: int) -> str:
    """The language most of the batch's essays are in, by at least ``lead`` more; empty when there is none.

    Of equally many the one that came first.
    """
    known = essays_of(batch).values_list("chosen_language", "language")
    counted = Counter(chosen or found for chosen, found in known)
    ranked = sorted(
        ((counted[code], code) for code in dict.fromkeys(counted) if code in Batch.Language.values),
        key=lambda pair: -pair[0],
    )
    if not ranked:
        return ""
    ahead = ranked[0][0] - (ranked[1][0] if len(ranked) > 1 else 0)
    return ranked[0][1] if ahead >= lead else ""


def language_of(upload: FileUpload, batch: Batch) -> str:
    """The code of the language the essay is in, empty when nothing shows it."""
    return upload.own_language or batch.language


def is_stray(upload: FileUpload, batch: Batch) -> bool:
    """True when the essay is in another language than its batch."""
    return bool(batch.language) and language_of(upload, batch) != batch.language
