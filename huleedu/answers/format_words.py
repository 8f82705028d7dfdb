"""What formats are called, in the reader's language; the words stand in ``files/steps/formats``."""

from django.utils.functional import lazy
from django.utils.text import format_lazy, get_text_list
from django.utils.translation import gettext
from django_stubs_ext import StrPromise

from files.steps.format import UNKNOWN, Format
from files.steps.registry import FORMATS


def label(name: str) -> str:
    """A format as people call it."""
    if name == UNKNOWN:
        return gettext("Not recognised")
    known = FORMATS.get(name)
    return gettext(known.label) if known and known.label else name.upper()


def said() -> str:
    """All that are read, within a sentence: "Word (.docx), PDF or plain text"."""
    return _in_a_row([each.said or each.label for each in _advised()])


def short() -> str:
    """All that are read, where there is little room: "Word, PDF or plain text"."""
    return _in_a_row([each.short or each.said or each.label for each in _advised()])


def with_formats(sentence: StrPromise) -> StrPromise:
    """``sentence``, a lazy translation, with all that are read in the place ``{formats}``."""
    return format_lazy(sentence, formats=_said_later())


_said_later = lazy(said, str)


def _in_a_row(words: list[str]) -> str:
    return get_text_list([gettext(each) for each in words], gettext("or"))


def _advised() -> list[Format]:
    """All that are read; plain text has lost what an essay looked like, so it comes last."""
    return [*(each for each in FORMATS.read if each is not FORMATS.plain), FORMATS.plain]
