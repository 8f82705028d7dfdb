"""Essays are set in a process that can reach nothing, and has no threads that could."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pypdfium2
import pytest

from files import sandbox
from files.nursery import Nursery
from huleedu.failures.errors import StepError
from results.exports.steps.typesetting import MORE, MOST_SIGNS
from results.exports.typeset import TYPESETTING, Told, leave, typeset
from tests.documents import ROOT

TOLD = Told(
    document="Essay 1",
    foot="Essay 1",
    words_language="en",
    text_language="en",
    title="",
    class_facts="",
    heading="Essay 1",
    facts="2 words",
    paragraphs=[[("Good ", 0), ("evning", 1)]],
    note_heading="From your teacher",
    note=[],
    marks_heading="1 spelling mark",
    marks_note="",
    marks=[("evning", "evening")],
    figures_heading="Figures",
    figure_headings=["Measure", "This essay"],
    figures=[],
    boxes="Boxes for %(signs)s.",
)


def test_the_same_paper_is_set_alike() -> None:
    first, lacking = typeset(TOLD)
    assert not lacking and first.startswith(b"%PDF-")
    assert typeset(TOLD)[0] == first


def test_a_warm_process_has_one_thread_and_ends_when_it_is_left() -> None:
    typeset(TOLD)
    nursery = sandbox.nursery(TYPESETTING)
    assert isinstance(nursery, Nursery)
    status = Path(f"/proc/{nursery.process_id}/status")
    assert "Threads:\t1\n" in status.read_text()
    leave()
    assert not status.exists()


def test_many_marks_and_pages() -> None:
    long = replace(TOLD, paragraphs=[[("word " * 100, 0), ("evning", 1)]] * 90, marks=[("a", "b")] * 300)
    assert typeset(long)[1] == []


def test_signs_that_no_font_has_are_named() -> None:
    paragraphs = [[("Good 你好, 你 ", 0), ("\u0378evning", 1)]]
    pdf, lacking = typeset(replace(TOLD, paragraphs=paragraphs, title="한"))
    assert lacking == ["한", "你", "好", "\u0378"]
    said = pypdfium2.PdfDocument(pdf)[0].get_textpage().get_text_range()
    assert "Boxes for U+D55C, U+4F60, U+597D, U+0378." in " ".join(said.split())


def test_very_many_signs_are_not_all_named() -> None:
    every = "".join(chr(0x4E00 + number) for number in range(300))
    named = typeset(replace(TOLD, paragraphs=[[(every, 0)]]))[1]
    assert len(named) == MOST_SIGNS + 1 and named[-1] == MORE


def test_a_letter_that_breaks_the_typesetter_ends_it_in_words_and_says_nothing_of_the_text(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(StepError, match="TYPESETTING_FAILED"):
        typeset(replace(TOLD, paragraphs=[[("\U0001f469\u200d" * 25_000, 0)]]))
    assert capfd.readouterr() == ("", "")


def test_no_thread_can_be_started_and_a_process_can() -> None:
    code = (
        f"import sys, os, threading; sys.path.insert(0, {str(ROOT)!r})\n"
        "from files.steps.system_calls import refuse_threads\n"
        "assert refuse_threads()\n"
        "pid = os.fork()\n"
        "if pid == 0: os._exit(7)\n"
        "assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7\n"
        "try: threading.Thread(target=print).start()\n"
        "except RuntimeError: sys.exit(0)\n"
        "sys.exit(3)\n"
    )
    assert subprocess.run([sys.executable, "-I", "-c", code], check=False).returncode == 0
