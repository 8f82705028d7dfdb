"""Where a teacher's batches stand: what needs her, what runs, what is done. One order for page and API."""

from collections.abc import Mapping
from typing import Literal, get_args

from django.db.models import Case, Count, Exists, OuterRef, Q, QuerySet, Value, When

from batches.models import Batch
from files.models import FileUpload

Show = Literal["all", "needs_me", "running", "done", "archived"]
SHOWS: tuple[Show, ...] = get_args(Show)
# What comes first, and last. A batch has the first of these that is true of it.
TROUBLED, UNDECIDED, RUNNING, DONE = range(4)
GROUPS: Mapping[Show, tuple[int, ...]] = {
    "needs_me": (TROUBLED, UNDECIDED),
    "running": (RUNNING,),
    "done": (DONE,),
}
ARCHIVED, BINNED = "archived", "bin"
Status = Batch.Status
TROUBLE = Exists(
    FileUpload.objects.filter(batch=OuterRef("pk"), status__in=FileUpload.NEEDS_ATTENTION).values("pk")
)
RANK = Case(
    When(status=Status.CANCELLED, then=DONE),  # nothing can be done about it any more
    When(Q(status__in=(Status.FAILED, Status.COMPLETED_WITH_FAILURES)) | TROUBLE, then=TROUBLED),
    # Its deadline passed with essays missing, or it was told not to start by itself.
    When(status=Status.AWAITING_CONTENT, timed_out_at__isnull=False, then=UNDECIDED),
    When(status=Status.READY, configuration__auto_start=False, then=UNDECIDED),
    When(status__in=Batch.OPEN, then=RUNNING),
    default=DONE,
)
PLACE = Case(
    When(binned_at__isnull=False, then=Value(BINNED)),
    When(archived_at__isnull=False, then=Value(ARCHIVED)),
    *(When(rank__in=ranks, then=Value(name)) for name, ranks in GROUPS.items()),
    default=Value(""),
)


def ranked(batches: QuerySet[Batch]) -> QuerySet[Batch]:
    """Add ``rank`` to each batch: the lower, the sooner it needs its teacher."""
    return batches.annotate(rank=RANK)


def narrowed(batches: QuerySet[Batch], show: Show) -> QuerySet[Batch]:
    """Those of ranked ``batches`` that ``show`` asks for; only ``archived`` shows what is archived."""
    present = batches.filter(archived_at__isnull=show != ARCHIVED)
    return present.filter(Q(rank__in=GROUPS[show])) if show in GROUPS else present


def tally(batches: QuerySet[Batch]) -> dict[str, int]:
    """How many of ``batches`` each value of ``show`` has, and the bin; one query."""
    places = ranked(batches).annotate(place=PLACE).order_by().values_list("place").annotate(n=Count("pk"))
    counted = dict(places)
    present = sum(counted.get(name, 0) for name in GROUPS)
    return {"all": present, **{name: counted.get(name, 0) for name in (*GROUPS, ARCHIVED, BINNED)}}


def asked_for(text: str) -> Show:
    """The value of ``show`` that an address names, ``all`` for any other."""
    return next((show for show in SHOWS if show == text), "all")
