"""At rest the processes of an installation wait: nobody looks again and again for something to do."""

import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.benchmarks.processes import family
from tests.faults.world import World

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]
WATCH_SECONDS = 8.0
LOOKS = 8  # who polls does so in each of them; what still begins, or a machine that is late, in one or two
WAKE_UPS_A_SECOND = 1.0  # each; who looked five times a second is far above, signs of life are far below


def wake_ups(pid: int) -> int:
    """How often the threads of a process have gone to sleep so far."""
    text = "\n".join(task.read_text() for task in Path(f"/proc/{pid}/task").glob("*/status"))
    return sum(
        int(line.split()[1]) for line in text.splitlines() if line.startswith("voluntary_ctxt_switches")
    )


def restless_of(pids: Iterable[int]) -> dict[int, float]:
    """Those of ``pids`` that now wake too often → how many times a second."""
    before = {pid: wake_ups(pid) for pid in pids}
    time.sleep(WATCH_SECONDS)
    rates = {pid: (wake_ups(pid) - count) / WATCH_SECONDS for pid, count in before.items()}
    return {pid: rate for pid, rate in rates.items() if rate > WAKE_UPS_A_SECOND}


def test_clusters_and_relays_sleep(world: World, token: str) -> None:
    assert token
    pids = [pid for name in ("relay", "steps", "standby") for pid, _ in family(world.pid(name))]
    assert len(pids) >= 10
    restless = dict.fromkeys(pids, 0.0)
    for _ in range(LOOKS):
        restless = restless_of(restless)
        if not restless:
            break
    assert restless == {}
