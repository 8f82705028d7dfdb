"""Tests are given out in whole files, the long ones first, and what shares an installation to one worker."""

from tests.documents import ROOT
from tests.spread import BEFORE_SHARED, LONG, SHARED, first_light, place, unit


def test_every_name_is_a_file() -> None:
    named = [*LONG, *(f"{folder}/{name}" for folder, names in SHARED for name in names)]
    assert [name for name in named if not (ROOT / "tests" / f"{name}.py").exists()] == []
    assert len(named) == len(set(named))


def test_who_shares_an_installation_goes_together() -> None:
    first, second = (
        unit("tests/faults/test_doors.py::test_one"),
        unit("tests/faults/test_chunked.py::test_a[b]"),
    )
    assert first == second
    assert unit("tests/huleedu/accounts/test_doors.py::test_one") == "huleedu/accounts/test_doors"


def test_the_long_ones_come_first() -> None:
    order = [*LONG[:BEFORE_SHARED], "shared 0", *LONG[BEFORE_SHARED:], "files/test_names"]
    backwards = order[::-1]
    assert sorted(backwards, key=place) == order


def test_a_worker_is_spared_installations_while_there_is_anything_else() -> None:
    assert first_light(["shared 1", "faults/test_doors", "huleedu/backup/test_backups"]) == (
        "huleedu/backup/test_backups"
    )
    assert first_light(["browser/test_rules", "end_to_end/test_pipeline"]) is None
