"""At rest the processes of an installation wait: nobody looks again and again for something to do."""

import time
from pathlib import Path

import pytest

from tests.benchmarks.processes import family
from tests.faults.world import World

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]
WATCH_SECONDS = 8.0
WAKE_UPS_A_SECOND = 1.0  # each; who looked five times a second is far above, signs of life are far below


def wake_ups(pid: int) -> int:
    """How often the threads of a process have gone to sleep so far."""
    text = "\n".join(task.read_text() for task in Path(f"/proc/{pid}/task").glob("*/status"))
    return sum(
        int(line.split()[1]) for line in text.splitlines() if line.startswith("voluntary_ctxt_switches")
    )


def test_clusters_and_relays_sleep(world: World, token: str) -> None:
    assert token
    time.sleep(2)
    pids = [pid for name in ("relay", "steps", "standby") for pid, _ in family(world.pid(name))]
    assert len(pids) >= 10
    before = {pid: wake_ups(pid) for pid in pids}
    time.sleep(WATCH_SECONDS)
    rates = {pid: (wake_ups(pid) - before[pid]) / WATCH_SECONDS for pid in pids}
    assert {pid: rate for pid, rate in rates.items() if rate > WAKE_UPS_A_SECOND} == {}
