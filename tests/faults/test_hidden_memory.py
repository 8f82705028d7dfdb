"""Another program of the same user looks into every process of ours, for keys, essays and passwords."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from huleedu.machine import programs
from tests.conftest import essay_bytes
from tests.documents import ROOT
from tests.faults.calls import Reached
from tests.faults.world import World, alive, children
from tests.installation import free_port, wait_until

AS_ROOT = os.geteuid() == 0
# Root may look into everybody unless it has given that up, and then not into root that has not.
WITHOUT_TRACING = ["setpriv", "--bounding-set=-sys_ptrace,-perfmon,-sys_admin"] if AS_ROOT else []
SERVERS = {"postgres", "valkey-server"}
EVERY_WAY = {"environ", "mem", "maps", "open files", "trace"}
pytestmark = [
    pytest.mark.live,
    pytest.mark.timeout(300),
    pytest.mark.skipif(AS_ROOT and shutil.which("setpriv") is None, reason="setpriv is missing"),
]


class Ordinary(Reached):
    """An installation without the right to trace, as that of an ordinary user is."""

    @property
    def command(self) -> list[str]:
        """What starts everything."""
        return [*WITHOUT_TRACING, *super().command]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An installation that has read a file, so that a warm process waits for the next one, too."""
    found = World(Ordinary(tmp_path_factory.mktemp("hidden") / "var", free_port(), fresh=True))
    try:
        found.installation.start()
        token = found.teacher_token()
        body = {"expected_essay_count": 1, "language": "en"}
        batch_id = found.installation.post("/v1/batches/register", body, token).body["batch_id"]
        answer = found.installation.upload(batch_id, token, "a.txt", essay_bytes(1), str(uuid4()))
        assert answer.status == 201
        found.wait_quiet()
        yield found
    finally:
        found.installation.stop()


def seen(pid: int) -> set[str]:
    """The ways in which another program of its user sees into a process."""
    command = [*WITHOUT_TRACING, sys.executable, "-c", f"from tests.faults.looking import look; look({pid})"]
    return set(json.loads(subprocess.run(command, check=True, capture_output=True, cwd=ROOT).stdout))


def family(world: World) -> dict[int, str]:
    """The supervisor and all below it that live, by name."""
    assert world.installation.process is not None
    found, todo = set[int](), [world.installation.process.pid]
    while todo:
        each = todo.pop()
        found.add(each)
        todo += children(each)
    return {each: name_of(each) for each in found if alive(each)}


def name_of(pid: int) -> str:
    """The name of a process as everybody sees it."""
    facts = programs.process_facts(pid)
    return facts.name if facts else ""


def test_who_looks_sees_what_is_not_hidden() -> None:
    with subprocess.Popen([*WITHOUT_TRACING, "sleep", "60"]) as plain:
        try:
            wait_until(lambda: name_of(plain.pid) == "sleep", 10, "it sleeps")
            assert seen(plain.pid) == EVERY_WAY
        finally:
            plain.kill()


def test_no_process_of_ours_can_be_looked_into(world: World) -> None:
    ours = {pid for pid, name in family(world).items() if name not in SERVERS}
    assert len(ours) >= 12, family(world)
    assert {pid: found for pid in ours if (found := seen(pid))} == {}


def test_no_process_writes_its_memory_to_a_file_when_it_crashes(world: World) -> None:
    """Those of the database and of Valkey neither."""
    for pid, name in family(world).items():
        limits = Path(f"/proc/{pid}/limits").read_text()
        (line,) = [line for line in limits.splitlines() if line.startswith("Max core file size")]
        assert line.split()[4:6] == ["0", "0"], name


def test_the_supervisor_sees_them_die_all_the_same(world: World) -> None:
    old = world.pid("web")
    facts = programs.process_facts(old)
    assert facts is not None
    assert facts.session == old
    os.kill(old, signal.SIGKILL)
    wait_until(lambda: world.pid("web") not in {0, old}, 20, "the web server is back")
    wait_until(world.is_ready, 30, "it is ready again")
