"""Search words and what they are looked for in, written alike: å = a, É = e, one sign or two, small or large.

``huleedu/static/huleedu/js/words.js`` does the same in the browser; ``tests/samples/folding.json`` is what
both must agree on.
"""

import re
from collections.abc import Iterable
from typing import Any, ClassVar
from unicodedata import normalize

from django.db import models

MARKS = re.compile("[\u0300-\u036f]")
# Letters that Unicode does not take apart.
ALIKE = str.maketrans(
    {
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "ħ": "h",
        "ŧ": "t",
        "ı": "i",
        "ς": "σ",
        "æ": "ae",
        "œ": "oe",
        "þ": "th",
        "ß": "ss",
    }
)
SPACES = re.compile("[ \t\n\v\f\r]+")


def fold(text: str) -> str:
    """``text`` in small letters without accents."""
    small = normalize("NFKD", normalize("NFKD", text).lower())
    return MARKS.sub("", small).translate(ALIKE)


def words_of(query: str) -> list[str]:
    """The folded words of ``query``, each once."""
    return list(dict.fromkeys(word for word in SPACES.split(fold(query)) if word))


def matches(query: str, *texts: str) -> bool:
    """True when every word of ``query``, whole or as part of another, is in one of ``texts``."""
    folded = "\n".join(map(fold, texts))
    return all(word in folded for word in words_of(query))


class Folded(models.Model):
    """A row that is searched: ``folded`` follows what ``searched_in`` names, whenever one of them is saved.

    As personal as those: ``personal`` of the row names it, too.
    """

    searched_in: ClassVar[tuple[str, ...]]

    folded = models.TextField(blank=True, default="", db_default="", editable=False)

    class Meta:
        abstract = True

    def save(self, *args: Any, **options: Any) -> None:
        """Save the row, ``folded`` anew where that is due."""
        fields = options.get("update_fields")
        if fields is None or not set(self.searched_in).isdisjoint(fields):
            self.folded = folded_from(getattr(self, name) for name in self.searched_in)
            options["update_fields"] = None if fields is None else {*fields, "folded"}
        super().save(*args, **options)


def folded_from(texts: Iterable[str]) -> str:
    """What is kept of ``texts`` to be searched."""
    return "\n".join(fold(text) for text in texts if text)
