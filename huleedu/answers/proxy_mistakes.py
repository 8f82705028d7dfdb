"""What was forgotten between a proxy and HuleEdu, told on a page and in the log by the setting's name.

The page is the same for everybody and repeats nothing that was sent, so a stranger who provokes it learns no
more than the documentation tells.
"""

import threading
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from huleedu.answers.problems import plain_problem

API = "/v1/"
# Any of these says that somebody passed the request on. The first three we believe when we are told to.
PROXY_HEADERS = (
    *("X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-For"),
    *("Forwarded", "X-Real-IP", "X-Forwarded-Port", "Via"),
)
TELL_SECONDS = 60.0  # between two lines about one mistake: strangers could fill the log
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Mistake:
    """What is wrong, status and code of the answer, and of each remedy the setting and what to do with it."""

    name: str
    status: int
    code: str
    wrong: str | Promise
    remedies: tuple[tuple[str, str | Promise], ...]

    @property
    def settings(self) -> str:
        """The names of the settings, for the log."""
        return ", ".join(name for name, _remedy in self.remedies)


PASSES_HOST = (
    "proxy_set_header Host $http_host",
    _("The proxy passes on the name that was asked for, with its port (nginx’s words for it stand here)."),
)
TELLS_SCHEME = (
    "proxy_set_header X-Forwarded-Proto $scheme",
    _("The proxy tells whether it was asked with https (nginx’s words for it stand here)."),
)
BEHIND_PROXY = (
    "HULEEDU_BEHIND_PROXY=1",
    _("HuleEdu believes what its proxy tells. Only with a proxy that sets X-Forwarded-Proto itself."),
)
UNKNOWN_HOST = Mistake(
    "unknown host",
    400,
    "MISCONFIGURED",
    _("HuleEdu was asked under a name or address that it has not been told of."),
    (
        (
            "HULEEDU_ALLOWED_HOSTS",
            _("The name that teachers type, without https:// and port; several are separated by spaces."),
        ),
        PASSES_HOST,
    ),
)
UNSEEN_HTTPS = Mistake(
    "unseen https",
    500,
    "MISCONFIGURED",
    _("HuleEdu wants https and does not see that its proxy speaks it already: it would redirect for ever."),
    (BEHIND_PROXY, TELLS_SCHEME),
)
UNTOLD_SCHEME = Mistake(
    "untold scheme",
    500,
    "MISCONFIGURED",
    _("HuleEdu wants https, and its proxy does not tell whether it was asked with it."),
    (TELLS_SCHEME,),
)
HTTPS_NOT_SET = Mistake(
    "https not set",
    403,
    "MISCONFIGURED",
    _("The page was asked for with https and HuleEdu does not know: its own form looks like a foreign one."),
    (
        BEHIND_PROXY,
        ("HULEEDU_HTTPS=1", _("Cookies and addresses are for https alone.")),
        TELLS_SCHEME,
    ),
)
HOST_NOT_PASSED = Mistake(
    "host not passed",
    403,
    "MISCONFIGURED",
    _("The proxy asks HuleEdu under another name than the browser asked the proxy."),
    (
        PASSES_HOST,
        (
            "HULEEDU_TRUSTED_ORIGINS",
            _("Where the proxy cannot pass it on: the address that teachers type, with https://."),
        ),
    ),
)


class Told:
    """When each mistake was last written to the log of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self._at: dict[str, float] = {}

    def is_due(self, name: str) -> bool:
        """True once in a while for each name."""
        with self._lock:
            now = time.monotonic()
            due = now - self._at.get(name, -TELL_SECONDS) >= TELL_SECONDS
            if due:
                self._at[name] = now
            return due


TOLD = Told()


def was_passed_on(request: HttpRequest) -> bool:
    """True when a header says that a proxy passed the request on; a client can write one, too."""
    return any(name in request.headers for name in PROXY_HEADERS)


def behind_a_refused_form(request: HttpRequest) -> Mistake | None:
    """The mistake for which a form of ours was taken for a foreign one; None when it may well be one."""
    origin = urlsplit(request.headers.get("Origin", ""))
    try:
        host = request.get_host()
    except DisallowedHost:
        return UNKNOWN_HOST
    if origin.scheme == "https" and origin.netloc == host and not request.is_secure():
        return HTTPS_NOT_SET
    asked = urlsplit(f"//{host}").hostname
    ours = {name.strip("[]") for name in settings.LOOPBACK_HOSTS}
    if was_passed_on(request) and origin.hostname and asked in ours and origin.hostname not in ours:
        return HOST_NOT_PASSED
    return None


def answer(request: HttpRequest, mistake: Mistake) -> HttpResponse:
    """A page in the browser’s language, a problem for API clients; and now and then a line in the log."""
    if TOLD.is_due(mistake.name):
        log.error("proxy.mistake", status="error", mistake=mistake.name, settings=mistake.settings)
    with translation.override(translation.get_language_from_request(request)):
        if request.path.startswith(API):
            return plain_problem(request, mistake.status, mistake.code)
        page = render_to_string("misconfigured.html", {"mistake": mistake})
    response = HttpResponse(page, status=mistake.status)
    response.headers["Cache-Control"] = "no-store"
    return response
