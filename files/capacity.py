"""Whether more may come in: room on the disks, work that waits, and what a teacher may keep and add."""

from huleedu.api import quotas
from huleedu.events.phases import PHASES
from huleedu.outside import disks

STEPS = ("extract", "export", *PHASES)


def check_work(owner_id: int) -> None:
    """Refuse more work while too much waits, of this teacher or of all. Raises ``Refused``."""
    quotas.check_waiting(quotas.state_of(owner_id, STEPS))


def check_upload(owner_id: int, size: int = 0) -> None:
    """Refuse a request that brings files of ``size`` bytes, before anything is stored. Raises ``Refused``.

    Each of its files is counted when it is added, so of many as many are taken as there is room for.
    """
    disks.check_room(size)
    state = quotas.state_of(owner_id, STEPS)
    quotas.check_waiting(state)
    quotas.check_kept(state)
