"""The kernel's filter against sockets, in processes that have it for the rest of their lives."""

import errno
import os
import platform
import subprocess
import sys

import pytest

from tests.documents import ROOT

FILTERED = (
    "import ctypes, errno, os, socket, sys, threading; sys.path.insert(0, {root!r})\n"
    "from files.steps.sockets import refuse_sockets\n"
    "kernel = ctypes.CDLL(None, use_errno=True)\n"
    "kernel.prctl(38, 1, 0, 0, 0)\n"
    "pair = socket.socketpair()\n"
    "assert refuse_sockets()\n"
)
KINDS = "socket.AF_INET, socket.AF_INET6, socket.AF_UNIX, socket.AF_NETLINK, socket.AF_PACKET"


def code_of(code: str) -> int:
    """How a process ends that has the filter and then runs ``code``."""
    whole = FILTERED.format(root=str(ROOT)) + code
    return subprocess.run([sys.executable, "-I", "-c", whole], check=False).returncode


def test_no_kind_of_socket_can_be_made() -> None:
    assert code_of(
        f"for kind in ({KINDS}):\n"
        "    try: socket.socket(kind, socket.SOCK_RAW if kind > 10 else socket.SOCK_STREAM)\n"
        "    except PermissionError: continue\n"
        "    sys.exit(3)\n"
    ) == 0  # fmt: skip


@pytest.mark.skipif(platform.machine() != "x86_64", reason="numbers of calls are those of x86-64")
@pytest.mark.parametrize("number", [41, 425, 0x40000000 + 41, 0x40000000 + 1])
def test_no_other_way_leads_to_one(number: int) -> None:
    code = f"kernel.syscall({number}, 2, 1, 0); sys.exit(ctypes.get_errno())"
    assert code_of(code) == errno.EPERM


def test_children_and_threads_cannot_either() -> None:
    assert code_of(
        "made = []\n"
        "def make():\n"
        "    try: made.append(socket.socket())\n"
        "    except PermissionError: pass\n"
        "thread = threading.Thread(target=make); thread.start(); thread.join()\n"
        "if os.fork() == 0:\n"
        "    make(); os._exit(len(made))\n"
        "sys.exit(os.wait()[1] or len(made))\n"
    ) == 0  # fmt: skip


def test_everything_else_goes_on() -> None:
    """Open sockets, files and processes are as before."""
    assert code_of(
        "pair[0].send(b'x'); assert pair[1].recv(1) == b'x'\n"
        "assert os.system('true') == 0\n"
        "open('/dev/null').close()\n"
    ) == 0  # fmt: skip


def test_without_root_too() -> None:
    if os.geteuid() != 0:
        pytest.skip("this process has no root to give up")
    give_up = "os.setresuid(65534, 65534, 65534)\n"
    assert code_of(f"{give_up}try: socket.socket()\nexcept OSError: sys.exit(0)\nsys.exit(3)") == 0
