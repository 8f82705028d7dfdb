"""Sessions in the database that begin and end by the database's clock, whatever a web server's own says.

They end twelve hours after the sign-in, and when nobody does anything for a while. What a page does by itself
(asking for news, being open) is nothing: see ``is_done_by_somebody``.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends import db
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db.models import F, QuerySet
from django.db.models.functions import Least, Now
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from huleedu.account_models import Session
from huleedu.accounts.devices import SHARED, device_in_words, digest
from huleedu.http.networks import client_network
from huleedu.postgres.clock import database_now

SIGN_IN = "huleedu.sign_in"  # in a session: when, where and with what somebody signed in
LONGEST = timedelta(seconds=settings.SESSION_COOKIE_AGE)
STRANGERS = timedelta(hours=1)  # of a session in which nobody has signed in yet
NOTES = 8  # an idle time is noted in so many steps
NOTED_EVERY = timedelta(minutes=5)
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def idle_time(shared: bool) -> timedelta:
    """After how long without doing anything a session ends."""
    return timedelta(seconds=settings.IDLE_SHARED_SECONDS if shared else settings.IDLE_SECONDS)


class SessionStore(db.SessionStore):
    """As Django's, which asks the clock of the process; ``row`` is what was loaded."""

    row: Session | None = None

    @classmethod
    def get_model_class(cls) -> type[AbstractBaseSession]:
        """Our own rows, which know whose they are."""
        return Session

    def _get_session_from_db(self) -> AbstractBaseSession | None:
        self.row = Session.objects.filter(session_key=self.session_key, expire_date__gt=Now()).first()
        if self.row is None:
            self._session_key = None
        return self.row

    def create_model_instance(self, data: Any) -> AbstractBaseSession:
        """The row of this session with ``data``."""
        now = database_now()
        said = data.get(SIGN_IN, {})
        session = Session(session_key=super().create_model_instance(data).pk, session_data=self.encode(data))
        session.user_id = data.get(SESSION_KEY)
        session.begun_at = datetime.fromisoformat(said["at"]) if "at" in said else now
        session.seen_at = now
        session.device, session.network = said.get("device", ""), said.get("network", "")
        session.shared = bool(data.get(SHARED))
        idle = idle_time(session.shared) if session.user_id else STRANGERS
        session.expire_date = min(session.begun_at + LONGEST, now + idle)
        return session


def note_sign_in(sender: object, request: HttpRequest, user: User, **_: object) -> None:
    """After a sign-in: the session knows when and from where. A shared computer's ends with the browser."""
    request.session[SIGN_IN] = {
        "at": database_now().isoformat(),
        "device": device_in_words(request.headers.get("User-Agent", "")),
        "network": client_network(request),
    }
    if request.session.get(SHARED):
        request.session.set_expiry(0)


def live_sessions(user: User) -> QuerySet[Session]:
    """The sessions in which ``user`` is signed in, the newest first."""
    return Session.objects.filter(user=user, expire_date__gt=Now()).order_by("-begun_at")


def public_name(session_key: str) -> str:
    """What a page calls a session: nobody can make its key of it."""
    return digest("session", session_key)[:20]


def named(sessions: Iterable[Session], name: str) -> Session | None:
    """The one of ``sessions`` that a page calls ``name``."""
    return next((session for session in sessions if public_name(session.session_key) == name), None)


def is_done_by_somebody(request: HttpRequest) -> bool:
    """False for what pages ask for by themselves."""
    if request.method not in SAFE:
        return True
    return not request.path.startswith("/v1/") and "HX-Request" not in request.headers


class SeenMiddleware:
    """Notes now and then that somebody is at work; a request that writes nothing costs nothing."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        row = getattr(request.session, "row", None)
        if row is not None and row.user_id and is_done_by_somebody(request):
            note_seen(row)
        return response


def note_seen(row: Session) -> None:
    """Let the session live on, if that was not noted just now."""
    idle = idle_time(row.shared)
    if abs(timezone.now() - row.seen_at) < min(idle / NOTES, NOTED_EVERY):
        return
    Session.objects.filter(pk=row.pk).update(
        seen_at=Now(), expire_date=Least(F("begun_at") + LONGEST, Now() + idle)
    )
