"""Sizes, kinds, problems and bars as templates show them; and that pages have all their words."""

from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings
from django.template.loader import get_template
from django.utils import timezone, translation

from batches.shapes import BatchStatus
from files.shapes import FileRecord, FileStatus
from huleedu.answers.error_words import make_detail
from huleedu.templatetags import interface
from results.queries import make_counts
from results.shapes import BatchSummary

TEMPLATES = Path(settings.BASE_DIR) / "templates"
MOMENT = timezone.now()
FILE = FileRecord(
    file_upload_id=uuid4(),
    client_ref=None,
    filename="essay.txt",
    folder="",
    size=1,
    content_hash="",
    format=None,
    status="processing",
    rev=1,
    essay_id=None,
    essay_number=None,
    words=None,
    language=None,
    language_chosen=False,
    error=None,
    correlation_id=uuid4(),
    created_at=MOMENT,
    updated_at=MOMENT,
)
BATCH = BatchSummary(
    batch_id=uuid4(),
    correlation_id=uuid4(),
    title="",
    class_name="",
    language=None,
    language_chosen=False,
    status="awaiting_content",
    expected_essay_count=10,
    deadline=MOMENT,
    ends_on=None,
    archived_at=None,
    timed_out_at=None,
    created_at=MOMENT,
    started_at=None,
    completed_at=None,
    counts=make_counts(10, dict.fromkeys(["assigned", "processing", "failed", "excess", "duplicate"], 1)),
)


def test_sizes_are_in_kilobytes_until_a_megabyte() -> None:
    with translation.override("en"):
        assert interface.file_size(1) == "1 KB"
        assert interface.file_size(161 * 1024) == "161 KB"
        assert interface.file_size(1024 * 1024 - 1) == "1024 KB"
        assert interface.file_size(2_500_000) == "2.4 MB"
    with translation.override("sv"):
        assert interface.file_size(2_500_000) == "2,4 MB"
    assert interface.file_size(0) == "0 KB"
    assert interface.file_size(None) == ""


def test_days_are_said_as_people_do() -> None:
    noon = timezone.localtime().replace(hour=12, minute=5)
    old = noon.replace(year=2024, month=11, day=3)
    with translation.override("en"):
        assert interface.moment(noon) == "today 12:05"
        assert interface.day(noon - timedelta(days=1)) == "yesterday"
        assert interface.day(old) == "3 Nov 2024"
    with translation.override("sv"):
        assert interface.day(noon) == "i dag"
        assert interface.day(old) == "3 nov 2024"


@pytest.mark.parametrize(
    ("batch_status", "file_status", "changes"),
    [
        ("processing", "assigned", True),
        ("completed", "assigned", True),
        ("completed", "failed", True),
        ("cancelled", "failed", False),
        ("processing", "removed", False),
    ],
)
def test_a_file_changes_until_it_or_its_batch_is_given_up(
    batch_status: BatchStatus, file_status: FileStatus, changes: bool
) -> None:
    file = FILE.model_copy(update={"status": file_status})
    batch = BATCH.model_copy(update={"status": batch_status})
    assert interface.may_be_replaced(file, batch) is changes


@pytest.mark.parametrize(
    ("name", "kind"), [("a.docx", "DOCX"), ("a.b.pages", "PAGES"), ("essay", "–"), (".hidden", "–")]
)
def test_the_kind_is_the_names_ending(name: str, kind: str) -> None:
    assert interface.file_kind(name) == kind


def test_trouble_comes_first_and_removed_files_do_not_come() -> None:
    statuses = ["assigned", "removed", "processing", "duplicate", "failed", "excess"]
    files = [FILE.model_copy(update={"status": status}) for status in statuses]
    shown = [file.status for file in interface.trouble_first(files)]
    assert shown == ["failed", "excess", "duplicate", "processing", "assigned"]


def test_a_problem_has_the_catalogues_words_or_the_general_ones() -> None:
    words = {"title": "Full", "help": "Make room.", "actions": ["grow"]}
    catalogue = {"EXCESS_CONTENT": words}
    assert interface.problem_of(FILE.model_copy(update={"status": "excess"}), catalogue)["title"] == "Full"
    error = make_detail("TIMEOUT", "extract", FILE.correlation_id)
    unknown = interface.problem_of(FILE.model_copy(update={"status": "failed", "error": error}), catalogue)
    assert (unknown["code"], unknown["correlation_id"]) == ("TIMEOUT", FILE.correlation_id)
    assert "retry" in unknown["actions"]


def test_the_bars_parts_follow_each_other_within_the_whole() -> None:
    segments = interface.bar_segments(BATCH)
    widths = {part["kind"]: float(part["width"].rstrip("%")) for part in segments}
    assert sum(widths.values()) == pytest.approx(50)
    assert widths["uploading"] == 0
    starts = [float(part["x"].rstrip("%")) for part in segments]
    assert starts == sorted(starts)


@pytest.mark.parametrize(
    ("status", "closed"), [("processing", False), ("completed", True), ("cancelled", True)]
)
def test_a_finished_batch_is_closed(status: str, closed: bool) -> None:
    assert interface.is_closed(status) is closed


def test_room_ends_at_two_hundred() -> None:
    assert interface.plus(199, 7) == 200


@pytest.mark.parametrize(
    "path", sorted(str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.html"))
)
def test_every_template_compiles_and_holds_nothing_the_content_policy_forbids(path: str) -> None:
    get_template(path)
    source = (TEMPLATES / path).read_text()
    for forbidden in (" style=", "<style", " onclick=", "javascript:", "hx-on"):
        assert forbidden not in source
    assert source.count("<script") == source.count('<script type="module" src=') + source.count(
        "<script src="
    )


@pytest.mark.parametrize(
    ("here", "missing"), [({"assigned": 7}, 3), ({"failed": 10}, 0), ({"failed": 12}, 0)]
)
def test_no_file_is_told_of_as_missing_and_as_needing_attention(here: dict[str, int], missing: int) -> None:
    assert interface.missing(BATCH.model_copy(update={"counts": make_counts(10, here)})) == missing


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, "How long this takes is not known yet: it is the first time here."),
        (19, "A few seconds left."),
        (20, "About a minute left."),
        (61, "About 2 minutes left."),
    ],
)
def test_time_left_is_said_as_the_script_says_it(seconds: int | None, said: str) -> None:
    assert interface.time_left(seconds) == said
