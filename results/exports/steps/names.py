"""Names of files in an archive, as Windows, Mac and the programs of schools can unpack them."""

import unicodedata
from pathlib import PurePosixPath

from files.names import UNNAMED, clean_name, name_on_disk

MOST_CHARACTERS = 100  # with folders of the school and its sync program before it Windows allows 260 in all
MOST_BYTES = 200  # in UTF-8; Mac and Linux allow 255, and a copy's name grows


def safe(name: str) -> str:
    """``name`` as every system can save it: no folder, no reserved name, no dot or space at its end, NFC."""
    stem, ending = parted(name_on_disk(clean_name(name)))
    return name_on_disk(cut(stem, ending).rstrip(". ") + ending) or UNNAMED


def parted(name: str) -> tuple[str, str]:
    """``name`` before its ending, and the ending if it looks like one."""
    ending = PurePosixPath(name).suffix
    if not ending.strip(". ") or len(ending) > 12:
        return name, ""
    return name[: len(name) - len(ending)], ending


def cut(stem: str, ending: str) -> str:
    """As much of ``stem`` as there is room for before ``ending``; a letter is not parted from its accents."""
    kept = stem[: MOST_CHARACTERS - len(ending)]
    while len((kept + ending).encode()) > MOST_BYTES:
        kept = kept[:-1]
    while len(kept) < len(stem) and kept and belongs_to_last(stem[len(kept)]):
        kept = kept[:-1]
    return kept


def belongs_to_last(character: str) -> bool:
    """Whether ``character`` changes the one before it."""
    return unicodedata.combining(character) != 0 or character in "\u200d\ufe0f"


def numbered(number: int, of: int, name: str, ending: str = "") -> str:
    """``07 name.docx``, with as many digits as ``of`` needs; ``ending`` takes the place of its own."""
    digits = max(2, len(str(of)))
    cleaned = clean_name(name)
    whole = PurePosixPath(cleaned).stem + f".{ending}" if ending else cleaned
    return safe(f"{number:0{digits}d} {whole}")


class Names:
    """The names that an archive has: no two that some system takes for the same."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def take(self, name: str) -> str:
        """``name``, with a number when it is taken."""
        stem, ending = parted(name)
        given, count = name, 1
        while self._key(given) in self._taken:
            count += 1
            numbered_ending = f" ({count}){ending}"
            given = safe(cut(stem, numbered_ending) + numbered_ending)
        self._taken.add(self._key(given))
        return given

    @staticmethod
    def _key(name: str) -> str:
        return unicodedata.normalize("NFKC", unicodedata.normalize("NFC", name).casefold())
