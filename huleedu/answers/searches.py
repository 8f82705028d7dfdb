"""Search words in addresses that nobody else can read: proxies' logs and browsers' histories keep those."""

import base64
import hashlib
from functools import cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from huleedu.answers.pages import PageRequest, search_words

NAME = "s"  # of the parameter
PADDED = 32  # bytes: short words all look the same


def seal(request: PageRequest, words: str) -> str:
    """``words`` as text for an address, to be read by us for the same user alone; "" for none."""
    if not words:
        return ""
    plain = f"{request.user.pk}\n{words}".encode()
    return cipher().encrypt(plain.ljust(-(-len(plain) // PADDED) * PADDED)).decode()


def searched(request: PageRequest) -> str:
    """What was searched for: the sealed words of the address, or plain ones of an older bookmark."""
    sealed = request.GET.get(NAME, "")
    if not sealed:
        return search_words(request)
    try:
        owner, _, words = cipher().decrypt(sealed.encode()).decode().partition("\n")
    except (InvalidToken, ValueError):
        return ""
    return words.strip() if owner == str(request.user.pk) else ""


def cipher() -> MultiFernet:
    """Made from the installation's keys, the newest first."""
    return ciphers((settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


@cache
def ciphers(keys: tuple[str, ...]) -> MultiFernet:
    """One cipher for each of ``keys``."""
    digests = [hashlib.sha256(f"huleedu.searches {key}".encode()).digest() for key in keys]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])
