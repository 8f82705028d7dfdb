"""One whole installation for all tests here, and a web server of short patience beside it."""

from collections.abc import Iterator

import pytest

from tests.faults.wire import Hasty, hasty_server
from tests.installation import Installation, free_port


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
