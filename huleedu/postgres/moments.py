"""Answers that are read at one moment: what one says in two places agrees, whatever is written meanwhile."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

READING = frozenset({"GET", "HEAD"})
BEGIN = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
View = Callable[..., HttpResponseBase]


@contextmanager
def one_moment() -> Iterator[None]:
    """All queries inside see the database as it was at the first of them; writing is an error.

    Inside a transaction its own rules hold and nothing changes. What must be written because of an answer
    waits for ``transaction.on_commit``.
    """
    if connection.in_atomic_block:
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(BEGIN)
        yield
        if connection.errors_occurred:  # and were answered for: the database has ended the transaction
            transaction.set_rollback(True)


def apart(view: View) -> View:
    """Mark a view that asks for each thing by itself: about health, or where one failure leaves the rest."""
    vars(view)["reads_apart"] = True
    return view


class Raised(HttpResponse):
    """What a view raised, as an answer that cannot be rendered: Django asks all middleware about it then.

    What leaves ``process_view`` itself it asks nobody about.
    """

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def render(self) -> HttpResponse:
        """Raises what the view raised."""
        raise self.error


class OneMomentMiddleware:
    """Every view answers GET and HEAD from one moment, up to its last line. The innermost middleware.

    What the view raises is raised once the moment is over.
    An answer that streams is read after its view has returned: it must have read before.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: View, arguments: tuple[Any, ...], named: dict[str, Any]
    ) -> HttpResponseBase | None:
        """The answer of ``view``, or None to let Django ask for it."""
        if request.method not in READING or reads_apart(view):
            return None
        # Who is signed in is found out before: a session that is over is put away, which is writing.
        request.user.is_authenticated  # noqa: B018
        try:
            with one_moment():
                response = view(request, *arguments, **named)
                render = getattr(response, "render", None)
                return render() if render else response
        except Exception as error:
            return Raised(error)


def reads_apart(view: View) -> bool:
    """True for a view that is marked as ``apart``."""
    return bool(getattr(view, "reads_apart", False))
