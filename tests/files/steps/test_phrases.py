"""Which texts are almost the same: edited copies are found, other texts and shared quotations are not."""

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from files.steps.phrases import FEWEST, KEPT, alike, sample_phrases

WORDS = [f"w{number}" for number in range(5000)]


def text(seed: int, length: int = 300) -> list[str]:
    """Words of one writer."""
    return random.Random(seed).choices(WORDS, k=length)  # noqa: S311


def edited(words: Sequence[str], share: float, seed: int = 1) -> list[str]:
    """The text with that share of its words changed."""
    chance = random.Random(seed)  # noqa: S311
    return [chance.choice(WORDS) if chance.random() < share else word for word in words]


def samples(*texts: Sequence[str]) -> list[bytes]:
    return [sample_phrases(" ".join(words)) for words in texts]


@pytest.mark.parametrize("share", [0.0, 0.02, 0.04])
def test_edited_copies_are_found(share: float) -> None:
    for seed in range(20):
        assert alike(samples(text(seed), text(seed + 100), edited(text(seed), share))) == [[0, 2]]


def test_a_copy_with_a_new_end_is_found_and_one_that_shares_half_is_not() -> None:
    whole = text(1)
    assert alike(samples(whole, [*whole[:270], *text(2, 30)])) == [[0, 1]]
    assert alike(samples(whole, [*whole[:150], *text(2, 150)])) == []


def test_one_quotation_in_many_texts_tells_nothing() -> None:
    quotation = text(99, 120)
    assert alike(samples(*([*quotation, *text(seed, 180)] for seed in range(30)))) == []


def test_capitals_punctuation_and_lines_make_no_other_text() -> None:
    words = text(5)
    assert alike([*samples(words), sample_phrases(".\n".join(words).upper())]) == [[0, 1]]


def test_short_texts_have_no_sample_and_samples_are_small() -> None:
    assert sample_phrases(" ".join(f"w{number}" for number in range(FEWEST + 1))) == b""
    assert len(sample_phrases(" ".join(f"w{number}" for number in range(FEWEST + 2)))) == 4 * KEPT
    assert len(sample_phrases(" ".join(text(1, 20_000)))) == 4 * KEPT
    assert alike([b"", b"", *samples(text(1))]) == []


@given(st.permutations(range(6)))
def test_who_hangs_with_whom_does_not_depend_on_order(order: list[int]) -> None:
    first = text(1)
    second = edited(first, 0.04, 2)
    texts = [first, second, edited(second, 0.04, 3), text(4), edited(text(4), 0.03), text(5)]
    found = alike(samples(*(texts[place] for place in order)))
    assert {frozenset(order[place] for place in places) for places in found} == {
        frozenset({0, 1, 2}),
        frozenset({3, 4}),
    }
