"""What page templates need beyond Django's own tags: sizes, kinds, problems and bars of the batch page."""

import math
from collections.abc import Container, Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django import template
from django.conf import settings
from django.contrib.messages.storage.base import Message
from django.forms import BoundField
from django.template.defaultfilters import floatformat
from django.templatetags.static import static
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import get_language, gettext

from batches.keeping import days_left
from batches.models import MAX_ESSAYS, Batch
from files.models import FileUpload
from files.originals import original_address
from files.shapes import FileRecord
from huleedu.answers import format_words, language_names
from huleedu.answers.error_words import words_for
from huleedu.answers.measures import limit_in_words
from huleedu.answers.pages import UNDO
from huleedu.events.phases import essay_phases
from huleedu.outside import disks
from huleedu.support.ids import shown_id
from results import queries, summary
from results.exports.kind import ExportKind
from results.exports.registry import KINDS
from results.lines import FileLine, Line
from results.measuring import Column
from results.shapes import BatchSummary, Snapshot

register = template.Library()

Record = Mapping[str, Any]
Named = FileRecord | Line

_CHECKED_LANGUAGES = ("sv", "en")
_CODE_OF_STATUS = {"excess": "EXCESS_CONTENT", "duplicate": "DUPLICATE_CONTENT"}
_UNREAD = {"client_ref", "content_hash", "correlation_id", "created_at", "updated_at"}
_UNREAD_OF_PLACES = {"number", "file_upload_id"}
_FEW_SECONDS = 20  # as in files/time-left.js
_FORM_BYTES = 1024 * 1024  # of a request, for what is around a file
_SEGMENTS = (
    ("ready", "assigned"),
    ("reading", "in_progress"),
    ("failed", "failed"),
    ("excess", "excess"),
    ("duplicate", "duplicate"),
)


@register.filter
def file_size(size: int | None) -> str:
    """Bytes as the teacher reads them: "161 KB", "2.4 MB"; empty without a size."""
    if size is None:
        return ""
    if size < 1024 * 1024:
        return f"{formats.number_format(math.ceil(size / 1024))} KB"
    return f"{formats.number_format(round(size / 1048576, 1), decimal_pos=1)} MB"


@register.filter
def day(value: datetime) -> str:
    """The local day in mid-sentence: "today", "21 Nov", or with its year when that is not this one."""
    local, today = timezone.localtime(value).date(), timezone.localdate()
    if local == today:
        return gettext("today")
    if local == today - timedelta(days=1):
        return gettext("yesterday")
    # Translators: Django's date format. Swedish months are written small.
    with_year, without = gettext("j M Y"), gettext("j M")
    return formats.date_format(local, without if local.year == today.year else with_year)


@register.filter
def whole_date(value: date) -> str:
    """A day with its year: "31 Dec 2027"."""
    return formats.date_format(value, gettext("j M Y"))


@register.filter
def plain(field: BoundField) -> SafeString:
    """The field without words inside it, which would repeat its label."""
    return field.as_widget(attrs={"placeholder": False})


@register.filter
def moment(value: datetime) -> str:
    """The local day and clock: "today 08:14"."""
    return f"{day(value)} {formats.date_format(timezone.localtime(value), 'H:i')}"


@register.filter
def file_kind(filename: str) -> str:
    """The name's ending, upper case and at most five letters."""
    stem, dot, ending = filename.rpartition(".")
    return ending[:5].upper() if stem and dot else "–"


@register.filter
def shown_folder(file: Named | None, twice: Container[str]) -> str:
    """Where a file lay, if its name is among those that several files have, ``twice``; else empty."""
    return spaced(file.folder) if file and file.filename.casefold() in twice else ""


@register.filter
def spaced(folder: str) -> str:
    """A folder's path as it is easy to read: ``9B / Anna``."""
    return folder.replace("/", " / ")


@register.filter
def trouble_first(files: Iterable[FileRecord]) -> list[FileRecord]:
    """Files as a page shows them when it is opened: what needs attention first, then by essay number."""
    order = list(map(str, FileUpload.ORDER))
    shown = [file for file in files if file.status in order]
    return sorted(shown, key=lambda file: (order.index(file.status), file.essay_number or 0))


