"""A process gives up every path, TCP, and signals to others for good, by Landlock, which needs no rights.

A set of rules that names everything Landlock knows of and permits none of it. Open files stay open.
"""

import ctypes
import os
import sys

from files.steps.kernel import KERNEL, is_given

_CREATE_RULESET, _RESTRICT_SELF = 444, 446  # alike on every kind of processor
_ASK_VERSION = 1
# Of each kind of right, how many there are from a version of Landlock on: a right is one bit.
_PATHS = {1: 13, 2: 14, 3: 15, 5: 16}
_PORTS = {4: 2}
_OTHERS = {6: 2}  # abstract sockets of others, and signals to them


class _Rules(ctypes.Structure):
    _fields_ = [("paths", ctypes.c_uint64), ("ports", ctypes.c_uint64), ("others", ctypes.c_uint64)]


def version() -> int:
    """Which version of Landlock this kernel has; 0 for none."""
    if sys.platform != "linux":
        return 0
    return max(0, _call(_CREATE_RULESET, None, 0, _ASK_VERSION))


def give_up_paths() -> bool:
    """From now on no path can be opened, made, changed or removed here or in a child; True when that is so.

    ``no_new_privs`` must be set before. Raises OSError when a kernel that has Landlock fails.
    """
    known = version()
    if not known:
        return False
    rules = _Rules(*(_bits(kind, known) for kind in (_PATHS, _PORTS, _OTHERS)))
    descriptor = _call(_CREATE_RULESET, ctypes.byref(rules), ctypes.sizeof(rules), 0)
    if not is_given(descriptor):
        return False
    try:
        return is_given(_call(_RESTRICT_SELF, descriptor, 0))
    finally:
        os.close(descriptor)


def _bits(kind: dict[int, int], known: int) -> int:
    """Every right of a kind that version ``known`` has."""
    return (1 << max((count for since, count in kind.items() if since <= known), default=0)) - 1


def _call(number: int, *values: object) -> int:
    words = [ctypes.c_long(value) if isinstance(value, int) else value for value in values]
    answer: int = KERNEL.syscall(ctypes.c_long(number), *words)
    return answer
