"""Names that Canvas and Moodle give, read as their importers read them."""

import re

import pytest

from results.exports.steps.platforms import canvas_name, moodle_place


@pytest.mark.parametrize(
    "name",
    [
        "larssonanna_12345_67890_essay.docx",
        "larssonanna_LATE_12345_67890_My essay_v2.docx",
        "öbergåsa-maria_7_8_uppsats.pdf",
        "anon_a1B2c_67890_essay.docx",
        "anon_LATE_a1B2c_67890_essay.docx",
        "anderssonbo_12345_67890_essay-1.docx",
    ],
)
def test_what_canvas_gave_is_called_the_same(name: str) -> None:
    assert canvas_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "Anna Larsson.docx",
        "essay_v2.docx",
        "larssonanna_12345_essay.docx",
        "_12345_67890_essay.docx",
        "12345_67890",
        "larssonanna_12345_67890_link.html",
        "Anna Larsson_123456_assignsubmission_file_essay.docx",
    ],
)
def test_what_canvas_did_not_give_is_known(name: str) -> None:
    assert canvas_name(name) is None


@pytest.mark.parametrize(
    ("folder", "name", "place"),
    [
        (
            "",
            "Anna Larsson_123456_assignsubmission_file_essay.docx",
            ("", "Anna Larsson_123456_assignsubmission_file_essay.pdf"),
        ),
        (
            "9B-Essay-123/Anna Larsson_123456_assignsubmission_file",
            "my_essay.docx",
            ("Anna Larsson_123456_assignsubmission_file", "my_essay.pdf"),
        ),
        (
            "Anna Larsson_123456_assignsubmission_file_",
            "essay.docx",
            ("Anna Larsson_123456_assignsubmission_file_", "essay.pdf"),
        ),
        (
            "",
            "Deltagare_99_assignsubmission_onlinetext_onlinetext.html",
            ("", "Deltagare_99_assignsubmission_onlinetext_onlinetext.pdf"),
        ),
        (
            "Bo_7_assignsubmission_file_",
            "~.essay.docx",
            ("Bo_7_assignsubmission_file_", "essay.pdf"),
        ),
        (
            "Bo_7_assignsubmission_file_",
            "what? why*.docx",
            ("Bo_7_assignsubmission_file_", "what_ why_.pdf"),
        ),
        ("", "Anna Larsson.docx", None),
        ("9B", "Anna_Maria_123456_assignsubmission_file_x.docx", None),
        ("", "larssonanna_12345_67890_essay.docx", None),
        ("", "Anna_123_assignsubmission_file", None),
    ],
)
def test_what_moodle_gave(folder: str, name: str, place: tuple[str, str] | None) -> None:
    assert moodle_place(folder, name, "pdf") == place


def canvas_reads(name: str) -> tuple[str, str] | None:
    """What Canvas's importer makes of a name: the pupil's number and that of her file."""
    parts = name.split("_")
    numbers = [part for part in parts if re.fullmatch(r"\d+", part)][:2]
    return (numbers[0], numbers[1]) if len(numbers) == 2 and not parts[-1].startswith("link") else None


def moodle_reads(path: str) -> tuple[int, str, str] | None:
    """What Moodle's importer makes of a path: the pupil's number, the plugin, and the feedback's name."""
    parts = path.split("/")
    while parts:
        found = parts.pop(0).split("_", 4)
        if len(found) < 4 or not found[1].isdigit():
            continue
        name = "/".join([found[4] if len(found) > 4 else "", *parts])
        return int(found[1]), f"{found[2]}_{found[3]}", name
    return None


def test_the_importers_find_the_pupil_again() -> None:
    assert canvas_reads("larssonanna_LATE_12345_67890_My essay_v2.docx") == ("12345", "67890")
    flat = moodle_place("", "Anna Larsson_123456_assignsubmission_file_essay.docx", "pdf")
    assert flat and moodle_reads(flat[1]) == (123456, "assignsubmission_file", "essay.pdf")
    for tail in ("", "_"):
        place = moodle_place(f"x/Anna Larsson_123456_assignsubmission_file{tail}", "my_essay.docx", "pdf")
        assert place is not None
        assert moodle_reads("/".join(place)) == (123456, "assignsubmission_file", "/my_essay.pdf")


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("Ci_123_assignsubmission_file_", "\u0e01" * 140 + ".docx"),
        ("", "Ci_123_assignsubmission_file_" + "\u0e01" * 110 + ".docx"),
    ],
)
def test_a_long_name_can_be_saved_where_moodle_unpacks_it(folder: str, name: str) -> None:
    place = moodle_place(folder, name, "pdf")
    assert place is not None
    assert len(place[1].encode()) <= 255 and place[1].endswith("\u0e01.pdf")
    found = moodle_reads("/".join(part for part in place if part))
    assert found is not None and found[:2] == (123, "assignsubmission_file")
