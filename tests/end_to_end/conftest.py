"""One whole installation for the tests of a module."""

from collections.abc import Iterator

import pytest

from tests.installation import Installation, running


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A running installation with its own servers; it is stopped afterwards."""
    with running(tmp_path_factory.mktemp("installation")) as found:
        yield found
