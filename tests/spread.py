"""Which files a worker is given together, and which are begun first.

A worker that has one long file left while the others have nothing to do is what a run would wait for. And an
installation takes ten seconds of the processor to start: files that share one go to the same worker, one
after the other. Some of them measure how soon something answers, so the first worker leaves them to the
others as long as it has anything else: three installations at once are late on two cores.
"""

from collections.abc import Iterable, Sequence

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

# Who shares an installation; several of a kind, because one worker would be at it for ten minutes.
SHARED: tuple[tuple[str, set[str]], ...] = (
    ("browser", {"test_accessibility", "test_contrast", "test_neighbours", "test_pages"}),
    ("browser", {"test_connection", "test_folders", "test_forgetting", "test_history", "test_passkeys"}),
    ("browser", {"test_evening", "test_overview", "test_support", "test_teacher", "test_weight"}),
    (
        "browser",
        {
            "test_account",
            "test_dropping",
            "test_exports",
            "test_keyboard_tour",
            "test_marks",
            "test_notes",
            "test_paper",
            "test_reading",
            "test_rows",
            "test_settings_in_place",
            "test_streaming",
            "test_troubles",
        },
    ),
    ("faults", {"test_at_rest", "test_database_faults", "test_hanging_store", "test_relay_lag"}),
    ("faults", {"test_half_open", "test_idle_workers", "test_traced_disk"}),
    (
        "faults",
        {
            "test_killed_at_failpoints",
            "test_killed_while_erasing",
            "test_power_cut",
            "test_standby",
            "test_valkey_faults",
        },
    ),
    ("faults", {"test_bad_sockets", "test_chunked", "test_doors", "test_half_closed", "test_origins"}),
    (
        "faults",
        {
            "test_bad_connections",
            "test_bad_uploads",
            "test_draining",
            "test_full_temporary_disk",
            "test_proxy_mistakes",
            "test_strangers",
        },
    ),
)
INSTALLATIONS = {"installation", "running_world"}  # the fixtures that are shared
# A minute or more each, the longest first; what shares an installation comes after the first of them.
LONG = (
    "faults/test_ending",
    "end_to_end/test_larger_installation",
    "faults/test_object_store",
    "faults/test_clocks",
    "faults/test_spinning_files",
    "faults/test_chaos",
    "end_to_end/test_state_machine",
    "end_to_end/test_forgetting",
    "faults/test_lying_store",
    "end_to_end/test_fitting",
    "faults/test_fuzz",
    "faults/test_nonsense",
    "end_to_end/test_installation",
    "huleedu/machine/test_supervisor",
    "faults/test_harness_ends",
    "faults/test_bad_requests",
    "huleedu/backup/test_backups",
    "faults/test_deadly_work",
    "end_to_end/test_backup_drill",
    "huleedu/accounts/test_doors",
    "huleedu/test_admin_clicks",
    "docs/test_upload_folder",
    "huleedu/forgetting/test_later_erasures_in_s3",
)
BEFORE_SHARED = 2
DEMANDING = ("shared", "faults/", "end_to_end/", "browser/")  # units with installations, or as heavy
SPARED = "gw0"  # the worker that takes them last


def unit(nodeid: str) -> str:
    """What a test is given out with: its file, or all files that share an installation."""
    name = nodeid.partition("::")[0].removeprefix("tests/").removesuffix(".py")
    folder, _, file = name.rpartition("/")
    for number, (of, files) in enumerate(SHARED):
        if folder == of and file in files:
            return f"shared {number}"
    return name


def place(of: str) -> int:
    """When a unit is begun: the smaller, the earlier."""
    if of.startswith("shared"):
        return BEFORE_SHARED
    place = LONG.index(of) if of in LONG else len(LONG)
    return place if place < BEFORE_SHARED else place + 1


def first_light(units: Iterable[str]) -> str | None:
    """The first unit that is not demanding, if there is one."""
    return next((of for of in units if not of.startswith(DEMANDING)), None)


def spread(items: list[pytest.Item]) -> None:
    """Bring tests into the order in which they are given out; among equals it stays as it is."""
    units = dict.fromkeys(unit(item.nodeid) for item in items)
    order = {of: number for number, of in enumerate(sorted(units, key=place))}
    items.sort(key=lambda item: order[unit(item.nodeid)])


def unnamed(items: Sequence[pytest.Item]) -> set[str]:
    """Files that use a shared installation and do not stand in ``SHARED``."""
    return {
        item.nodeid.partition("::")[0]
        for item in items
        if uses_shared(item) and not unit(item.nodeid).startswith("shared")
    }


def uses_shared(item: pytest.Item) -> bool:
    """Whether a test asks for an installation that is kept for a whole folder."""
    known = item._fixtureinfo.name2fixturedefs if isinstance(item, pytest.Function) else {}
    return any(known[name][-1].scope == "package" for name in INSTALLATIONS & known.keys())


class Spreading(LoadScopeScheduling):
    """Gives out units in the order of ``spread``."""

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _assign_work_unit(self, node: WorkerController) -> None:
        if node.gateway.id == SPARED and (light := first_light(self.workqueue)) is not None:
            self.workqueue.move_to_end(light, last=False)
        super()._assign_work_unit(node)

    def _split_scope(self, nodeid: str) -> str:
        return unit(nodeid)
