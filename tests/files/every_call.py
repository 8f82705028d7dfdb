"""Every system call that a sealed reader is not allowed, by number, of both kinds of program."""

import ctypes
import json
import platform
import sys

from files.steps import system_calls
from tests.files.sealed import KERNEL, Situation

LAST = 600  # kernels have about 470
# Of x86-64, for traced functions: whoever else asks is killed, before any filter is asked.
TRACED = {335, 336}
OTHER_KIND = 0x40000000  # x32 on x86-64; no number of any call elsewhere


def refused_numbers() -> list[int]:
    """All but those that reading needs."""
    column = 0 if platform.machine() == "x86_64" else 1
    looked_into = (*system_calls._MAKE_MEMORY, system_calls._SIGNAL)
    allowed = {pair[column] for pair in (*system_calls._ALLOWED.values(), *looked_into)}
    numbers = [*range(LAST), *range(OTHER_KIND, OTHER_KIND + LAST)]
    return [number for number in numbers if number not in allowed | TRACED]


def ask_all() -> list[int]:
    """The error's number of each, 0 for one that gets through."""
    found = []
    for number in refused_numbers():
        answer = KERNEL.syscall(ctypes.c_long(number), *[ctypes.c_long(0)] * 6)
        found.append(ctypes.get_errno() if answer == -1 else 0)
    return found


def main(words: list[str]) -> None:
    """Ask, and tell."""
    situation = Situation(words[1:])
    situation.enter()
    child = situation.child(ask_all)
    sys.stdout.write(json.dumps({"missing": child.missing, "answers": child.answer}))
