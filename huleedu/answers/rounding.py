"""Figures as people read them: rounded alike on pages, on paper and in tables."""

from decimal import ROUND_HALF_UP, Decimal


def rounded(value: float, digits: int = 0) -> Decimal:
    """``value`` with so many digits after the comma, a half upwards, as ``floatformat`` does on pages.

    ``number_format`` cuts digits off, and ``round`` makes a half even.
    """
    return Decimal(repr(value)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
