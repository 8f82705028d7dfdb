"""Where the words of a search for batches are looked for: the one place to add another."""

from collections.abc import Callable

from django.db.models import Exists, OuterRef, Q, QuerySet

from batches.models import Batch
from files.models import FileUpload
from huleedu.folding import words_of


def in_title_or_class(word: str) -> Q:
    """Batches that are called so."""
    return Q(folded__contains=word)


def in_files(word: str) -> Q:
    """Batches with a file or folder that is called so; removed files are not searched."""
    named = FileUpload.objects.present().filter(batch=OuterRef("pk"), folded__contains=word)
    return Q(Exists(named.values("pk")))


PLACES: tuple[Callable[[str], Q], ...] = (in_title_or_class, in_files)


def holding(batches: QuerySet[Batch], query: str) -> QuerySet[Batch]:
    """Those of ``batches`` in which every word of ``query`` is somewhere, whole or as part of another."""
    for word in words_of(query):
        somewhere = Q()
        for place in PLACES:
            somewhere |= place(word)
        batches = batches.filter(somewhere)
    return batches
