"""Where a request comes from: the client's address, as far as it can be believed, and its network."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

IPV6_HOUSEHOLD = 64  # bits: whoever has one address has all of these
Address = IPv4Address | IPv6Address


def client_address(request: HttpRequest) -> Address | None:
    """The address that the outermost of ``TRUSTED_PROXIES`` proxies saw; without any, whoever connected.

    Proxies write on the right of ``X-Forwarded-For``, so what a client wrote itself is never counted in. None
    when it is not known, as behind a proxy that we were not told of.
    """
    proxies: int = settings.TRUSTED_PROXIES
    if settings.BEHIND_PROXY and not proxies:
        return None
    chain = [str(request.META.get("REMOTE_ADDR", ""))]
    if proxies:
        chain = [*request.headers.get("X-Forwarded-For", "").split(","), *chain]
    for told in chain[-proxies - 1 :]:
        address = read_address(told)
        if address is not None:
            return address
    return None


def read_address(text: str) -> Address | None:
    """The address that ``text`` writes, perhaps with a port; IPv4 within IPv6 is IPv4. None for others."""
    bare = text.strip().strip('"')
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def client_network(request: HttpRequest) -> str:
    """Where a request comes from: one IPv4 address, or one household's IPv6 network; "" if not known."""
    address = client_address(request)
    if address is None:
        return ""
    bits = IPV6_HOUSEHOLD if address.version == 6 else address.max_prefixlen
    return str(ip_network((address, bits), strict=False))
