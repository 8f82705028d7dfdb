"""What stands on an essay's paper, in words: the same as on the page of the essay when it is printed."""

import re

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from essays.segments import Mark as Segmented
from essays.segments import split
from huleedu.answers.rounding import rounded
from results.exports.pile import Essay, Mark, Pile
from results.exports.typeset import Piece, Told

CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
SUGGESTIONS = 3
EM_SPACE = "\u2003"  # for a tab
# A word longer than any: it would run off the paper. In scripts that have spaces and do not join letters.
ENDLESS = re.compile("[!-~\xa1-\u058f]{41,}")
ACCENTS = "\u0300-\u036f\u0483-\u0489"
STRETCH = re.compile(f"(.{{20}})(?=[^{ACCENTS}])")
MAY_BREAK = "\u200b"


def paper(pile: Pile, essay: Essay, text: str, language: str, *, with_note: bool = False) -> Told:
    """The paper of one essay, in the language that is active, and its teacher's note if that is wished."""
    heading = _("Essay %(n)s") % {"n": essay.number}
    marks = essay.marks or ()
    return Told(
        document=f"{heading} · {pile.title}" if pile.title else heading,
        foot=f"{heading} · {cleaned(pile.title)}" if pile.title else heading,
        words_language=language,
        text_language=essay.language if essay.language.isalpha() and len(essay.language) <= 3 else "",
        title=cleaned(pile.title),
        class_facts=_("Class %(name)s") % {"name": cleaned(pile.class_name)} if pile.class_name else "",
        heading=heading,
        facts=" · ".join(facts(essay)),
        paragraphs=paragraphs(text, marks),
        note_heading=_("From your teacher"),
        note=cleaned(essay.note).strip().split("\n") if with_note and essay.note.strip() else [],
        marks_heading=marks_heading(essay),
        marks_note="" if essay.marks or essay.marks is None else _("No spelling marks in this essay."),
        marks=[(cleaned(mark.word), cleaned(", ".join(mark.suggestions[:SUGGESTIONS]))) for mark in marks],
        figures_heading=_("Figures"),
        figure_headings=[_("Measure"), _("This essay")],
        figures=figures(pile, essay),
        boxes=_(
            "Boxes stand here for signs that our fonts do not have: %(signs)s. They are right in the "
            "essay’s own file and on its page."
        ),
    )


def facts(essay: Essay) -> list[str]:
    """How long it is, and out of which file."""
    length = [] if essay.words is None else [ngettext("%(n)s word", "%(n)s words", essay.words)]
    named = _("from “%(name)s”") % {"name": cleaned(essay.filename)}
    return [*(each % {"n": essay.words} for each in length), named]


def marks_heading(essay: Essay) -> str:
    """How many marks there are; empty when its spelling was not checked."""
    if essay.marks is None:
        return ""
    number = len(essay.marks)
    return ngettext("%(n)s spelling mark", "%(n)s spelling marks", number) % {"n": number}


def figures(pile: Pile, essay: Essay) -> list[tuple[str, str]]:
    """Its known figures in the reader's way of writing."""
    return [
        (heading.label, number_format(rounded(value, heading.digits), decimal_pos=heading.digits))
        for heading, value in zip(pile.headings, essay.figures, strict=True)
        if value is not None
    ]


def paragraphs(text: str, marks: tuple[Mark, ...]) -> list[list[Piece]]:
    """The text cut into paragraphs, and these where marks begin and end, and lines."""
    cut = split(
        text,
        [
            Segmented(index, mark.start, mark.end, mark.word, mark.suggestions, mark.kind)
            for index, mark in enumerate(marks, 1)
            if mark.end <= len(text)
        ],
    )
    return [
        [piece for segment in segments for piece in pieces(segment.text, int(segment.finding is not None))]
        for segments in cut
        if segments
    ]


def pieces(text: str, marked: int) -> list[Piece]:
    """A piece of a paragraph, its line ends by themselves."""
    found: list[Piece] = []
    for number, line in enumerate(cleaned(text).split("\n")):
        if number:
            found.append(("\n", 0))
        if line:
            found.append((line, marked))
    return found


def cleaned(text: str) -> str:
    """Without what has no shape on paper, and with places where a word without end may be broken."""
    shown = CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).replace("\t", EM_SPACE)
    return ENDLESS.sub(lambda word: STRETCH.sub(rf"\1{MAY_BREAK}", word[0]), shown)
