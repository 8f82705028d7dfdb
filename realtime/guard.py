"""Who may open a socket: our own pages only, signed in by session or by bearer token."""

from typing import Any

from channels.auth import AuthMiddlewareStack

from realtime.origins import OriginGuard


def bearer_of(scope: dict[str, Any]) -> str:
    """The bearer token in the handshake's headers, or an empty string."""
    for name, value in scope["headers"]:
        scheme, _, secret = value.decode("latin-1").partition(" ")
        if name.lower() == b"authorization" and scheme.lower() == "bearer":
            return str(secret).strip()
    return ""


class TokenUser:
    """Puts a handshake's token into the scope; consumers look up its owner, and look again."""

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        secret = bearer_of(scope)
        if secret:
            scope = {**scope, "token": secret}
        return await self.application(scope, receive, send)


def guarded(application: Any) -> Any:
    """``application`` behind origin check, session and token sign-in."""
    return OriginGuard(AuthMiddlewareStack(TokenUser(application)))
