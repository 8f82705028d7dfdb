"""Devices on which somebody has signed in before: a signed cookie tells them.

There nobody waits for what strangers guess elsewhere.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from unicodedata import normalize
from uuid import uuid4

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac

SALT = "huleedu.device"
MAX_NAMES = 5  # of a computer that several people use; the oldest gives way
SHARED = "huleedu.shared"  # in a session: somebody said so when she signed in
COOKIE_SECONDS = 90 * 24 * 60 * 60
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox", "Firefox"),
    ("Chrom", "Chrome"),
    ("Safari", "Safari"),
)
SYSTEMS = (
    *(("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("CrOS", "ChromeOS")),
    *(("Windows", "Windows"), ("Mac OS", "macOS"), ("Linux", "Linux")),
)
MARK = "huleedu.device"  # in a request's META: what the answer's cookie shall hold


def digest(*parts: str) -> str:
    """What is kept of names and places: nobody can read them, and a password typed as a name is not told."""
    return salted_hmac("huleedu.doors", "\x1f".join(parts), algorithm="sha256").hexdigest()


def same_name(username: str) -> str:
    """The name whatever its spelling: as somebody who guesses may vary it."""
    return normalize("NFKC", username).casefold().strip()


@dataclass(frozen=True)
class Device:
    """A number of its own, and digests of the names under which somebody has signed in here."""

    number: str
    names: tuple[str, ...]


def device_of(request: HttpRequest) -> Device | None:
    """The device that a request comes from, if it has a cookie of ours."""
    try:
        number, *names = signing.loads(request.COOKIES.get(settings.DEVICE_COOKIE_NAME, ""), salt=SALT)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return Device(str(number), tuple(str(name) for name in names))


def device_in_words(user_agent: str) -> str:
    """Browser and system as their owner calls them: "Firefox, Windows"; "" for what is neither."""
    kinds = (BROWSERS, SYSTEMS)
    found = (next((name for sign, name in kind if sign in user_agent), "") for kind in kinds)
    return ", ".join(filter(None, found))


def remember_device(sender: object, request: HttpRequest, user: Any, **_: object) -> None:
    """After a sign-in: the answer makes this a device that knows the name, unless others use it, too."""
    if request.session.get(SHARED):
        return
    before = device_of(request) or Device(uuid4().hex, ())
    name = digest("name", same_name(user.get_username()))
    others = tuple(known for known in before.names if known != name)
    request.META[MARK] = Device(before.number, (*others, name)[-MAX_NAMES:])


class DeviceMiddleware:
    """Gives the cookie to a browser that has just signed in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        device = request.META.get(MARK)
        if isinstance(device, Device):
            response.set_cookie(
                settings.DEVICE_COOKIE_NAME,
                signing.dumps([device.number, *device.names], salt=SALT),
                max_age=COOKIE_SECONDS,
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite="Lax",
            )
        return response
