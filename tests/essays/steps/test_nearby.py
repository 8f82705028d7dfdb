"""The index of near words finds exactly what comparing with every word finds."""

import random

import pytest

from essays.steps import nearby
from essays.steps.ranking import edit_distance

WORDS = ["och", "att", "skola", "skolan", "skolor", "stolar", "å", "en", "ett", "väg", "vägar", "vägarna"]
LETTERS = "aeoåkstvlnr"


def compared(word: str, words: list[str]) -> list[str]:
    near = [(edit_distance(word, other), number) for number, other in enumerate(words)]
    return [words[number] for distance, number in sorted(near) if distance <= nearby.MAX_DISTANCE]


@pytest.mark.parametrize("word", ["skolan", "sklan", "sokla", "vgäarna", "e", "", "å", "xyzxyz", "ett\ud800"])
def test_near_words_in_order(word: str) -> None:
    assert nearby.build(WORDS).near(word, 40) == compared(word, WORDS)


def test_nothing_near_is_missed() -> None:
    choose = random.Random(5)  # noqa: S311
    words = list({"".join(choose.choices(LETTERS, k=choose.randint(1, 9))) for _ in range(800)})
    index = nearby.build(words)
    for _ in range(300):
        word = "".join(choose.choices(LETTERS, k=choose.randint(1, 9)))
        assert index.near(word, len(words)) == compared(word, words)


def test_at_most_so_many() -> None:
    assert nearby.build(WORDS).near("skolan", 2) == ["skolan", "skola"]
