"""The names and addresses that this machine itself has: whoever asks for one of them means this machine.

Read with the settings, without asking anybody: a name server that hangs must not hold up a start.
"""

import socket
from contextlib import suppress
from ipaddress import ip_address

LOCAL_DOMAIN = ".local"  # as machines announce themselves on a network without name server


def own_hosts() -> list[str]:
    """This machine's name, whole and short, and the addresses of its network cards, as in a Host header.

    As of now: an address that comes later must be named in ``HULEEDU_ALLOWED_HOSTS``.
    """
    return [*names_of(socket.gethostname()), *addresses()]


def names_of(hostname: str) -> list[str]:
    """The forms in which people type a host's name; none of a name that could not stand in an address."""
    whole = hostname.lower().rstrip(".")
    if not whole.replace("-", "").replace(".", "").isalnum() or not whole.isascii() or is_address(whole):
        return []
    short = whole.partition(".")[0]
    return list(dict.fromkeys([whole, short, short + LOCAL_DOMAIN]))


def addresses() -> list[str]:
    """The IPv4 and IPv6 addresses of all network cards; none when the kernel does not tell."""
    import psutil  # only web servers need it

    found: list[str] = []
    with suppress(OSError):
        for card in psutil.net_if_addrs().values():
            for each in card:
                if each.family in {socket.AF_INET, socket.AF_INET6} and "%" not in each.address:
                    found.append(as_host(each.address))
    return list(dict.fromkeys(found))


def as_host(address: str) -> str:
    """An address as it stands in a Host header."""
    return f"[{address}]" if ":" in address else address


def is_address(text: str) -> bool:
    """Whether ``text`` is an IP address."""
    with suppress(ValueError):
        return bool(ip_address(text))
    return False
