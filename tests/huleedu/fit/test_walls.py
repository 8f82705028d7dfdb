"""What a machine does not give around readers of files is said: in log, terminal, /readyz, and admin."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from files.steps import confinement, landlock
from files.steps.confinement import Wall
from huleedu import run
from huleedu.fit import walls
from huleedu.fit.fingerprint import facts_of
from huleedu.fit.fitting import fit
from huleedu.fit.installation import check_key
from huleedu.fit.walls import find_missing
from huleedu.machine import readiness
from huleedu.machine.readiness import Readiness
from huleedu.machine.wall_words import HELD, WEAK, WORDS, english
from huleedu.models import RelayPresence
from huleedu.postgres.presence import Identity
from tests.documents import ROOT
from tests.faults.ending import started
from tests.installation import wait_until
from tests.processes import alive, alive_all

PAGE = "/admin/huleedu/relaypresence/"


def look() -> set[Wall]:
    """What this machine lacks, found out anew."""
    return set(find_missing.__wrapped__())


def test_every_wall_has_words_and_a_remedy() -> None:
    assert WORDS.keys() == set(Wall)
    assert len({text for words in WORDS.values() for text in (words.lack, words.remedy)}) == 2 * len(Wall)


def test_what_stands_here_is_not_missing() -> None:
    missing = look()
    assert (Wall.PATHS in missing) is (landlock.version() == 0)
    assert not missing & {Wall.MEMORY, Wall.RIGHTS}


@pytest.mark.parametrize(
    ("part", "wall"),
    [("give_up_paths", Wall.PATHS), ("give_up_calls", Wall.CALLS), ("_leave_network", Wall.NETWORK),
     ("give_up_rights", Wall.RIGHTS), ("hide_memory", Wall.MEMORY)],
)  # fmt: skip
def test_each_wall_is_missed_for_itself(monkeypatch: pytest.MonkeyPatch, part: str, wall: Wall) -> None:
    monkeypatch.setattr(confinement, part, lambda: False)
    assert wall in look()


@pytest.mark.parametrize("fault", ["error", "death"])
def test_a_child_that_cannot_be_sealed_has_no_wall_at_all(
    monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    def fail() -> bool:
        if fault == "death":
            os.kill(os.getpid(), signal.SIGKILL)
        raise OSError

    monkeypatch.setattr(confinement, "give_up_paths", fail)
    assert look() == set(Wall)


def test_a_wall_that_the_kernel_has_and_does_not_build_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then no file is read; a kernel without it is another matter."""
    if not landlock.version():
        pytest.skip("this kernel has no Landlock")
    monkeypatch.setattr(landlock, "_CREATE_RULESET", landlock._CREATE_RULESET)
    bits = landlock._bits
    monkeypatch.setattr(landlock, "_bits", lambda kind, known: bits(kind, known) and 0)
    with pytest.raises(OSError, match="No message"):
        landlock.give_up_paths()


@pytest.mark.django_db(transaction=True)
def test_step_workers_tell_of_their_readers_and_others_of_themselves(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = check_key()
    monkeypatch.setattr(walls, "find_missing", lambda: (Wall.PATHS, Wall.NETWORK))
    monkeypatch.setattr(walls, "is_hidden", lambda: False)
    told = {}
    for name in ("steps", "web", "command"):
        settings.PROCESS = name
        told[name] = facts_of(identity, "", "")["walls"]
    assert told == {"steps": ["paths", "network"], "web": ["memory"], "command": []}
    assert json.dumps(told)


@pytest.fixture
def desk_page(desk: Client) -> Any:
    """The page of processes as text, in a language."""

    def text(language: str) -> str:
        answer = desk.get(PAGE, headers={"Accept-Language": language})
        assert answer.status_code == 200
        return answer.content.decode()

    return text


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("missing", "state"),
    [([], "ok"), (["network"], "ok"), (["paths"], "degraded"), (["calls", "network"], "degraded"),
     (["rights"], "degraded"), (["memory"], "degraded"), (["of a later release"], "ok")],
)  # fmt: skip
def test_readyz_names_what_is_missing(client: Client, missing: list[str], state: str) -> None:
    alive_all()
    RelayPresence.objects.filter(role="steps").delete()
    name = alive("steps", walls=missing)
    answer = client.get("/readyz")
    body = answer.json()
    assert (answer.status_code, body["status"], body["checks"]["walls"]) == (200, state, state)
    known = [wall for wall in Wall if wall in missing]
    assert body.get("walls") == ([{"process": name, "missing": known}] if known else None)


