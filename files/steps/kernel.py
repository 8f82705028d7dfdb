"""Calls to the kernel that Python's own modules do not offer. Linux; elsewhere nothing is given."""

import ctypes
import errno
import os
import sys

KERNEL = ctypes.CDLL(None, use_errno=True)
# How a kernel, or who stands before it, says that it has no such thing, or not for us.
_NOT_GIVEN = frozenset({errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM, errno.EACCES, errno.EINVAL})


def control(option: int, *values: int) -> int:
    """What ``prctl`` answers; -1 when it refuses."""
    if sys.platform != "linux":
        return -1
    words = [ctypes.c_ulong(value) for value in (*values, 0, 0, 0, 0)[:4]]
    answer: int = KERNEL.prctl(option, *words)
    return answer


def is_given(answer: int) -> bool:
    """False when the last call was refused because there is no such thing, or not for us.

    Raises OSError when it failed for another reason: then something is wrong that should not be passed over.
    """
    if answer >= 0:
        return True
    number = ctypes.get_errno()
    if sys.platform == "linux" and number not in _NOT_GIVEN:
        raise OSError(number, os.strerror(number))
    return False
