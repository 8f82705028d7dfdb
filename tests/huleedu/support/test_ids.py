"""Ids as people read and write them."""

from uuid import UUID

import pytest

from huleedu.support.ids import ids_from, ids_in, shown_id

ONE = UUID("0190c1f0-0000-7000-8000-00000000000a")


def test_eight_signs_are_shown_and_all_are_there() -> None:
    shown = str(shown_id(ONE))
    assert shown == (
        f'<span class="id" title="{ONE}">0190c1f0<span class="id-rest">{str(ONE)[8:]}</span></span>'
    )
    assert shown_id(None) == "–"
    assert "<b>" not in str(shown_id("<b>"))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"EMPTY_CONTENT · {ONE}", [ONE]),
        (f"{ONE.hex} {str(ONE).upper()}", [ONE]),
        (f"Fil\t{ONE}\nKorrelation\t{UUID(int=1)}", [ONE, UUID(int=1)]),
        ("0190c1f0", []),
        ("a" * 33, []),
        ("", []),
    ],
)
def test_ids_are_found_in_what_was_pasted(text: str, found: list[UUID]) -> None:
    assert ids_in(text) == found


def test_a_beginning_means_the_ids_that_begin_so() -> None:
    for beginning in ("0190c1f0", "0190C1F0-0000", str(ONE), ONE.hex):
        between = ids_from(beginning)
        assert between and between[0] <= ONE <= between[1], beginning
    assert ids_from("0190c1f0") == (
        UUID("0190c1f0-0000-0000-0000-000000000000"),
        UUID("0190c1f0-ffff-ffff-ffff-ffffffffffff"),
    )
    for none in ("", "0190c1f", "0190c1fg", "summer24", "0190c1f0" * 5):
        assert ids_from(none) is None, none