@pytest.mark.django_db(transaction=True)
def test_a_process_that_tells_nothing_of_walls_is_no_trouble(client: Client) -> None:
    alive_all()
    row = RelayPresence.objects.get(role="steps")
    del row.facts["walls"]
    row.save()
    assert client.get("/readyz").json()["checks"]["walls"] == "ok"


def test_support_staff_read_what_is_missing_and_what_to_do(desk_page: Any) -> None:
    assert "Nothing is known while no process reads files." in desk_page("en")
    alive_all()
    assert "Nothing is missing." in desk_page("en")
    alive("steps", "steps-old-3", walls=["network"])
    page = desk_page("en")
    assert WORDS[Wall.NETWORK].lack in page and WORDS[Wall.NETWORK].remedy in page
    assert "steps-old-3" in page and HELD in page and WEAK not in page
    alive("steps", "steps-older-4", walls=["paths", "network"])
    page = desk_page("en")
    assert WORDS[Wall.PATHS].lack in page and WEAK in page and HELD not in page
    swedish = desk_page("sv")
    assert "Murar kring filläsare" in swedish and "Landlock" in swedish
    assert WORDS[Wall.PATHS].lack not in swedish and WEAK not in swedish


def test_the_terminal_says_it_on_standard_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    state = Readiness("http://127.0.0.1:1")
    for found in ([], [{"process": "steps-a-1", "missing": ["paths", "network", "of a later release"]}]):
        body = {"checks": {}, "walls": found}
        monkeypatch.setattr(readiness, "ask", lambda *_, body=body: (200, body))
        assert state.ready()
        state.tell_missing_walls(run.warn)
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.splitlines() == [
        f"Walls around readers: {line}" for line in english(["paths", "network"])
    ]
    assert WORDS[Wall.PATHS].remedy in output.err and WEAK in output.err


def test_the_terminal_needs_no_settings_to_say_it() -> None:
    """As in ``make run``, which runs before there are any."""
    code = (
        "import sys; from huleedu.machine.readiness import Readiness\n"
        "state = Readiness(''); state._missing = {'paths'}\n"
        "state.tell_missing_walls(print); sys.exit('django.conf' in sys.modules)"
    )
    variables = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=variables, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "Landlock" in done.stdout


@pytest.mark.django_db(transaction=True)
def test_one_line_of_the_log_says_it_at_the_start(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings.PROCESS = "steps"
    for missing in ((), (Wall.NETWORK,)):
        monkeypatch.setattr(walls, "of_this_process", lambda missing=missing: missing)
        fit()
    Identity.facts, Identity.find_out = {}, None
    first, second = (record.msg for record in caplog.records if "walls" in str(record.msg))
    assert "walls.complete" in str(first)
    assert "walls.missing" in str(second) and WORDS[Wall.NETWORK].lack in str(second)


@pytest.mark.live
@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(240)
def test_what_a_container_refuses_is_told(tmp_path: Path) -> None:
    """Step workers where the calls that walls are built with are refused."""
    wrapped = (
        "import os, sys; from tests.files.sealed import refuse\n"
        "refuse('unshare', 'landlock_create_ruleset')\n"
        "os.execv(sys.executable, [sys.executable, 'manage.py', 'qcluster'])"
    )
    variables = {"HULEEDU_PROCESS": "steps", "Q_CLUSTER_NAME": "steps"}
    folder = tmp_path / "var"
    folder.mkdir()
    with started(["-c", wrapped], variables, folder) as program:
        steps = RelayPresence.objects.filter(role="steps")
        wait_until(steps.exists, 90, "the step workers give a sign of life")
        assert steps.get().facts["walls"] == ["paths", "network"]
        (line,) = [line for line in program.text.splitlines() if "walls.missing" in line]
        assert WORDS[Wall.PATHS].remedy in json.loads(line)["reason"]
