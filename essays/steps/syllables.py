"""Counts the syllables of an English word by rule: groups of vowels, without silent endings."""

import re

_GROUPS = re.compile(r"[aeiouy]+")
# Vowels side by side that are two syllables: ri-ot, sci-ence, se-ri-ous, cre-ate, i-de-a, du-al, go-ing.
_TWO = re.compile(
    r"\bgia|(?<![ctgs])ia|(?<![ctgsln])io(?!u)|(?<![ctgx])iou|i(?:um|et|er\b|ence|ent)"
    r"|e(?:ate|um\b|a\b)|(?<!p)eo(?!n|u)|\brea[cl](?!l)|thea"
    r"|[aeiouy]ing\b|(?<![gq])u(?:al|ou|ent|in)|oe[mt]|[aeo]y[aeiou]\B"
)
_CONSONANT_ENDING = re.compile(r"(?:th|s)m$")  # rhyth-m, raci-sm
_SILENT = re.compile(r"(?:[^aeiouy]es?|[^aeioutdy]ed)$")
_SILENT_GUE = re.compile(r"[aeiou][gq]ue$")
_SOUNDED = re.compile(r"(?:[^aeiou]le|[tcb]re|(?:[sxz]|[cs]h|[cg])es|[^aeiou]les)$")
_LEADING_Y = re.compile(r"\by(?=[aeiou])")


def count_syllables(word: str) -> int:
    """The syllables of a lower-case ``word``, at least one; parts of a compound with hyphens are added up."""
    return max(sum(_count(part) for part in word.replace("'", "").split("-") if part), 1)


def _count(part: str) -> int:
    letters = _LEADING_Y.sub("j", part)
    count = sum(len(found.findall(letters)) for found in (_GROUPS, _TWO, _CONSONANT_ENDING))
    silent = _SILENT.search(letters) and not _SOUNDED.search(letters)
    if count > 1 and (silent or _SILENT_GUE.search(letters)):
        count -= 1
    return max(count, 1)
