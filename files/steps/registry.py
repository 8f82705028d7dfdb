"""All formats: each file of ``files.steps.formats``, and those that are not read. Checked when loaded."""

import re
import sys
from collections.abc import Iterable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from types import ModuleType

from files.steps import formats
from files.steps.format import UNKNOWN, Format, Signs
from files.steps.not_read import NOT_READ

_NAME = re.compile(r"[a-z0-9]{1,20}")
_ENDING = re.compile(r"[a-z0-9]{1,10}")  # as ``detect.extension`` gives it
LONGEST_NAME = 10
"""Of a format that is read: characters that a row keeps."""


class WrongFormat(Exception):
    """A format is declared wrongly; the message names it, its file and what is wrong."""


class Formats:
    """All formats. Raises WrongFormat for one that is not whole, or that takes what is another's."""

    def __init__(self, declared: Iterable[tuple[str, Format]]) -> None:
        """``declared`` are formats, each with the name of its module; the first recognised wins."""
        self._all: dict[str, Format] = {}
        self._taken: dict[tuple[str, str | bytes], str] = {}
        for module, each in declared:
            _check(module, each)
            for what in _claims(each):
                self._take(what, f"{each.name!r} in {module}")
            self._all[each.name] = each
        plain = [each for each in self._all.values() if each.signs == Signs()]
        if len(plain) != 1:
            told = ", ".join(repr(each.name) for each in plain) or "none"
            raise WrongFormat(f"Exactly one format has no signs, as text that is nothing else; here: {told}.")
        self.plain = plain[0]
        """Text that is nothing else."""
        self.read = (self.plain, *(each for each in self if each.reader and each is not self.plain))
        """Those that are read."""

    def _take(self, what: tuple[str, str | bytes], who: str) -> None:
        if what in self._taken:
            kind, value = what
            raise WrongFormat(f"The {kind} {value!r} is of two formats: {self._taken[what]} and {who}.")
        self._taken[what] = who

    def __iter__(self) -> Iterator[Format]:
        return iter(self._all.values())

    def get(self, name: str) -> Format | None:
        """The format called ``name``, if there is one."""
        return self._all.get(name)

    def has_ending(self, ending: str) -> bool:
        """Whether files of some format are called so."""
        return ("ending", ending) in self._taken


def declared_in(package: ModuleType) -> Iterator[tuple[str, Format]]:
    """The format of each module of ``package`` by its name. Raises WrongFormat for a module without one."""
    for module in sorted(found.name for found in iter_modules(package.__path__, f"{package.__name__}.")):
        declared = getattr(import_module(module), "FORMAT", None)
        if not isinstance(declared, Format):
            raise WrongFormat(f"{module} declares no FORMAT.")
        if not declared.reader:
            raise WrongFormat(f"{module}: the format {declared.name!r} has no reader.")
        yield module, declared


def _claims(declared: Format) -> Iterator[tuple[str, str | bytes]]:
    """What no other format may have."""
    signs = declared.signs
    yield "name", declared.name
    for kind, values in (
        ("ending", declared.endings),
        ("beginning", signs.beginnings),
        ("member", signs.members),
        ("media type", signs.media_types),
        ("stream", signs.streams),
        ("root", signs.roots),
    ):
        for value in values:
            yield kind, value


def _check(module: str, declared: Format) -> None:
    for wrong in _faults(declared):
        raise WrongFormat(f"{module}: the format {declared.name!r} {wrong}.")


def _faults(declared: Format) -> Iterator[str]:
    if not _NAME.fullmatch(declared.name) or declared.name == UNKNOWN:
        yield f"must be called otherwise: small letters and digits, not {UNKNOWN!r}"
    for ending in declared.endings:
        if not _ENDING.fullmatch(ending):
            yield f"has the ending {ending!r}: at most ten small letters and digits, no dot"
    if not declared.reader:
        return
    if len(declared.name) > LONGEST_NAME:
        yield f"has a name of more than {LONGEST_NAME} characters"
    if not declared.label:
        yield "has no label"
    if not _is_there(declared.reader):
        yield f"has a reader that is not there: read in {declared.reader}"


def _is_there(reader: str) -> bool:
    """Whether the module has a reader; of one that is not loaded, whether it is there."""
    if reader in sys.modules:
        return callable(getattr(sys.modules[reader], "read", None))
    try:
        return find_spec(reader) is not None
    except ImportError:
        return False


FORMATS = Formats([*declared_in(formats), *(("files.steps.not_read", each) for each in NOT_READ)])
