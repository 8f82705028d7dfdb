"""Names of files and their folders as shown to people. Storage never uses them."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from pathlib import PurePosixPath

MAX_NAME = 150
MAX_FOLDER = 255
UNNAMED = "unnamed"
FORBIDDEN_ON_DISK = re.compile(r'[<>:"/\\|?*]')
SPACES = re.compile(r"\s+")
DRIVE = re.compile(r"[A-Za-z]:")
DEVICES = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])\s*(?:\..*)?", re.IGNORECASE)
# Control and format characters, direction overrides among them, can fake or break a name.
UNSAFE_CATEGORIES = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def clean_name(name: str) -> str:
    """``name`` without folders, control characters and overrides, in NFC, at most 150 characters.

    Idempotent and never empty; a long name keeps its ending.
    """
    base = name.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    kept = visible(base)
    if kept.strip(". ") == "":
        return UNNAMED
    return shorten(kept)


def visible(text: str) -> str:
    """``text`` in NFC on one line, without characters that can fake or break a name."""
    composed = unicodedata.normalize("NFC", text)
    kept = "".join(c for c in composed if unicodedata.category(c) not in UNSAFE_CATEGORIES)
    return SPACES.sub(" ", kept).strip()


def clean_folder(path: str) -> str:
    """A folder's ``path`` as ``Class 9B/Anna``: cleaned like names, without drives, ``.`` and ``..``.

    Idempotent, at most 255 characters; of a long path the nearest folders are kept. Empty when none is left.
    """
    parts = [visible(part) for part in path.replace("\\", "/").split("/")]
    kept = [part for part in parts if part.strip(". ") and not DRIVE.fullmatch(part)]
    while len("/".join(kept)) > MAX_FOLDER and len(kept) > 1:
        kept = kept[1:]
    return "/".join(kept)[:MAX_FOLDER].rstrip()


def folder_of(name: str) -> str:
    """The cleaned folder of a file ``name`` that came with its path."""
    return clean_folder(name.replace("\\", "/").rstrip("/").rpartition("/")[0])


def repeated(names: Iterable[str]) -> set[str]:
    """Those of ``names``, in small letters, that occur more than once."""
    return {name for name, times in Counter(name.casefold() for name in names).items() if times > 1}


def shorten(name: str) -> str:
    """At most ``MAX_NAME`` characters, the ending kept."""
    if len(name) <= MAX_NAME:
        return name
    suffix = PurePosixPath(name).suffix[:16]
    return name[: MAX_NAME - len(suffix)].rstrip() + suffix


def name_on_disk(name: str) -> str:
    """A cleaned ``name`` as every system can save it: Windows forbids characters and names of devices."""
    kept = FORBIDDEN_ON_DISK.sub("_", name).rstrip(". ")
    return f"_{kept}" if DEVICES.fullmatch(kept) else kept