@register.filter
def for_script(batch: Snapshot) -> dict[str, Any]:
    """A snapshot without what the page's script never reads: such digests and ids cannot be compressed."""
    return batch.model_dump(exclude={"files": {"__all__": _UNREAD}, "essays": {"__all__": _UNREAD_OF_PLACES}})


@register.simple_tag
def problem_of(file: FileRecord, catalogue: Mapping[str, Record]) -> dict[str, Any]:
    """Words and actions for a file that needs attention, with the code and correlation id for support."""
    code = file.error.error_code if file.error else _CODE_OF_STATUS.get(file.status, "")
    words = catalogue.get(code) or {
        "title": gettext("Something went wrong"),
        "help": gettext("Try again. If it happens twice, send the code to support."),
        "actions": ["retry", "support", "remove"],
    }
    return {**words, "code": code, "correlation_id": file.error.correlation_id if file.error else ""}


@register.simple_tag
def bar_segments(batch: BatchSummary) -> list[dict[str, str]]:
    """The progress bar's parts, each with its start and width in per cent."""
    counts = batch.counts
    whole = max(batch.expected_essay_count, counts.received, 1)
    parts, start = [], 0.0
    for kind, name in _SEGMENTS:
        width = 100 * getattr(counts, name) / whole
        parts.append({"kind": kind, "x": f"{start:.3f}%", "width": f"{width:.3f}%"})
        start += width
        if kind == "reading":
            parts.append({"kind": "uploading", "x": f"{start:.3f}%", "width": "0%"})
    return parts


@register.simple_tag
def attention(batch: BatchSummary) -> int:
    """How many of a batch's files wait for the teacher."""
    return queries.attention(batch.counts)


@register.simple_tag
def missing(batch: BatchSummary) -> int:
    """How many essays of a batch nobody has handed in: a file that needs attention is told of as such."""
    return max(0, batch.counts.free - batch.counts.failed)


@register.filter
def is_closed(status: str) -> bool:
    """True when a batch of this status takes no more files and no more decisions."""
    return status not in Batch.OPEN


@register.simple_tag
def problem_title(code: str) -> str:
    """What happened, in the reader's language, for an error code."""
    return str(words_for(code).title)


@register.filter
def language_name(code: str) -> str:
    """A language's name in the reader's language."""
    return language_names.language_name(code)


@register.simple_tag
def all_language_names() -> dict[str, str]:
    """Every language's name, for scripts."""
    return language_names.names()


@register.simple_tag
def language_note(language: str | None, batch: BatchSummary) -> str:
    """What is said of an essay that is not in its batch's language or not in a known one, else nothing."""
    expected = batch.language
    if language in _CHECKED_LANGUAGES:
        if not expected or language == expected:
            return ""
        return gettext("%(language)s, and checked as such.") % {"language": capfirst(language_name(language))}
    if language:
        name = capfirst(language_name(language))
        return gettext("%(language)s. The spelling is not checked.") % {"language": name}
    if expected or batch.status == "awaiting_content":
        return ""
    return gettext("The language is not clear. The spelling is not checked until you choose it.")


@register.filter
def may_be_replaced(file: FileRecord, batch: BatchSummary) -> bool:
    """True while other content may take the file's place."""
    return file.status != "removed" and batch.status != "cancelled"


@register.filter
def ends_soon(batch: BatchSummary) -> bool:
    """True in the last days of a batch, when its teacher is warned."""
    return days_left(batch.ends_on) is not None


@register.simple_tag
def help_picture(name: str, words: str) -> SafeString:
    """A page in the reader's language, taken by ``docs/take_screenshots.py``; ``words`` say what it shows."""
    language = get_language() if get_language() in _CHECKED_LANGUAGES else "en"
    return format_html(
        '<img class="picture" src="{}" width="960" height="600" loading="lazy" alt="{}">',
        static(f"huleedu/help/{name}-{language}.png"),
        words,
    )


