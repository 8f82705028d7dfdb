"""A process gives up making sockets for good, by a filter of the kernel's that needs no rights at all.

It holds where a network namespace of one's own is not permitted: without root, and in containers.
"""

import ctypes
import errno
import platform
import struct
import sys

_SET_SECCOMP, _FILTER = 22, 2
_LOAD, _JUMP_IF_EQUAL, _JUMP_IF_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER, _ARCHITECTURE = 0, 4  # where the kernel tells which call, and of which architecture
_REFUSE, _ALLOW = 0x00050000 | errno.EPERM, 0x7FFF0000
_OTHER_NUMBERS = 0x40000000  # x86's second set of calls
_IO_URING_SETUP = 425  # through it sockets can be made, too
_SOCKET = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}  # architecture, number of the call


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


def refuse_sockets() -> bool:
    """From now on no socket can be made here or in a child; True when the kernel agreed.

    ``no_new_privs`` must be set before. Sockets that are open stay open.
    """
    known = _SOCKET.get(platform.machine())
    if sys.platform != "linux" or known is None:
        return False
    code = _instructions(*known)
    program = _Program(len(code) // 8, code)
    refused: int = ctypes.CDLL(None).prctl(_SET_SECCOMP, _FILTER, ctypes.byref(program), 0, 0)
    return refused == 0


def _instructions(architecture: int, socket: int) -> bytes:
    """Foreign architectures and numbers are refused as a whole; jumps count the instructions to skip."""
    return b"".join(
        struct.pack("=HBBI", *each)
        for each in (
            (_LOAD, 0, 0, _ARCHITECTURE),
            (_JUMP_IF_EQUAL, 0, 4, architecture),
            (_LOAD, 0, 0, _NUMBER),
            (_JUMP_IF_AT_LEAST, 2, 0, _OTHER_NUMBERS),
            (_JUMP_IF_EQUAL, 1, 0, socket),
            (_JUMP_IF_EQUAL, 0, 1, _IO_URING_SETUP),
            (_RETURN, 0, 0, _REFUSE),
            (_RETURN, 0, 0, _ALLOW),
        )
    )
