"""Real PostgreSQL and Valkey for every test, and a pipeline that runs to rest inside one process."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import TransactionTestCase
from pytest_django import DjangoDbBlocker, Settings
from xdist.remote import Producer

from files.store import STORE
from huleedu.outside.disks import FINDINGS
from huleedu.outside.metrics import CIRCUIT_OPEN
from huleedu.watching.health import STORE_PROBE
from tests import dictionaries, guard, prepared
from tests.emptying import Emptying
from tests.pipeline import Pipeline
from tests.spread import Spreading, spread, unnamed


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """After a test that commits only what holds something is emptied."""
    with django_db_blocker.unblock():
        emptying = Emptying.begin()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda _case: emptying.end_test())
        yield


def pytest_configure(config: pytest.Config) -> None:
    """What the tests start ends with them; what xdist's workers start, with the process that started them."""
    if not hasattr(config, "workerinput"):
        guard.guard()
        config.add_cleanup(prepared.begin())
    if config.pluginmanager.has_plugin("cacheprovider") and config.cache is not None:
        dictionaries.use(config.cache.mkdir("dictionaries"))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first, those together that share an installation, otherwise as chance has it."""
    if found := unnamed(items):
        raise pytest.UsageError(f"These share an installation and do not stand in tests/spread.py: {found}")
    spread(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Spreading:
    """Workers are given whole files, or several that share an installation."""
    return Spreading(config, log)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config
) -> None:
    """After a failure tell how to have the same order again; with ``-q`` nobody has said it yet."""
    if exitstatus:
        seed = str(config.getoption("random_order_seed", "")).removeprefix("default:")
        terminalreporter.write_line(f"The same order again: --random-order-seed={seed}")


@pytest.fixture(autouse=True)
def content_folder(settings: Settings, tmp_path: Path) -> Iterator[Path]:
    """Every test has a content store of its own."""
    folder = tmp_path / "content"
    storages = {name: dict(options) for name, options in settings.STORAGES.items()}
    storages["default"] = {
        "BACKEND": "files.storage.DurableFileSystemStorage",
        "OPTIONS": {"location": folder},
    }
    settings.STORAGES = storages
    for state in (STORE, STORE_PROBE, FINDINGS):
        state.forget()
    CIRCUIT_OPEN.labels(STORE.name).set(0)
    yield folder


@pytest.fixture(autouse=True)
def staff_without_factor(settings: Settings) -> None:
    """As in a trial installation; what is otherwise is looked at in ``test_factors``."""
    settings.STAFF_NEEDS_FACTOR = False


@pytest.fixture
def teacher(db: None) -> User:
    """A teacher."""
    return User.objects.create_user("teacher", password="correct horse battery")


@pytest.fixture
def colleague(db: None) -> User:
    """Another teacher."""
    return User.objects.create_user("colleague", password="correct horse battery")


@pytest.fixture
def pipeline(transactional_db: None) -> Pipeline:
    """Relay and workers, driven by hand in this process, with real commits."""
    return Pipeline()


@pytest.fixture
def make_essay() -> Callable[[int], bytes]:
    """Distinct good essays as UTF-8 plain text."""
    return essay_bytes


def essay_bytes(number: int) -> bytes:
    """Essay ``number``: about forty words, no two alike."""
    return (
        f"This is essay number {number}. Every morning the same thing happens at my school. "
        "We walk in, and before the first lesson all the phones go into a box on the desk. "
        "Some students think that this is unfair, but I have changed my mind about it."
    ).encode()
