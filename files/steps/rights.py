"""A process gives up root, capabilities, and every way to more rights, for good."""

import ctypes
import os
import sys
from contextlib import suppress

from files.steps.kernel import KERNEL, control

_NOBODY = 65534
_DROP_BOUNDING = 24
_SET_NO_NEW_PRIVILEGES, _GET_NO_NEW_PRIVILEGES = 38, 39
_AMBIENT, _CLEAR_ALL = 47, 4
_VERSION = 0x20080522  # of the two structures, in which a capability is a bit


class _Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("process", ctypes.c_int)]


class _Sets(ctypes.Structure):
    """Effective, permitted and inheritable, the first 32 capabilities and then the others."""

    _fields_ = [("words", ctypes.c_uint32 * 6)]


def give_up_rights() -> bool:
    """Become nobody in particular, with no capability and no way to one; True when all of that is so."""
    if sys.platform != "linux":
        leave_root()
        return False
    _bind()
    leave_root()
    control(_AMBIENT, _CLEAR_ALL)
    header = _Header(_VERSION, 0)
    KERNEL.capset(ctypes.byref(header), ctypes.byref(_Sets()))
    control(_SET_NO_NEW_PRIVILEGES, 1)
    return 0 not in os.getresuid() and not _has_capability() and control(_GET_NO_NEW_PRIVILEGES) == 1


def leave_root() -> None:
    """Become nobody, if this is root and may."""
    if os.geteuid() != 0:
        return
    _bind()
    with suppress(OSError):
        os.setgroups([])
    with suppress(OSError):
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
    with suppress(OSError):
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)


def _bind() -> None:
    """No program may give any capability back; only root may ask for that, and nobody else needs to."""
    capability = 0
    while control(_DROP_BOUNDING, capability) == 0:
        capability += 1


def _has_capability() -> bool:
    header, sets = _Header(_VERSION, 0), _Sets()
    return KERNEL.capget(ctypes.byref(header), ctypes.byref(sets)) != 0 or any(sets.words)
