"""Where a socket's page comes from: the address that the socket was asked for under, or a trusted one."""

from io import BytesIO
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.core.handlers.asgi import ASGIRequest
from django.utils.http import is_same_domain

PORTS = {"http": 80, "https": 443}
SCHEMES = {"ws": "http", "wss": "https"}


class Origin(NamedTuple):
    """An origin as browsers compare it."""

    scheme: str
    host: str
    port: int


def read_origin(text: str) -> Origin | None:
    """The origin that ``text`` writes, its usual port filled in; None for anything else, ``null`` too."""
    try:
        parts = urlsplit(text)
        port = PORTS.get(parts.scheme) if parts.port is None else parts.port
    except ValueError:
        return None
    bare = f"{parts.scheme}://{parts.netloc}".lower() == text.lower() and "@" not in parts.netloc
    if not bare or not parts.hostname or port is None or text.endswith(":"):
        return None
    return Origin(parts.scheme, parts.hostname, port)


def own_origin(scope: dict[str, Any]) -> Origin | None:
    """The origin under which this socket was asked for, by the rules Django has for pages and proxies.

    None for a host that is not ours.
    """
    scheme = SCHEMES.get(scope.get("scheme", "ws"), "http")
    asked = {**scope, "method": "GET", "scheme": scheme, "query_string": b""}
    request = ASGIRequest(asked, BytesIO())
    try:
        return read_origin(f"{request.scheme}://{request.get_host()}")
    except DisallowedHost:
        return None


def is_trusted(origin: Origin) -> bool:
    """True for an origin in ``CSRF_TRUSTED_ORIGINS``, which may say ``*.`` for every subdomain."""
    for text in settings.CSRF_TRUSTED_ORIGINS:
        trusted = read_origin(text.replace("://*.", "://"))
        if trusted is None or (trusted.scheme, trusted.port) != (origin.scheme, origin.port):
            continue
        if is_same_domain(origin.host, f".{trusted.host}" if "://*." in text else trusted.host):
            return True
    return False


class OriginGuard:
    """Lets in sockets of our own pages only; without an origin nobody knows whose they are."""

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        told = [value.decode("latin-1") for name, value in scope["headers"] if name.lower() == b"origin"]
        origin = read_origin(told[0]) if len(told) == 1 else None
        if origin is not None and (origin == own_origin(scope) or is_trusted(origin)):
            return await self.application(scope, receive, send)
        await receive()
        return await send({"type": "websocket.close"})
