"""What a process gives up before it reads an untrusted file. Linux; elsewhere it keeps what it can."""

import ctypes
import os
import resource
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass

from files.steps.sockets import refuse_sockets

_SET_PARENT_DEATH_SIGNAL = 1
_SET_NO_NEW_PRIVILEGES = 38
_NEW_NETWORK = 0x40000000
_NEW_USER = 0x10000000
_NOBODY = 65534


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
    for kind, value in (
        (resource.RLIMIT_AS, confinement.memory_bytes),
        (resource.RLIMIT_FSIZE, confinement.file_bytes),
        (resource.RLIMIT_NOFILE, confinement.open_files),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (value, value))
    # The soft limit's signal tells the parent why; the hard one follows if that is ignored.
    seconds = confinement.processor_seconds
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    os.nice(confinement.niceness)


def seal(parent: int) -> None:
    """Give up the network, further processes and root; call when all code is loaded.

    Where the system does not permit one of these, the others still hold.
    """
    _leave_network()
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    if os.geteuid() == 0:
        with suppress(OSError):
            os.setgroups([])
            os.setresgid(_NOBODY, _NOBODY, _NOBODY)
            os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    _control(_SET_NO_NEW_PRIVILEGES, 1)
    refuse_sockets()
    # A change of user clears the signal.
    die_with(parent)


def hurry(confinement: Confinement) -> None:
    """Start the clock of ``first_seconds``, if there is such a limit."""
    signal.setitimer(signal.ITIMER_PROF, confinement.first_seconds)


def die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent ends, or end now if that has happened."""
    _control(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _control(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _leave_network() -> None:
    if sys.platform == "linux":
        library = ctypes.CDLL(None)
        if library.unshare(_NEW_NETWORK) != 0:
            library.unshare(_NEW_USER | _NEW_NETWORK)
