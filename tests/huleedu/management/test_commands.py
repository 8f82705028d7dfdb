"""Every command of ours says in plain words what it does, and its example is one."""

import os
import re
import subprocess
import sys
from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands, load_command_class

OURS = sorted(name for name, app in get_commands().items() if app == "huleedu")
EXAMPLE = re.compile(r"Example: manage\.py (.+?)\.?$")
BY_HAND = {"account", "backup", "create_account", "make_backup_key", "restore", "run", "security_log"}


def parsers(parser: ArgumentParser) -> Iterator[ArgumentParser]:
    """``parser`` and those of its subcommands."""
    yield parser
    for action in parser._actions:
        if isinstance(action, _SubParsersAction):
            for each in action.choices.values():
                yield from parsers(each)


@pytest.mark.parametrize("name", OURS)
def test_a_command_tells_what_it_does_and_what_it_takes(name: str) -> None:
    command = load_command_class("huleedu", name)
    assert len(command.help.split()) > 8, command.help
    assert not re.search(r"django-q2|orphan|[{}`]", command.help)
    for parser in parsers(command.create_parser("manage.py", name)):
        for action in parser._actions:
            assert action.help or isinstance(action, _SubParsersAction), (parser.prog, action.dest)


@pytest.mark.parametrize("name", OURS)
def test_the_example_of_a_command_can_be_given(name: str) -> None:
    command = load_command_class("huleedu", name)
    found = EXAMPLE.search(command.help)
    assert found or name not in BY_HAND
    if found:
        called, *words = found[1].split()
        assert called == name
        command.create_parser("manage.py", name).parse_args(words)


@pytest.mark.parametrize("name", ["restore", "run", "backup"])
def test_help_is_told_without_an_installation(name: str, tmp_path: Path) -> None:
    state = tmp_path / "var"
    environment = {
        key: value for key, value in os.environ.items() if key not in {"DATABASE_URL", "REDIS_URL"}
    }
    done = subprocess.run(
        [sys.executable, "manage.py", name, "--help"],
        cwd=settings.BASE_DIR,
        env=environment | {"HULEEDU_VAR": str(state), "SECRET_KEY": "x", "HULEEDU_USER": "root"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Example: manage.py" in " ".join(done.stdout.split())
    assert not (state / "postgres").exists() and not (state / "run").exists()
