"""Which essays are named as far from the others: one strange essay moves no figure and is told."""

from statistics import median

from hypothesis import given
from hypothesis import strategies as st

from results.outliers import LEAST_ESSAYS, Of, fences, range_of

CLASS = [210, 220, 235, 240, 250, 255, 260, 280]


def of(values: list[float]) -> list[Of]:
    return [Of(number, value) for number, value in enumerate(values, 1)]


def test_one_strange_essay_is_named_and_moves_nothing() -> None:
    plain = range_of(of([*CLASS]))
    with_one = range_of(of([*CLASS, 4000]))
    assert plain is not None and with_one is not None
    assert plain.far == [] and with_one.far == [Of(9, 4000)]
    assert abs(with_one.median - plain.median) < 10
    assert (with_one.least, with_one.most) == (Of(1, 210), Of(9, 4000))


def test_the_fences_are_tukeys() -> None:
    # Quartiles of 1 … 9, the middle ones included: 3 and 7.
    assert fences(list(range(1, 10))) == (3 - 6, 7 + 6)


def test_of_few_essays_or_equal_ones_none_is_strange() -> None:
    few = range_of(of([1.0] * (LEAST_ESSAYS - 2) + [9_000]))
    alike = range_of(of([200, 200, 200, 200, 200, 200, 201]))
    assert few is not None and few.far == []
    assert alike is not None and alike.far == []
    assert range_of([]) is None


def test_among_equals_the_first_essay_is_named() -> None:
    found = range_of([Of(3, 5), Of(1, 5), Of(2, 5)])
    assert found is not None and (found.least.number, found.most.number) == (1, 1)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=200))
def test_at_most_a_half_is_far_from_the_others(values: list[float]) -> None:
    found = range_of(of(values))
    assert found is not None
    assert found.median == median(values)
    assert len(found.far) <= len(values) / 2
    assert found.least.value == min(values) and found.most.value == max(values)
