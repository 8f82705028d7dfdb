"""Settings are read as people write them, and a mistake is one line that names the variable."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from huleedu import run
from huleedu.machine import environment
from huleedu.machine.places import InstallationError

ROOT = Path(__file__).resolve().parents[3]
NAME = "HULEEDU_MAX_FILE_BYTES"
KEPT = ("PATH", "HOME", "LANG")


def start(*command: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """A program of ours, with ``variables`` and nothing else of our environment that matters."""
    own = {name: os.environ[name] for name in KEPT if name in os.environ} | variables
    return subprocess.run([sys.executable, *command], cwd=ROOT, env=own, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("said", "size"),
    [
        ("20MB", 20 * 1024**2),
        ("20 mb", 20 * 1024**2),
        (" 20MiB ", 20 * 1024**2),
        ("20M", 20 * 1024**2),
        ("1.5GB", 3 * 1024**3 // 2),
        ("64kB", 65536),
        ("2 TB", 2 * 1024**4),
        ("10485760", 10485760),
        ("10_485_760", 10485760),
        ("17 B", 17),
        ("", 7),
        ("   ", 7),
    ],
)
def test_sizes(monkeypatch: pytest.MonkeyPatch, said: str, size: int) -> None:
    monkeypatch.setenv(NAME, said)
    assert environment.size(NAME, 7) == size


@pytest.mark.parametrize(
    ("said", "months"),
    [("6 months", 6), ("1 month", 1), ("2 years", 24), ("18", 18), ("0", 0), ("Never", None), ("", 7)],
)
def test_how_long_to_keep(monkeypatch: pytest.MonkeyPatch, said: str, months: int | None) -> None:
    monkeypatch.setenv("HULEEDU_RETENTION", said)
    assert environment.months("HULEEDU_RETENTION", 7) == months


@pytest.mark.parametrize("said", ["off", "0.5 years", "-1", "11 years", "6 weeks", "no"])
def test_keeping_for_ever_is_said_in_one_word_alone(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setenv("HULEEDU_RETENTION", said)
    with pytest.raises(ImproperlyConfigured, match=r"HULEEDU_RETENTION=.*never"):
        environment.months("HULEEDU_RETENTION", 7)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("2 h", 7200),
        ("2h", 7200),
        ("90 days", 90 * 86400),
        ("1 week", 7 * 86400),
        ("30 min", 1800),
        ("45 s", 45),
        ("1 Day", 86400),
        ("86400", 86400),
        ("1.5 h", 5400),
        ("", 7),
    ],
)
def test_times(monkeypatch: pytest.MonkeyPatch, said: str, seconds: int) -> None:
    monkeypatch.setenv(NAME, said)
    assert environment.seconds(NAME, 7) == seconds


def test_a_time_may_be_part_of_a_second_where_that_makes_sense(monkeypatch: pytest.MonkeyPatch) -> None:
    for said, seconds in (("2.5", 2.5), ("2500 ms", 2.5), ("", 1.5)):
        monkeypatch.setenv(NAME, said)
        assert environment.duration(NAME, 1.5, least=0.1) == seconds


@pytest.mark.parametrize("said", ["1", "true", "Yes", "ON", " yes "])
def test_yes(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setenv(NAME, said)
    assert environment.flag(NAME) is True


@pytest.mark.parametrize("said", ["0", "false", "No", "off"])
def test_no(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setenv(NAME, said)
    assert environment.flag(NAME, True) is False


MISTAKES = [
    ("HULEEDU_MAX_FILE_BYTES", "20 MBB"),
    ("HULEEDU_MAX_FILE_BYTES", "ten"),
    ("HULEEDU_MAX_FILE_BYTES", "-5"),
    ("HULEEDU_MAX_FILE_BYTES", "0"),
    ("HULEEDU_MAX_FILE_BYTES", "1,5MB"),
    ("HULEEDU_MAX_FILE_BYTES", "1.5"),
    ("HULEEDU_MAX_FILE_BYTES", "9" * 5000),
    ("HULEEDU_MAX_FILE_BYTES", "٣MB"),
    ("HULEEDU_MAX_REQUEST_BYTES", "sixty"),
    ("HULEEDU_MAX_FILES_PER_BATCH", "2.5"),
    ("HULEEDU_MAX_FILES_PER_BATCH", "0"),
    ("HULEEDU_MAX_FILES_PER_BATCH", "_"),
    ("HULEEDU_MIN_TEXT_CHARACTERS", "fifty"),
    ("HULEEDU_MAX_QUEUED_WORK", "-1"),
    ("HULEEDU_STEP_WORKERS", "0"),
    ("HULEEDU_STEP_WORKERS", "a few"),
    ("HULEEDU_READINESS_SECONDS", "2 fortnights"),
    ("HULEEDU_READINESS_SECONDS", "91 days"),
    ("HULEEDU_READINESS_SECONDS", "0.5"),
    ("HULEEDU_STORE_SECONDS", "soon"),
    ("HULEEDU_STORE_SECONDS", "nan"),
    ("HULEEDU_STORE_SECONDS", "inf"),
    ("HULEEDU_SECURITY_LOG", "364 days"),
    ("HULEEDU_PORT", "http"),
    ("HULEEDU_PORT", "70000"),
    ("HULEEDU_HTTPS", "ture"),
    ("HULEEDU_BEHIND_PROXY", "ja"),
    ("HULEEDU_DEBUG", "2"),
    ("HULEEDU_ALLOWED_HOSTS", "https://huleedu.school.se"),
    ("HULEEDU_ALLOWED_HOSTS", "huleedu.school.se,other.school.se"),
    ("HULEEDU_ALLOWED_HOSTS", "huleedu.school.se:8000"),
    ("HULEEDU_ALLOWED_HOSTS", "*"),
    ("HULEEDU_TRUSTED_ORIGINS", "huleedu.school.se"),
    ("HULEEDU_TRUSTED_ORIGINS", "https://huleedu.school.se/"),
    ("HULEEDU_TRUSTED_ORIGINS", "https://huleedu.school.se:port"),
    ("HULEEDU_S3_ENDPOINT", "store.school.se:9000"),
    ("HULEEDU_TIME_ZONE", "Sverige"),
    ("HULEEDU_LOG_LEVEL", "LOUD"),
    ("DATABASE_URL", "mysql://user:secret@host/huleedu"),
    ("DATABASE_URL", "postgresql://user:secret@host:port/huleedu"),
    ("DATABASE_URL", "postgresql://user:secret@host:99999/huleedu"),
    ("DATABASE_URL", "host=localhost password=secret dbname=huleedu"),
    ("DATABASE_URL", "postgresql//user:secret@host/huleedu"),
    ("REDIS_URL", "127.0.0.1:6379"),
    ("REDIS_URL", "http://:secret@127.0.0.1:6379"),
    ("REDIS_URL", "redis://:secret@127.0.0.1:many/0"),
    ("REDIS_URL", "redis://:secret@127.0.0.1:6379/first"),
]


@pytest.mark.parametrize(("name", "said"), MISTAKES)
def test_a_mistake_is_one_line_that_names_the_variable(name: str, said: str) -> None:
    """Each in a process of its own, as whoever starts it sees it."""
    done = start("manage.py", "check", **{name: said})
    told = done.stdout + done.stderr
    assert done.returncode == os.EX_CONFIG, told
    assert told.count("\n") == 1 and len(told) < 400, told
    assert "Traceback" not in told
    assert f"{name}=" in told and f"for example {name}=" in told
    assert "secret" not in told


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        (
            {"HULEEDU_MAX_FILE_BYTES": "100MB"},
            ["HULEEDU_MAX_FILE_BYTES='100MB'", "HULEEDU_MAX_REQUEST_BYTES=101MB"],
        ),
        (
            {"HULEEDU_MAX_REQUEST_BYTES": "5MB"},
            ["HULEEDU_MAX_FILE_BYTES (not set)", "HULEEDU_MAX_REQUEST_BYTES='5MB'"],
        ),
        (
            {"HULEEDU_MIN_TEXT_CHARACTERS": "60000"},
            ["HULEEDU_MIN_TEXT_CHARACTERS='60000'", "HULEEDU_MAX_TEXT_CHARACTERS (not set)"],
        ),
    ],
)
def test_limits_that_do_not_go_together_are_told(variables: dict[str, str], named: list[str]) -> None:
    done = start("manage.py", "check", **variables)
    assert done.returncode == os.EX_CONFIG
    assert done.stderr.count("\n") == 1
    assert [words for words in named if words not in done.stderr] == []


@pytest.mark.parametrize(
    "command",
    [
        ["manage.py", "run"],
        ["manage.py", "tidy"],
        ["manage.py", "migrate"],
        ["manage.py", "qcluster"],
        ["manage.py", "relay"],
        ["-m", "huleedu.server", "-p", "1"],
    ],
    ids=" ".join,
)
def test_every_program_says_it_in_one_line(command: list[str], tmp_path: Path) -> None:
    usual = {"HULEEDU_VAR": str(tmp_path / "var"), "SECRET_KEY": "x" * 50}
    done = start(*command, HULEEDU_MAX_FILE_BYTES="ten", **usual)
    told = done.stdout + done.stderr
    assert done.returncode in {1, os.EX_CONFIG}
    assert told.count("\n") == 1, told
    assert "HULEEDU_MAX_FILE_BYTES='ten'" in told
    left = [path for path in (tmp_path / "var").rglob("*") if path.is_file()]
    assert not left, "nothing was started"


def test_a_start_without_settings_of_its_own_reads_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading them in a process of its own takes a quarter of a second."""

    def never(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr("huleedu.run.subprocess.run", never)
    run.check_settings({"PATH": "/usr/bin", "HULEEDU_VAR": "/var/x", "HULEEDU_PORT": "8000"})
    monkeypatch.undo()
    with pytest.raises(InstallationError, match="HULEEDU_HTTPS='perhaps'"):
        run.check_settings({**os.environ, "HULEEDU_HTTPS": "perhaps"})


def test_what_may_hold_a_password_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for address, shown in (
        ("postgresql://user:p@ss:w/ord@host/db", "postgresql://…@host/db"),
        ("redis://:secret@host:1/0?password=secret", "redis://…@host:1/0"),
        ("host=a password=secret", "…"),
        ("redis://host:1/0", "redis://host:1/0"),
    ):
        assert environment.without_secret(address) == shown
    monkeypatch.setenv("REDIS_URL", "redis://:p@ss@host:x/0")
    with pytest.raises(ImproperlyConfigured) as raised:
        environment.redis_address("REDIS_URL", "")
    assert "p@ss" not in str(raised.value)


def old_python(folder: Path, answer: str) -> str:
    """A program that says ``answer`` to everything."""
    program = folder / "python"
    program.write_text(f"#!/bin/sh\n{answer}\n")
    program.chmod(0o755)
    return str(program)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "there is no such program"),
        ('[ "$1" = --version ] && echo Python 3.9.2; [ "$1" = -c ] && echo False', "is Python 3.9.2"),
        ("echo nonsense", "is nonsense"),
        ('case "$2" in *version_info*) echo True;; *) exit 1;; esac', "apt install python3-venv"),
    ],
    ids=["missing", "old", "no python", "no venv"],
)
def test_a_wrong_python_says_what_is_missing(tmp_path: Path, answer: str | None, words: str) -> None:
    python = str(tmp_path / "nowhere") if answer is None else old_python(tmp_path, answer)
    command = ["make", "--no-print-directory", "install", f"PYTHON={python}", f"VENV={tmp_path / 'venv'}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stdout.count("\n") == 1, done.stdout
    assert f"PYTHON={python}" in done.stdout and words in done.stdout
    assert not (tmp_path / "venv").exists()
