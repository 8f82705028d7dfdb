"""Who comes in at the web server's door, and with how much: before a byte of a body reaches the disk.

Daphne spools whole bodies before anybody asks who sent them. A large one waits here, unread, until a thread
has found its sender and room for it; a stranger's is refused.
"""

import hashlib
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from enum import Enum
from functools import partial
from importlib import import_module
from ipaddress import ip_address, ip_network
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.db import connection
from django.http import parse_cookie
from twisted.internet import reactor
from twisted.web.http import Headers, HTTPChannel

from huleedu.outside.threads import Threads

DOOR_SECONDS = 5.0  # for a judgement; then the database is away, and the body could not be used
KNOWN_SECONDS = 10.0  # whoever was found may send the next body without being looked up
MOST_KNOWN = 10_000
IPV6_NETWORK = 64  # bits: what one household or machine has
LOOPBACK = frozenset({"127.0.0.1", "::1", "::ffff:127.0.0.1"})  # a proxy of this machine, or we ourselves
FLOOD = 2  # times as many connections as are answered: whoever has more is cut off without a word
THREADS = Threads("door", 4)
Refusal = tuple[int, str]


class Stage(Enum):
    """What a connection is doing; ``HELD``: its body waits for a judgement."""

    IDLE = "idle"
    HEADERS = "headers"
    HELD = "held"
    BODY = "body"
    ANSWERING = "answering"
    REFUSED = "refused"


class Known:
    """Credentials that were found good a moment ago, by their digests."""

    def __init__(self) -> None:
        self._until: dict[bytes, float] = {}

    def has(self, credential: tuple[str, str]) -> bool:
        """True when it was found lately."""
        return self._until.get(digest_of(credential), 0.0) > time.monotonic()

    def add(self, credential: tuple[str, str]) -> None:
        """Remember it for a while."""
        if len(self._until) >= MOST_KNOWN:
            self._until.clear()
        self._until[digest_of(credential)] = time.monotonic() + KNOWN_SECONDS


KNOWN = Known()
CONNECTIONS: Counter[str] = Counter()


def digest_of(credential: tuple[str, str]) -> bytes:
    """What is kept of a credential."""
    return hashlib.sha256("\x1f".join(credential).encode()).digest()


def credential_of(headers: Headers) -> tuple[str, str] | None:
    """The kind and the secret of what a request shows: a token, else a session, else None."""
    for value in headers.getRawHeaders(b"authorization", []):
        scheme, _, secret = value.decode("latin-1").partition(" ")
        if scheme.lower() == "bearer" and secret.strip():
            return "token", secret.strip()
    for value in headers.getRawHeaders(b"cookie", []):
        key = parse_cookie(value.decode("latin-1")).get(settings.SESSION_COOKIE_NAME)
        if key:
            return "session", key
    return None


def is_good(credential: tuple[str, str]) -> bool:
    """True for a token or session of somebody who is signed in; asks the database unless it did lately."""
    from huleedu.accounts.authentication import is_live

    if KNOWN.has(credential):
        return True
    kind, secret = credential
    try:
        if kind == "token":
            good = is_live(secret)
        else:
            good = SESSION_KEY in import_module(settings.SESSION_ENGINE).SessionStore(secret).load()
    finally:
        connection.close()
    if good:
        KNOWN.add(credential)
    return good


def judgement(credential: tuple[str, str], length: int) -> Refusal | None:
    """Why a body of ``length`` bytes with this credential may not come; None when it may.

    Raises ``DatabaseError``.
    """
    from huleedu.outside.disks import too_full

    if not is_good(credential):
        return 401, "NOT_SIGNED_IN"
    return (507, "STORAGE_FULL") if too_full(length, spooled=True) is not None else None


def network_of(host: str) -> str:
    """What is counted as one address."""
    address = ip_address(host.partition("%")[0])
    if address.version == 4 or address.ipv4_mapped is not None:
        return host
    return str(ip_network((address, IPV6_NETWORK), strict=False))


class GuardedChannel(HTTPChannel):
    """A connection that is counted by address, and takes a large body only from whoever is signed in.

    What inherits has ``admit`` and ``refuse``.
    """

    stage = Stage.IDLE
    most_bytes = 0  # of the body that comes
    counted_as = ""
    admit: Callable[[], None]
    refuse: Callable[..., None]

    def count_connection(self) -> None:
        """Refuse a client whose address has more connections than it may."""
        host = getattr(self.transport.getPeer(), "host", None)
        behind_proxy = settings.BEHIND_PROXY or getattr(settings, "TRUSTED_PROXIES", None)
        if not host or host in LOOPBACK or behind_proxy:
            return
        self.counted_as = network_of(host)
        CONNECTIONS[self.counted_as] += 1
        limit = settings.MAX_CONNECTIONS_PER_ADDRESS
        if CONNECTIONS[self.counted_as] > FLOOD * limit:
            self.transport.abortConnection()
        elif CONNECTIONS[self.counted_as] > limit:
            self.refuse(429, "TOO_MANY_REQUESTS", limit=limit)

    def discount_connection(self) -> None:
        """The connection is gone, or is a socket, which is counted by its user."""
        if self.counted_as:
            CONNECTIONS[self.counted_as] -= 1
            if not CONNECTIONS[self.counted_as]:
                del CONNECTIONS[self.counted_as]
            self.counted_as = ""

    def judge(self) -> None:
        """Admit a small body at once, and a large one, or one of unknown length, when its sender is known."""
        self.most_bytes = settings.MAX_REQUEST_BYTES
        if self.length is not None and self.length <= settings.STRANGER_BYTES:
            self.admit()
            return
        credential = credential_of(self.requests[-1].requestHeaders)
        if credential is None:
            self.take_for_stranger()
            return
        self.paused = True
        self._networkProducer.pauseProducing()
        turning: Any = reactor
        future = THREADS.run(partial(judgement, credential, self.length or 0))
        future.add_done_callback(lambda done: turning.callFromThread(self.judged, done))

    def judged(self, done: "Future[Refusal | None]") -> None:
        """Go on with what was found of the sender."""
        if self.stage is not Stage.HELD:
            return
        self.paused = False
        refusal = (503, "UNAVAILABLE") if done.exception() is not None else done.result()
        if refusal is None:
            self.admit()
        elif refusal[0] == 507:
            self.refuse(*refusal)
        elif self.length is None or refusal[0] == 401:
            self.take_for_stranger()
        else:
            self.refuse(*refusal)
        self._networkProducer.resumeProducing()
        self.dataReceived(b"")

    def take_for_stranger(self) -> None:
        """Refuse a large body; one of unknown length may come as far as a stranger's may."""
        self.most_bytes = settings.STRANGER_BYTES
        if self.length is None:
            self.admit()
        else:
            self.refuse_length()

    def refuse_length(self) -> None:
        """Say that this is too much: for anybody, or for somebody who is not signed in."""
        if self.most_bytes < settings.MAX_REQUEST_BYTES:
            self.refuse(401, "NOT_SIGNED_IN", limit=self.most_bytes)
        else:
            self.refuse(413, "REQUEST_TOO_LARGE", limit=self.most_bytes)
