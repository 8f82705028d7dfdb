"""Where the web server may listen without TLS. Read before Django's settings are."""

from collections.abc import Mapping
from ipaddress import ip_address

SAYING_SO = ("HULEEDU_HTTPS", "HULEEDU_BEHIND_PROXY", "HULEEDU_PLAIN_HTTP")
YES = frozenset({"1", "true", "yes", "on"})


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach ``host``, a name or an address."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def complaint_about_plain_http(host: str, environment: Mapping[str, str]) -> str | None:
    """Why the web server must not listen at ``host``, in a sentence that says what to do; None if it may."""
    if is_loopback(host) or any(environment.get(name, "").lower() in YES for name in SAYING_SO):
        return None
    return (
        f"Whoever is on the way to {host or 'every address'} could read passwords and essays: put a proxy "
        "with a certificate in front and set HULEEDU_HTTPS=1 and HULEEDU_BEHIND_PROXY=1, listen on "
        "127.0.0.1, or, where nobody else is on the network, say that plain http is meant with "
        "HULEEDU_PLAIN_HTTP=1."
    )
