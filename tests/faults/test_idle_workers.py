"""The processes that run steps are killed while they wait: the next essay is read within seconds."""

import time
from collections.abc import Callable

import pytest

from tests.faults.teacher import register, upload_many, wait_completed
from tests.faults.world import World, kill
from tests.installation import wait_until

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]
READ = "SELECT count(*) FROM files_fileupload WHERE batch_id = %s AND status = 'assigned'"


def read_one(world: World, token: str) -> float:
    """Seconds until a fresh essay is read; its batch is completed and everything holds afterwards."""
    batch_id = register(world, token, 1)
    file_ids = upload_many(world, token, batch_id, 1)
    seconds = wait_until(lambda: world.count(READ, batch_id) == 1, 60, "the essay is read")
    wait_completed(world, token, batch_id, file_ids)
    return seconds


@pytest.mark.parametrize("role", ["worker", "steps"])
def test_an_idle_process_is_replaced(world: World, token: str, role: str) -> None:
    read_one(world, token)
    slowest = 0.0
    for _ in range(5):
        wait_until(lambda: world.role(role), 20, "somebody is there to kill")
        assert kill(world.role(role)[0])
        slowest = max(slowest, read_one(world, token))
        time.sleep(0.3)
    assert slowest < 10, f"{slowest:.1f} s"


def test_all_of_them_at_once(world: World, token: str) -> None:
    victims: list[Callable[[], list[int]]] = [
        lambda: world.workers("steps"),
        lambda: [world.pid("steps")],
        lambda: [world.pid("relay")],
    ]
    for chosen in victims:
        for pid in chosen():
            kill(pid)
        assert read_one(world, token) < 20
