"""What a process gives up before it reads an untrusted file. Linux; elsewhere it keeps what it can."""

import os
import resource
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from files.steps.kernel import KERNEL, control
from files.steps.landlock import give_up_paths
from files.steps.rights import give_up_rights, leave_root
from files.steps.system_calls import give_up_calls

_SET_PARENT_DEATH_SIGNAL = 1
_GET_DUMPABLE, _SET_DUMPABLE = 3, 4
_NEW_NETWORK = 0x40000000
_NEW_USER = 0x10000000
_network_is_left = False


class Wall(StrEnum):
    """What stands between a reader that a file has taken over and everything else."""

    CALLS = "calls"
    PATHS = "paths"
    RIGHTS = "rights"
    MEMORY = "memory"
    NETWORK = "network"


@dataclass(frozen=True, slots=True)
class Confinement:
    """Limits of one process: bytes, seconds of processor time, and counts.

    ``first_seconds`` of processor time for the reading alone may be less: then SIGPROF ends the process.
    ``niceness`` is how far others go before it.
    """

    memory_bytes: int = 1024**3
    processor_seconds: int = 15
    first_seconds: float = 0.0
    niceness: int = 0
    file_bytes: int = 64 * 1024**2
    open_files: int = 64


def limit(confinement: Confinement, parent: int) -> None:
    """Set the limits and die with the process ``parent``; call first, before anything else is loaded."""
    die_with(parent)
    hide_memory()
    for kind, value in (
        (resource.RLIMIT_AS, confinement.memory_bytes),
        (resource.RLIMIT_FSIZE, confinement.file_bytes),
        (resource.RLIMIT_NOFILE, confinement.open_files),
    ):
        resource.setrlimit(kind, (value, value))
    # The soft limit's signal tells the parent why; the hard one follows if that is ignored.
    seconds = confinement.processor_seconds
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    os.nice(confinement.niceness)


def seal(parent: int) -> frozenset[Wall]:
    """Give up everything but memory and the descriptors that are open; call when all code is loaded.

    Returns the walls that this system does not give; the others hold. Raises OSError when one that it gives
    cannot be built: then nothing may be read.
    """
    # Leaving the network may need rights; giving up paths and calls needs a promise to take no new ones.
    stands = {Wall.NETWORK: _network_is_left or _leave_network()}
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    stands[Wall.RIGHTS] = give_up_rights()
    stands[Wall.MEMORY] = hide_memory()
    stands[Wall.PATHS] = give_up_paths()
    # A change of user clears the signal.
    die_with(parent)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))  # what is open stays; nothing is opened any more
    stands[Wall.CALLS] = give_up_calls()
    return frozenset(wall for wall in Wall if not stands[wall])


def hurry(confinement: Confinement) -> None:
    """Start the clock of ``first_seconds``, if there is such a limit."""
    signal.setitimer(signal.ITIMER_PROF, confinement.first_seconds)


def die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent ends, or end now if that has happened."""
    control(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def hide_memory() -> bool:
    """No other process of this user may look into this one, or into those forked from it; True when so.

    Nor does the kernel write their memory to a file when they crash, or that of programs started by them.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    control(_SET_DUMPABLE, 0)
    return is_hidden()


def is_hidden() -> bool:
    """Whether no other process of this user may look into this one."""
    return control(_GET_DUMPABLE) == 0


def leave_network_first(parent: int) -> None:
    """Leave the network before any child is forked, which is then without it: making one takes 1 ms.

    Where only a process that gives up being root could, it is left to the children.
    """
    global _network_is_left
    if sys.platform == "linux":
        flags = _NEW_NETWORK if os.geteuid() == 0 else _NEW_USER | _NEW_NETWORK
        _network_is_left = bool(KERNEL.unshare(flags) == 0)
        if flags & _NEW_USER:
            give_up_rights()  # who makes a user namespace has all of them within it
        die_with(parent)
        hide_memory()


def _leave_network() -> bool:
    """A network of one's own, without anything in it; True when there is one."""
    if sys.platform != "linux":
        return False
    if KERNEL.unshare(_NEW_NETWORK) == 0:
        return True
    leave_root()  # a user namespace would only hide that this is root
    return bool(KERNEL.unshare(_NEW_USER | _NEW_NETWORK) == 0)
