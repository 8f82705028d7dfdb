"""What the file of a format declares: how its files are recognised and read, and what it is called."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from files.steps.content import Content
from huleedu.failures.errors import ErrorCode

UNKNOWN = "unknown"
"""Said where no format was recognised; none is called so."""

Reader = Callable[[bytes], Content]
Sight = Callable[[bytes], bool]


def for_translation(words: str) -> str:
    """``words`` unchanged: imported as ``_`` it marks them for ``makemessages``, and pages translate them."""
    return words


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """What a file of the format shows; one of these is enough.

    ``beginnings``: its first bytes. ``members``: how the name of a part of a ZIP archive begins.
    ``media_types``: what such an archive says first, without ``application/``. ``streams``: a part of
    Microsoft's older container. ``roots``: the first element of markup, in small letters.
    ``shown``: what no table says; asked of what is no container, before it may be text.
    ``remains``: whether bytes that are no such file any more, or no whole archive, were one: it is damaged.
    """

    beginnings: tuple[bytes, ...] = ()
    members: tuple[str, ...] = ()
    media_types: tuple[bytes, ...] = ()
    streams: tuple[str, ...] = ()
    roots: tuple[str, ...] = ()
    shown: Sight | None = None
    remains: Sight | None = None


@dataclass(frozen=True, slots=True)
class Limit:
    """The most of something that a file may have, and the code of one that has more."""

    what: str
    most: int
    code: ErrorCode


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A format that is recognised, and read if it has a ``reader``.

    ``name`` is its value in answers, filters and rows, and never changes. Its files should have one of the
    ``endings``; without any they may have all that are not another's. ``reader`` is the module with
    ``read(data) -> Content``, which raises StepError; one that needs much stands in a module of its own, for
    it is loaded only where files are read.
    ``label`` is what people call it, ``said`` the same within a sentence, ``short`` in a list of what may be
    sent; each is like the one before when it is empty.
    """

    name: str
    endings: tuple[str, ...] = ()
    signs: Signs = Signs()
    reader: str = ""
    label: str = ""
    said: str = ""
    short: str = ""
    limits: tuple[Limit, ...] = ()

    def load(self) -> Reader:
        """Its reader, loaded. Only of a format that is read."""
        read: Reader = import_module(self.reader).read
        return read
