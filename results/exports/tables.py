"""The tables of a batch in words: essays, files that did not become essays, marks."""

from collections.abc import Iterator

from django.utils.translation import gettext as _

from huleedu.answers import rounding
from results.exports.pile import Essay, Heading, Member, Pile

Value = str | int | float | None


def rounded(value: float | None, heading: Heading) -> int | float | None:
    """A figure with as many digits as its heading says."""
    if value is None:
        return None
    number = rounding.rounded(value, heading.digits)
    return float(number) if heading.digits else int(number)


def essay_headings(pile: Pile) -> list[str]:
    """The first row of the essays' table."""
    return [
        _("Essay"),
        _("File"),
        _("Folder"),
        _("Kind"),
        _("Size in bytes"),
        _("Words"),
        _("Characters"),
        _("Language"),
        *(heading.label for heading in pile.headings),
        _("Read ✓"),
        _("Your note"),
        _("State"),
        _("Problem"),
    ]


def essay_row(pile: Pile, essay: Essay) -> list[Value]:
    """One essay's row."""
    return [
        essay.number,
        *named(essay),
        essay.words,
        essay.characters,
        essay.language_label,
        *(rounded(value, head) for value, head in zip(essay.figures, pile.headings, strict=True)),
        _("yes") if essay.read else "",
        essay.note,
        essay.state,
        essay.problem,
    ]


def named(member: Member) -> list[Value]:
    """What is said first of every file."""
    return [member.filename, member.folder, member.format_label, member.size]


def other_headings() -> list[str]:
    """The first row of the table of files that did not become essays."""
    return [_("File"), _("Folder"), _("Kind"), _("Size in bytes"), _("Words"), _("State"), _("Problem")]


def other_row(member: Member) -> list[Value]:
    """The row of a file that did not become an essay."""
    return [*named(member), member.words, member.state, member.problem]


def mark_headings() -> list[str]:
    """The first row of the marks' table."""
    return [_("Essay"), _("File"), _("Mark"), _("Written"), _("Suggested"), _("Other suggestions")]


def mark_rows(essay: Essay) -> Iterator[list[Value]]:
    """A row for each mark of an essay."""
    for number, mark in enumerate(essay.marks or (), 1):
        best, *others = mark.suggestions or ("",)
        yield [essay.number, essay.filename, number, mark.word, best, ", ".join(others)]
