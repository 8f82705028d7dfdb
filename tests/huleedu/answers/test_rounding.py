"""One way of rounding, that of the pages."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from huleedu.answers.rounding import rounded
from huleedu.templatetags.interface import measured


def test_a_half_goes_upwards_and_nothing_is_cut_off() -> None:
    assert rounded(206.5) == Decimal(207)
    assert rounded(2.25, 1) == Decimal("2.3")
    assert rounded(3.67, 1) == Decimal("3.7")


@given(st.integers(0, 12_000_000).map(lambda parts: parts / 1000), st.integers(0, 3))
def test_as_on_pages(value: float, digits: int) -> None:
    assert measured(value, digits).replace("\xa0", "").replace(",", "") == str(rounded(value, digits))
