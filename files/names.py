"""File names as shown to people. Storage never uses them."""

import re
import unicodedata
from pathlib import PurePosixPath

MAX_NAME = 150
UNNAMED = "unnamed"
FORBIDDEN_ON_DISK = re.compile(r'[<>:"/\\|?*]')
DEVICES = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])\s*(?:\..*)?", re.IGNORECASE)
# Control and format characters, direction overrides among them, can fake or break a name.
UNSAFE_CATEGORIES = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def clean_name(name: str) -> str:
    """``name`` without folders, control characters and overrides, in NFC, at most 150 characters.

    Idempotent and never empty; a long name keeps its ending.
    """
    base = name.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    text = unicodedata.normalize("NFC", base)
    kept = "".join(c for c in text if unicodedata.category(c) not in UNSAFE_CATEGORIES)
    kept = re.sub(r"\s+", " ", kept).strip()
    if kept.strip(". ") == "":
        return UNNAMED
    return shorten(kept)


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
