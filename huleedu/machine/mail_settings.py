"""The mail server as an operator writes it: ``smtp://user:password@mail.school.se:587``."""

from typing import Any
from urllib.parse import unquote

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from huleedu.machine.environment import mistake, said, split_address, without_secret

PORTS = {"smtp": 587, "smtps": 465, "smtp+plain": 25}
SECONDS = 10


def mail_server(name: str = "EMAIL_URL", sender: str = "EMAIL_FROM") -> dict[str, Any]:
    """Django's settings of mail; empty when none is configured. Raises ImproperlyConfigured.

    ``smtp`` begins in the clear and insists on TLS (587), ``smtps`` is TLS from the start (465), and
    ``smtp+plain`` never (25), for a server on this machine.
    """
    found = said(name)
    if not found:
        return {}
    parts = split_address(found)
    if parts is None or parts.scheme not in PORTS:
        wrong = "is no mail server: write smtp://, smtps:// or smtp+plain://"
        raise mistake(name, wrong, "smtp://user:password@mail.school.se:587", value=without_secret(found))
    try:
        validate_email(said(sender))
    except ValidationError:
        raise mistake(sender, "is no address that mail can come from", "huleedu@school.se") from None
    return {
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or PORTS[parts.scheme],
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_TLS": parts.scheme == "smtp",
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_TIMEOUT": SECONDS,
        "DEFAULT_FROM_EMAIL": said(sender),
    }