@register.filter
def readable_id(value: UUID | str | None) -> SafeString | str:
    """An id as people read it, whole when it is copied."""
    return shown_id(value)


@register.filter
def plus(number: int, other: int) -> int:
    """The sum, at most as many essays as a batch may have."""
    return min(MAX_ESSAYS, number + other)


@register.simple_tag
def configured_limits() -> dict[str, str | int]:
    """The limits that pages and scripts speak of: in words, and as numbers for scripts."""
    return {
        "file_size": limit_in_words("MAX_FILE_BYTES"),
        "files": limit_in_words("MAX_FILES_PER_BATCH"),
        "teacher_size": limit_in_words("TEACHER_BYTES"),
        "undo": limit_in_words("UNDO_SECONDS"),
        "exports": limit_in_words("EXPORT_SECONDS"),
        "bin": limit_in_words("BIN_SECONDS"),
        "files_a_day": limit_in_words("TEACHER_FILES_A_DAY"),
        "most_files": settings.MAX_FILES_PER_BATCH,
        "most_essays": MAX_ESSAYS,
        "most_bytes": max(settings.MAX_FILE_BYTES, settings.MAX_REQUEST_BYTES - _FORM_BYTES),
    }


@register.simple_tag
def export_kinds() -> list[ExportKind]:
    """All kinds of export, in the order of menus."""
    return list(KINDS.values())


@register.simple_tag
def export_label(name: str) -> str:
    """What a kind of export is called; its bare name when there is none any more."""
    return str(KINDS[name].label) if name in KINDS else name


@register.filter
def format_label(name: str) -> str:
    """A format's name for the reader."""
    return format_words.label(name)


@register.filter
def kind_of_file(line: FileLine) -> str:
    """What kind of file this is for the reader, a dash while nobody has looked."""
    return summary.kind_label(line.kind) if line.kind else "–"


@register.simple_tag
def formats_in_short() -> str:
    """What may be sent, in few words: "Word, PDF or plain text"."""
    return format_words.short()


@register.filter
def original(line: Line) -> str:
    """Where the original of an essay is opened."""
    return original_address(line.file_upload_id, line.format)


@register.simple_tag
def uploads_are_stopped() -> bool:
    """True while the disks have too little room for more files."""
    return disks.too_full() is not None


@register.filter
def figure(line: Line, column: Column) -> str:
    """An essay's figure in a column, with the digits of its measure, a dash while it is not known."""
    return measured(column.value(line), column.measure.digits)


@register.filter
def measured(value: float | None, digits: int) -> str:
    """A number with so many digits in the reader's way of writing, a dash for none."""
    return "–" if value is None else str(floatformat(value, digits))


@register.filter
def time_left(seconds: int | None) -> str:
    """How long work will take, as ``files/time-left.js`` says it; None: this is the first such work here."""
    if seconds is None:
        return gettext("How long this takes is not known yet: it is the first time here.")
    if seconds < _FEW_SECONDS:
        return gettext("A few seconds left.")
    minutes = math.ceil(seconds / 60)
    return gettext("About a minute left." if minutes == 1 else "About {n} minutes left.").format(n=minutes)


@register.filter
def undo_address(message: Message) -> str:
    """Where the form goes that takes back what a message tells of; empty when it cannot be."""
    tags = message.extra_tags or ""
    return tags.removeprefix(UNDO) if tags.startswith(UNDO) else ""


@register.simple_tag
def phase_words(event: Record) -> str:
    """What an event of a phase says of its essay, in plain words; the bare name of any other."""
    name = event["event_type"]
    for phase in essay_phases():
        if name == phase.request.__name__:
            return str(phase.words.requested)
        if name == phase.completed.__name__:
            return phase.words.completed(event["data"])
    return str(name)


@register.filter
def seconds(milliseconds: int) -> str:
    """Milliseconds as seconds with one decimal."""
    return formats.number_format(round(milliseconds / 1000, 1), decimal_pos=1)
