"""Names as people see them, and as their systems can save them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from files.names import MAX_NAME, clean_name, name_on_disk

FORBIDDEN = set('<>:"/\\|?*')
DEVICES = {"con", "prn", "aux", "nul", *(f"{name}{n}" for name in ("com", "lpt") for n in "0123456789¹²³")}


@given(st.text(max_size=300))
def test_a_cleaned_name_is_never_empty_and_stays_as_it_is(name: str) -> None:
    cleaned = clean_name(name)
    assert 0 < len(cleaned) <= MAX_NAME
    assert clean_name(cleaned) == cleaned


@given(st.text(max_size=60) | st.sampled_from(sorted(DEVICES)).map(lambda name: f"{name}.x"))
def test_windows_can_save_it(name: str) -> None:
    saved = name_on_disk(clean_name(name))
    assert saved
    assert not set(saved) & FORBIDDEN
    assert saved == saved.rstrip(". ")
    assert saved.partition(".")[0].strip().lower() not in DEVICES
    assert name_on_disk(saved) == saved


@pytest.mark.parametrize(
    ("name", "saved"),
    [
        ("CON", "_CON"),
        ("aux.txt", "_aux.txt"),
        ("nul .tar.gz", "_nul .tar.gz"),
        ("LPT¹.docx", "_LPT¹.docx"),
        ("console.txt", "console.txt"),
        ("a:b", "a_b"),
        ('Åsas "text"?.docx', "Åsas _text__.docx"),
        ("trailing. ", "trailing"),
        ("a|b*c<d>.pdf", "a_b_c_d_.pdf"),
        ("Åsa Ek.txt", "Åsa Ek.txt"),
    ],
)
def test_names_that_windows_has_plans_for(name: str, saved: str) -> None:
    assert name_on_disk(clean_name(name)) == saved


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("a" * 150, "a" * 150),
        ("a" * 151, "a" * 150),
        ("a" * 146 + ".docx", "a" * 145 + ".docx"),
        ("a" * 160 + "." + "b" * 20, "a" * 134 + "." + "b" * 15),
    ],
)
def test_a_long_name_keeps_its_ending_unless_that_is_long_too(name: str, cleaned: str) -> None:
    assert clean_name(name) == cleaned
