"""Children that are sealed as a reader of files is, of a parent in one of several situations.

A situation is told in words: ``user=12345`` (who starts the readers), ``namespaces=off`` (none are
permitted), ``without=give_up_calls,…`` (these parts of the seal do nothing, as on a kernel that has none),
``rights=few`` (root that may not administer the system), ``open`` (no seal at all). The parent starts no
other program after it has become its user, who may reach no Python.
"""

import ctypes
import errno
import json
import os
import platform
import struct
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from files.steps import confinement
from tests.documents import ROOT

KERNEL = ctypes.CDLL(None, use_errno=True)
NO_NEW_PRIVILEGES, SET_SECCOMP = 38, 22
NUMBERS: dict[str, dict[str, int]] = {
    "x86_64": {
        "ptrace": 101, "process_vm_readv": 310, "bpf": 321, "keyctl": 250, "open_by_handle_at": 304,
        "pidfd_open": 434, "pidfd_getfd": 438, "kcmp": 312, "perf_event_open": 298, "userfaultfd": 323,
        "io_uring_setup": 425, "shmget": 29, "shmctl": 31, "inotify_init1": 294, "mprotect": 10,
        "unshare": 272, "memfd_create": 319, "name_to_handle_at": 303, "fcntl": 72,
        "landlock_create_ruleset": 444, "vmsplice": 278, "splice": 275, "timerfd_create": 283, "clone3": 435,
        "memfd_secret": 447, "prctl": 157, "rt_sigqueueinfo": 129, "pidfd_send_signal": 424, "tkill": 200,
        "process_vm_writev": 311, "personality": 135, "eventfd2": 290, "epoll_create1": 291,
        "ioprio_set": 251, "sched_setscheduler": 144,
    },
    "aarch64": {
        "ptrace": 117, "process_vm_readv": 270, "bpf": 280, "keyctl": 219, "open_by_handle_at": 265,
        "pidfd_open": 434, "pidfd_getfd": 438, "kcmp": 272, "perf_event_open": 241, "userfaultfd": 282,
        "io_uring_setup": 425, "shmget": 194, "shmctl": 195, "inotify_init1": 26, "mprotect": 226,
        "unshare": 97, "memfd_create": 279, "name_to_handle_at": 264, "fcntl": 25,
        "landlock_create_ruleset": 444, "vmsplice": 75, "splice": 76, "timerfd_create": 85, "clone3": 435,
        "memfd_secret": 447, "prctl": 167, "rt_sigqueueinfo": 138, "pidfd_send_signal": 424, "tkill": 130,
        "process_vm_writev": 271, "personality": 92, "eventfd2": 19, "epoll_create1": 20, "ioprio_set": 30,
        "sched_setscheduler": 119,
    },
}  # fmt: skip
CALLS = NUMBERS[platform.machine()]


@dataclass(frozen=True)
class Ended:
    """How a child ended: the walls it lacked, what it gave, or the number of its error."""

    missing: list[str]
    answer: Any = None
    number: int | None = None


class Situation:
    """Who starts readers, and on what kind of system."""

    def __init__(self, words: Sequence[str]) -> None:
        self.told = dict(word.partition("=")[::2] for word in words)

    def enter(self) -> None:
        """Become the user, as hidden as a worker is."""
        if "user" in self.told:
            user = int(self.told["user"])
            os.setgroups([])
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
        confinement.hide_memory()

    def forbid(self) -> None:
        """Take away what the system shall not have."""
        if self.told.get("rights") == "few":
            give_up_administration()
        if self.told.get("namespaces") == "off":
            refuse("unshare")
        for name in filter(None, self.told.get("without", "").split(",")):
            setattr(confinement, name, lambda: False)

    def child(self, act: Callable[[], object]) -> Ended:
        """Do something in a sealed child that has nothing but standard streams."""
        parent = os.getpid()
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
                os.dup2(writing, 1)
                os.closerange(3, 1024)
                os.write(1, json.dumps(self.seal(parent)).encode() + b"\n")
                os.write(1, json.dumps(outcome(act)).encode())
            finally:
                os._exit(0)
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            lines = [json.loads(line) for line in pipe.read().splitlines()]
        os.waitpid(child, 0)
        return Ended(
            lines[0], **(lines[1] if len(lines) > 1 else {})
        )  # one that is another program says no more

    def seal(self, parent: int) -> list[str]:
        """As a reader does it."""
        if "open" in self.told:
            return []
        confinement.limit(confinement.Confinement(), parent)
        return sorted(confinement.seal(parent))


def outcome(act: Callable[[], object]) -> dict[str, object]:
    """What ``act`` gives, or the number of the error it ends with."""
    try:
        return {"answer": act()}
    except OSError as error:
        return {"number": error.errno}


def checked(answer: int) -> int:
    """The answer of a call. Raises OSError when it is -1."""
    if answer == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return answer


def refuse(*names: str) -> None:
    """These calls fail from now on, as in a container: by a filter, which what is started inherits."""
    KERNEL.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    refused = (0x06, 0, 0, 0x00050000 | errno.EPERM)
    each = [row for name in names for row in ((0x15, 0, 1, CALLS[name]), refused)]
    rows = [(0x20, 0, 0, 0), *each, (0x06, 0, 0, 0x7FFF0000)]
    code = b"".join(struct.pack("=HBBI", *row) for row in rows)

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]

    checked(KERNEL.prctl(SET_SECCOMP, 2, ctypes.byref(Program(len(rows), code)), 0, 0))


def give_up_administration() -> None:
    """All capabilities but SYS_ADMIN."""
    header, sets = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    checked(KERNEL.capget(header, sets))
    for word in (0, 1):
        sets[word] &= ~(1 << 21)
    checked(KERNEL.capset(header, sets))


def told_by(module: str, *words: str) -> Any:
    """What ``main`` of a module of these tests prints, given ``words``, in an interpreter of its own."""
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from {module} import main; main(sys.argv[1:])"
    command = [sys.executable, "-I", "-c", code, *words]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd="/", env={})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
