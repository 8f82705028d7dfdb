"""Texts that are dear to check: unknown words, as long and as many as there may be."""

import random
from collections.abc import Iterator

LETTERS = "abdefghijklmnoprstuvyåäö"
SWEDISH = "och det är en att som på inte jag han vi var med för den till av om men så"


def unknown_word(length: int, choose: random.Random) -> str:
    """A word in no dictionary; half of them are made of pieces that are."""
    if choose.random() < 0.5:
        return "".join(choose.choice(LETTERS) for _ in range(length))
    return ("".join(choose.choice(("ha", "sol", "sko", "bo", "is", "ö")) for _ in range(length)))[
        : length - 1
    ] + "q"


def long_unknown_words(characters: int, seed: int = 0, lengths: tuple[int, ...] = (40, 25, 18)) -> str:
    """A Swedish text of at most ``characters`` with unknown words of these lengths among common ones."""
    return " ".join(pieces(characters, seed, lengths))[:characters]


def pieces(characters: int, seed: int, lengths: tuple[int, ...]) -> Iterator[str]:
    choose, written = random.Random(seed), 0  # noqa: S311
    common = SWEDISH.split()
    while written < characters:
        piece = (
            choose.choice(common) if choose.random() < 0.4 else unknown_word(choose.choice(lengths), choose)
        )
        written += len(piece) + 1
        yield piece
