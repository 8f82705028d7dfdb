"""What kind of mistake a spelling mark shows: how the word differs from what is suggested first."""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from essays.accepted import fold
from essays.steps.words import plain_form
from results.spelling import CommonMark, common_marks

WORDS_OF_A_KIND = 5


class MarkKind(StrEnum):
    """The first that fits counts."""

    UNKNOWN = "unknown"
    CAPITALS = "capitals"
    APART = "apart"
    APOSTROPHE = "apostrophe"
    DOTS = "dots"
    DOUBLED = "doubled"
    ORDER = "order"
    ONE = "one"
    SEVERAL = "several"


LABELS: dict[MarkKind, Promise] = {
    MarkKind.UNKNOWN: _("No suggestion"),
    MarkKind.CAPITALS: _("Small or capital letters"),
    MarkKind.APART: _("Written together or apart"),
    MarkKind.APOSTROPHE: _("Apostrophes"),
    MarkKind.DOTS: _("Dots and accents"),
    MarkKind.DOUBLED: _("One letter or two of a kind"),
    MarkKind.ORDER: _("Letters in another order"),
    MarkKind.ONE: _("One letter"),
    MarkKind.SEVERAL: _("Several letters"),
}


@dataclass(frozen=True)
class Pattern:
    """A kind of marks: how many there are, in how many essays, and the words marked most often."""

    kind: MarkKind
    label: Promise
    times: int
    essays: int
    words: list[CommonMark]


def patterns(findings: Iterable[Mapping[str, Any]]) -> list[Pattern]:
    """The kinds of ``findings`` (with the ``number`` of their essay), the most frequent first."""
    of_kind: defaultdict[MarkKind, list[Mapping[str, Any]]] = defaultdict(list)
    for finding in findings:
        of_kind[kind_of_finding(finding)].append(finding)
    ranked = sorted(of_kind, key=lambda kind: (-len(of_kind[kind]), kind))
    return [
        Pattern(
            kind=kind,
            label=LABELS[kind],
            times=len(of_kind[kind]),
            essays=len({finding["number"] for finding in of_kind[kind]}),
            words=common_marks(of_kind[kind], WORDS_OF_A_KIND),
        )
        for kind in ranked
    ]


def kind_of_finding(finding: Mapping[str, Any]) -> MarkKind:
    """The kind of a stored finding."""
    return kind_of(finding["word"], next(iter(finding["suggestions"]), ""))


def kind_of(word: str, suggestion: str) -> MarkKind:
    """How ``word`` differs from ``suggestion``; capitals count only when nothing else differs."""
    if not suggestion:
        return MarkKind.UNKNOWN
    written, meant = plain_form(word), plain_form(suggestion)
    if written.casefold() == meant.casefold():
        return MarkKind.CAPITALS
    written, meant = fold(word), fold(suggestion)
    alike = (
        (MarkKind.APART, without(written, " -"), without(meant, " -")),
        (MarkKind.APOSTROPHE, without(written, "'"), without(meant, "'")),
        (MarkKind.DOTS, bare(written), bare(meant)),
        (MarkKind.DOUBLED, single(written), single(meant)),
    )
    for kind, one, other in alike:
        if one == other:
            return kind
    if is_swapped(written, meant):
        return MarkKind.ORDER
    return MarkKind.ONE if differs_by_one(written, meant) else MarkKind.SEVERAL


def without(text: str, signs: str) -> str:
    """``text`` without these signs."""
    return text.translate(dict.fromkeys(map(ord, signs)))


def bare(text: str) -> str:
    """``text`` without dots and accents."""
    return "".join(sign for sign in unicodedata.normalize("NFD", text) if not unicodedata.combining(sign))


def single(text: str) -> str:
    """``text`` with one letter wherever the same stands several times in a row."""
    return "".join(letter for letter, _same in groupby(text))


def is_swapped(one: str, other: str) -> bool:
    """True when the two have the same letters in another order."""
    return Counter(one) == Counter(other)


def differs_by_one(one: str, other: str) -> bool:
    """True when one letter too many, too few or another makes the difference."""
    short, long = sorted((one, other), key=len)
    if len(long) - len(short) > 1:
        return False
    same = 0
    while same < len(short) and short[same] == long[same]:
        same += 1
    return short[same + (len(short) == len(long)) :] == long[same + 1 :]
