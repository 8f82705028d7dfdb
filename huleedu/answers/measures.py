"""Configured limits in words, in the reader's language: whoever speaks of a limit says what is set now."""

from collections.abc import Callable

from django.conf import settings
from django.utils import formats
from django.utils.functional import lazy
from django.utils.text import format_lazy
from django.utils.translation import gettext, ngettext
from django_stubs_ext import StrPromise

TIMES: tuple[tuple[int, Callable[[int], str]], ...] = (
    (24 * 60 * 60, lambda n: ngettext("%(n)d day", "%(n)d days", n)),
    (60 * 60, lambda n: ngettext("%(n)d hour", "%(n)d hours", n)),
    (60, lambda n: ngettext("%(n)d minute", "%(n)d minutes", n)),
)
UNITS = ((1024**4, "TB"), (1024**3, "GB"), (1024**2, "MB"), (1024, "KB"))
TO_BYTES = "_BYTES"  # how the names of settings in bytes end
TO_SECONDS = "_SECONDS"


def size_in_words(size: int) -> str:
    """Bytes as short as they can be said: "10 MB", "1.5 GB", "100 bytes"."""
    for unit, name in UNITS:
        if size >= unit:
            number = round(size / unit, 1)
            return f"{formats.number_format(number, decimal_pos=0 if number.is_integer() else 1)} {name}"
    return gettext("%(n)s bytes") % {"n": size}


def time_in_words(seconds: int) -> str:
    """A time in the largest unit that it is a whole number of: "10 minutes", "30 days"."""
    for unit, words in TIMES:
        if seconds >= unit and seconds % unit == 0:
            return words(seconds // unit) % {"n": seconds // unit}
    return ngettext("%(n)d second", "%(n)d seconds", seconds) % {"n": seconds}


def number_in_words(number: int) -> str:
    """A whole number as the reader's language groups it: "50,000"."""
    return formats.number_format(number, force_grouping=True)


def limit_in_words(name: str) -> str:
    """The setting ``name`` as people read it."""
    value = int(getattr(settings, name))
    if name.endswith(TO_SECONDS):
        return time_in_words(value)
    return size_in_words(value) if name.endswith(TO_BYTES) else number_in_words(value)


limit_later = lazy(limit_in_words, str)


def with_limits(sentence: StrPromise, **names: str) -> StrPromise:
    """``sentence``, a lazy translation, with a limit in each place: ``place="MAX_FILE_BYTES"``."""
    return format_lazy(sentence, **{place: limit_later(name) for place, name in names.items()})
