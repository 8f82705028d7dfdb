"""F36: everything dies at one moment while files come in; the next start has all that was acknowledged."""

import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from huleedu.machine import programs
from tests.faults.teacher import register, upload, wait_completed
from tests.faults.world import World
from tests.installation import wait_until

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]
FILES = 90
CUT_AFTER = 5  # acknowledged files


def everything(world: World) -> list[int]:
    """The supervisor, its guard, the servers and every process of the application."""
    records = [programs.read_record(path) for path in (world.var / "run").glob("*.pid")]
    members = [pid for record in records if record for pid in record.members()]
    return [*world.installation.processes([]), *members]


def cut_the_power(world: World) -> None:
    """Kill everything, all of it stopped first so that nobody sees another die."""
    doomed = everything(world)
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in doomed:
            programs.send(pid, number)
    assert world.installation.process is not None
    world.installation.process.wait(10)
    wait_until(lambda: not everything(world), 10, "all is dark")


def test_what_was_acknowledged_is_there_after_a_power_cut(world: World, token: str) -> None:
    batch_id = register(world, token, FILES)
    acknowledged: list[str] = []

    def send_one(_: int) -> None:
        answer = upload(world, token, batch_id)
        assert answer.status == 201, answer
        acknowledged.append(str(answer.body["files"][0]["file_upload_id"]))

    with ThreadPoolExecutor(3) as pool:
        sending = [pool.submit(send_one, number) for number in range(FILES)]
        wait_until(lambda: len(acknowledged) >= CUT_AFTER, 30, "some files are acknowledged")
        cut_the_power(world)
        before = set(acknowledged)
        assert CUT_AFTER <= len(before) < FILES
        world.installation.start()
        known = {str(row) for (row,) in world.query("SELECT id FROM files_fileupload")}
        assert before <= known
        for each in sending:
            each.result()
    wait_completed(world, token, batch_id, acknowledged)
