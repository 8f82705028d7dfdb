"""Whole installations for the tests here: one for bad input, one whose processes are killed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from batches.models import Batch
from huleedu.failures import failpoints
from huleedu.models import WorkItem
from tests.conftest import essay_bytes
from tests.faults.calls import Reached
from tests.faults.wire import Form, Hasty, hasty_server
from tests.faults.world import World
from tests.installation import Installation, free_port
from tests.pipeline import Pipeline


@pytest.fixture(scope="package")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A running installation with its own servers; it is stopped afterwards."""
    found = Installation(tmp_path_factory.mktemp("installation") / "var", free_port())
    try:
        found.start()
        yield found
    finally:
        found.stop()


@pytest.fixture(scope="package")
def hasty(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hasty]:
    """A web server of short patience on the installation's databases."""
    with hasty_server(installation, tmp_path_factory.mktemp("hasty")) as found:
        yield found


@pytest.fixture(scope="package")
def token_of_mine(installation: Installation) -> str:
    """A token of the first teacher; one, because asking for many is refused."""
    return installation.token()


@pytest.fixture
def form(installation: Installation, token_of_mine: str) -> Form:
    """Two essays for a new batch."""
    body = {"expected_essay_count": 5, "language": "en"}
    batch_id = installation.post("/v1/batches/register", body, token_of_mine).body["batch_id"]
    return Form(batch_id, token_of_mine, (("a.txt", essay_bytes(1)), ("b.txt", essay_bytes(2))))


@pytest.fixture
def queued(pipeline: Pipeline, teacher: User) -> Batch:
    """A batch with one essay whose reading is queued."""
    batch = pipeline.register(teacher, 1)
    pipeline.upload(batch, essay_bytes(1), "essay.txt")
    pipeline.relay.drain()
    assert WorkItem.objects.get().state == "queued"
    return batch


@pytest.fixture(scope="package")
def running_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A running installation whose failpoints are all armed with ``kill9`` and held back."""
    folder: Path = tmp_path_factory.mktemp("faults")
    armed = ",".join(f"{name}:kill9" for name in sorted(failpoints.NAMES))
    world = World(Reached(folder / "var", free_port(), variables={failpoints.VARIABLE: armed}))
    try:
        world.installation.start()
        for name in failpoints.NAMES:
            world.marker(name).touch()
        yield world
    finally:
        world.installation.stop()


@pytest.fixture
def world(running_world: World) -> Iterator[World]:
    """The installation, quiet and ready before and after."""
    running_world.wait_quiet()
    yield running_world
    running_world.wait_quiet()


@pytest.fixture
def token(running_world: World) -> str:
    """A token of the first teacher, made once."""
    return running_world.teacher_token()
