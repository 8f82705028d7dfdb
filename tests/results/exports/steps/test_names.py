"""Names that every system can unpack, and no two that one takes for the same."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from files.names import DEVICES, FORBIDDEN_ON_DISK
from results.exports.steps.names import MOST_BYTES, MOST_CHARACTERS, Names, numbered, safe


@pytest.mark.parametrize(
    ("number", "of", "name", "ending", "expected"),
    [
        (7, 30, "file name.docx", "", "07 file name.docx"),
        (7, 120, "file name.docx", "", "007 file name.docx"),
        (7, 30, "file name.docx", "pdf", "07 file name.pdf"),
        (7, 9, "con", "", "07 con"),
        (7, 9, "a:b?.txt", "", "07 a_b_.txt"),
        (7, 9, "../../etc/passwd", "", "07 passwd"),
        (7, 9, "A\u030asa.txt", "", "07 Åsa.txt"),
        (7, 9, "notes. . ", "", "07 notes"),
        (7, 9, "archive.tar.gz", "pdf", "07 archive.tar.pdf"),
    ],
)
def test_the_number_first(number: int, of: int, name: str, ending: str, expected: str) -> None:
    assert numbered(number, of, name, ending) == expected


@given(st.text(max_size=300), st.sampled_from(["", ".docx", ". ", "..", ".txt "]))
def test_every_name_can_be_saved(name: str, ending: str) -> None:
    made = safe(name + ending)
    assert made and made == safe(made)
    assert not FORBIDDEN_ON_DISK.search(made) and not DEVICES.fullmatch(made)
    assert made.rstrip(". ") == made and not any(unicodedata.category(c) == "Cc" for c in made)
    assert len(made) <= MOST_CHARACTERS + 1 and len(made.encode()) <= MOST_BYTES + 1
    assert unicodedata.is_normalized("NFC", made)


def test_a_long_name_keeps_its_ending() -> None:
    assert safe("å" * 300 + ".docx").endswith("å.docx")
    assert len(safe("😀" * 300 + ".docx").encode()) <= MOST_BYTES


def test_what_a_system_takes_for_the_same_gets_a_number() -> None:
    names = Names()
    given_ = [names.take(name) for name in ("a.txt", "A.txt", "ﬁ.txt", "FI.txt", "a (2).txt", "ß", "SS")]
    assert given_ == ["a.txt", "A (2).txt", "ﬁ.txt", "FI (2).txt", "a (2) (2).txt", "ß", "SS (2)"]


@given(st.lists(st.sampled_from(["a", "A", "a (2)", "A (2).x", "a.x", "Å", "A\u030a"]), max_size=12))
def test_no_two_alike(wanted: list[str]) -> None:
    names = Names()
    found = [names.take(safe(name)) for name in wanted]
    assert len({name.casefold() for name in found}) == len(found)


def test_long_names_in_letters_of_many_bytes_get_numbers_too() -> None:
    names = Names()
    long = "\u0e01" * 120 + ".pdf"
    found = [names.take(long) for _ in range(4)]
    assert len(set(found)) == 4 and all(name.endswith(".pdf") for name in found)
    assert all(len(name.encode()) <= MOST_BYTES for name in found[1:])
