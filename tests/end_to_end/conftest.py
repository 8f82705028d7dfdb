"""One whole installation for the tests of a module."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.installation import Installation, free_port


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A running installation with its own servers; it is stopped afterwards."""
    folder: Path = tmp_path_factory.mktemp("installation")
    found = Installation(folder / "var", free_port())
    try:
        found.start()
        yield found
    finally:
        found.stop()
