"""What README.md, CONTRIBUTING.md and the documents have people type exists; the cheap part of it runs."""

import re
import shlex
import subprocess
import sys
from importlib.util import find_spec
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command, get_commands

from huleedu.models import Usage
from tests.documents import ROOT, blocks

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "adr").glob("*.md")])
FENCED = re.compile(r"^```sh[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"^ {4}(\S.*)$", re.MULTILINE)
INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)(?:#[^)]*)?\)")
EMPTY = re.compile(r"^(export \w+=)(?=\s*$)", re.MULTILINE)
ANCHOR = re.compile(r"\]\(#([^)]+)\)")
PATH = re.compile(
    r"(?<![\w/])(?:tests|docs|deploy|files|essays|huleedu|batches|results|realtime|locale)/[\w./-]+\.\w+"
)


def identity(path: Path) -> str:
    """A document's name in a test's name."""
    return str(path.relative_to(ROOT))


def commands(document: Path) -> str:
    """Everything in a document that looks as if it were to be typed."""
    text = document.read_text(encoding="utf-8")
    fenced = FENCED.findall(text)
    return "\n".join(
        [*fenced, *INDENTED.findall(FENCED.sub("", text)), *INLINE.findall(FENCED.sub("", text))]
    )


def targets() -> set[str]:
    """What ``make`` can make."""
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("document", DOCUMENTS, ids=identity)
def test_every_command_named_exists(document: Path) -> None:
    text = commands(document)
    assert set(re.findall(r"(?:^|[\s;])make ([a-z]+)", text, re.MULTILINE)) <= targets()
    known = get_commands().keys() | {"run"}
    assert set(re.findall(r"manage\.py ([a-z_]+)", text)) <= known
    for module in re.findall(r"python\d? -m ([\w.]+)", text):
        assert find_spec(module), module
    for path in PATH.findall(text):
        assert (ROOT / path).exists() or (ROOT / "tests" / path).exists(), path


@pytest.mark.parametrize("document", DOCUMENTS, ids=identity)
def test_every_link_leads_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for target in LINK.findall(text):
        assert (document.parent / target).exists(), target
    headings = {anchor_of(line) for line in text.splitlines() if line.startswith("#")}
    assert set(ANCHOR.findall(text)) <= headings


def anchor_of(heading: str) -> str:
    """How a page links to a heading."""
    words = re.sub(r"[^\w\s-]", "", heading.lstrip("#").strip().lower())
    return words.replace(" ", "-")


def test_make_alone_lists_every_target_that_says_what_it_is_for() -> None:
    done = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True)
    listed = set(re.findall(r"^  make ([a-z]+) ", done.stdout, re.MULTILINE))
    assert listed == targets()


def write_settings(settings: Path, forgotten: str = "") -> "subprocess.CompletedProcess[str]":
    """Steps 1 and 3 with something in every place that is empty, but for what was forgotten."""
    named = blocks("docs/operations.md")
    where = "".join(
        line if forgotten and line.startswith(f"export {forgotten}=") else EMPTY.sub(r"\1filled-in", line)
        for line in named["where"].splitlines(keepends=True)
    )
    script = f"{where}\nexport SETTINGS={shlex.quote(str(settings))}\n{named['settings']}"
    return subprocess.run(["bash", "-euo", "pipefail", "-c", script], capture_output=True, text=True)


def test_the_settings_file_is_what_every_reader_of_it_reads(tmp_path: Path) -> None:
    """A shell, systemd and compose read it: no quotes, no spaces, nothing that one of them would expand."""
    settings = tmp_path / "huleedu.env"
    assert write_settings(settings).returncode == 0
    assert settings.stat().st_mode & 0o777 == 0o600
    written = dict(line.split("=", 1) for line in settings.read_text().splitlines())
    assert all(re.fullmatch(r"[\w:/@.+,%-]+", value) for value in written.values()), written
    assert len(written["SECRET_KEY"]) >= 50
    python = f'{shlex.quote(sys.executable)} -c "import os; print(dict(os.environ))"'
    read = f"set -a; . {shlex.quote(str(settings))}; exec {python}"
    done = subprocess.run(["bash", "-c", read], capture_output=True, text=True, check=True, env={})
    assert all(repr(value) in done.stdout for value in written.values())


@pytest.mark.parametrize("forgotten", ["DATABASE_PASSWORD", "STORE_KEY", "STORE_SECRET"])
def test_who_forgets_a_password_is_stopped_and_told_which(tmp_path: Path, forgotten: str) -> None:
    done = write_settings(tmp_path / "huleedu.env", forgotten)
    assert done.returncode != 0
    assert forgotten in done.stderr
    assert not (tmp_path / "huleedu.env").exists()


def test_a_second_time_keeps_the_key(tmp_path: Path) -> None:
    settings = tmp_path / "huleedu.env"
    write_settings(settings)
    before = settings.read_bytes()
    assert write_settings(settings).returncode != 0
    assert settings.read_bytes() == before


@pytest.mark.django_db
def test_the_commands_about_accounts_do_what_they_say() -> None:
    """Each line of the block, and the two that make accounts, as they are typed."""
    text = (ROOT / "docs" / "operations.md").read_text()
    lines = re.findall(r"^ {4}\S*python manage\.py (account create .*)$", text, re.MULTILINE)
    call_command(*["account", "create", "teacher", "bo.lund"], stdout=StringIO(), stderr=StringIO())
    lines += re.findall(r"manage\.py (account [^#\n]*)", blocks("docs/operations.md")["accounts"])
    assert len(lines) >= 13
    for line in lines:
        call_command(*line.split(), stdout=StringIO(), stderr=StringIO())
    account = User.objects.get(username="alma.ek")
    assert (account.email, account.is_active) == ("alma@school.example", True)
    assert Usage.objects.get(owner=account).most_files == 500
    assert User.objects.get(username="it.lindqvist").is_staff
