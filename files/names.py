"""File names as shown to people. Storage never uses them."""

import re
import unicodedata
from pathlib import PurePosixPath

MAX_NAME = 150
UNNAMED = "unnamed"
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
