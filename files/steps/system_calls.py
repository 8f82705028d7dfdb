"""A process gives up all system calls but those of reading for good, by a filter that needs no rights at all.

What is left: memory without code, the descriptors that are open, clocks, its own signals, and to end. So it
holds where Landlock and namespaces are missing: on old kernels and in containers.
"""

import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Iterator

from files.steps.kernel import control, is_given

_SET_SECCOMP, _FILTER = 22, 2
_LOAD, _JUMP_IF_EQUAL, _JUMP_IF_ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT, _THIRD_ARGUMENT = 0, 4, 16, 32  # where the kernel puts what is asked
_REFUSE, _ALLOW = 0x00050000 | errno.EPERM, 0x7FFF0000
_EXECUTABLE = 4  # of memory
# Name, and its number on x86-64 and on 64-bit ARM, which has no call for what others do better.
_ALLOWED: dict[str, tuple[int, int | None]] = {
    "read": (0, 63),
    "write": (1, 64),
    "close": (3, 57),
    "fstat": (5, 80),
    "lseek": (8, 62),
    "munmap": (11, 215),
    "brk": (12, 214),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "pread64": (17, 67),
    "readv": (19, 65),
    "writev": (20, 66),
    "sched_yield": (24, 124),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "nanosleep": (35, 101),
    "getitimer": (36, 102),
    "setitimer": (38, 103),
    "getpid": (39, 172),
    "exit": (60, 93),
    "uname": (63, 160),
    "gettimeofday": (96, 169),
    "getrusage": (98, 165),
    "sysinfo": (99, 179),
    "times": (100, 153),
    "getuid": (102, 174),
    "getgid": (104, 176),
    "geteuid": (107, 175),
    "getegid": (108, 177),
    "getppid": (110, 173),
    "sigaltstack": (131, 132),
    "gettid": (186, 178),
    "time": (201, None),
    "futex": (202, 98),
    "restart_syscall": (219, 128),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115),
    "exit_group": (231, 94),
    "set_robust_list": (273, 99),
    "getcpu": (309, 168),
    "getrandom": (318, 278),
    "rseq": (334, 293),
}
_MAKE_MEMORY = ((9, 222), (10, 226))  # mmap, mprotect: but no code
_SIGNAL = (234, 131)  # tgkill: this process alone
_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # which number; what the kernel calls it

Instruction = tuple[int, int, int, int]


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


def give_up_calls() -> bool:
    """From now on all other calls fail with EPERM here and in a child; True when the kernel agreed.

    ``no_new_privs`` must be set before. Raises OSError when a kernel that has such filters fails.
    """
    known = _MACHINES.get(platform.machine())
    if sys.platform != "linux" or known is None or sys.maxsize < 2**32:
        return False
    code = b"".join(struct.pack("=HBBI", *each) for each in _instructions(*known, os.getpid()))
    program = _Program(len(code) // 8, code)
    return is_given(control(_SET_SECCOMP, _FILTER, ctypes.addressof(program)))


def _instructions(column: int, architecture: int, process: int) -> Iterator[Instruction]:
    """The second and third of each: how many instructions to skip if it is so, and if not."""
    yield _LOAD, 0, 0, _ARCHITECTURE
    yield _JUMP_IF_EQUAL, 1, 0, architecture
    yield _RETURN, 0, 0, _REFUSE
    yield _LOAD, 0, 0, _NUMBER
    for numbers in _ALLOWED.values():
        if (number := numbers[column]) is not None:
            yield _JUMP_IF_EQUAL, 0, 1, number
            yield _RETURN, 0, 0, _ALLOW
    for numbers in _MAKE_MEMORY:
        yield _JUMP_IF_EQUAL, 0, 4, numbers[column]
        yield _LOAD, 0, 0, _THIRD_ARGUMENT
        yield _JUMP_IF_ANY_BIT, 0, 1, _EXECUTABLE
        yield _RETURN, 0, 0, _REFUSE
        yield _RETURN, 0, 0, _ALLOW
    yield _JUMP_IF_EQUAL, 0, 3, _SIGNAL[column]
    yield _LOAD, 0, 0, _FIRST_ARGUMENT
    yield _JUMP_IF_EQUAL, 0, 1, process
    yield _RETURN, 0, 0, _ALLOW
    yield _RETURN, 0, 0, _REFUSE


_CLONE, _CLONE3 = (56, 220), 435
_THREAD = 0x10000  # of what a new process shares with its parent
_MISSING = 0x00050000 | errno.ENOSYS
_NO_NEW_PRIVILEGES = 38


def refuse_threads() -> bool:
    """From now on there are no threads to be had, here or in a child; True when the kernel agreed.

    A library that shares its work out among threads does all of it in this one then, where it would fail when
    it was told that it may not. So its warm process can be forked, and none of its threads stands outside the
    walls, which are built for one.
    """
    known = _MACHINES.get(platform.machine())
    if sys.platform != "linux" or known is None or sys.maxsize < 2**32:
        return False
    column, architecture = known
    instructions = (
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_JUMP_IF_EQUAL, 0, 6, architecture),
        (_LOAD, 0, 0, _NUMBER),
        (_JUMP_IF_EQUAL, 3, 0, _CLONE3),
        (_JUMP_IF_EQUAL, 0, 3, _CLONE[column]),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_JUMP_IF_ANY_BIT, 0, 1, _THREAD),
        (_RETURN, 0, 0, _MISSING),
        (_RETURN, 0, 0, _ALLOW),
    )
    code = b"".join(struct.pack("=HBBI", *each) for each in instructions)
    program = _Program(len(code) // 8, code)
    control(_NO_NEW_PRIVILEGES, 1)
    return is_given(control(_SET_SECCOMP, _FILTER, ctypes.addressof(program)))
