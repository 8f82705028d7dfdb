"""The kernel's filter of system calls, in processes that have it for the rest of their lives."""

import errno
import os
import platform
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from files.steps import system_calls
from tests.documents import ROOT

FILTERED = (
    "import ctypes, errno, mmap, os, signal, socket, sys, threading, time; sys.path.insert(0, {root!r})\n"
    "from files.steps.system_calls import give_up_calls\n"
    "kernel = ctypes.CDLL(None, use_errno=True)\n"
    "kernel.prctl(38, 1, 0, 0, 0)\n"
    "pipe = os.pipe()\n"
    "assert give_up_calls()\n"
)
KINDS = "socket.AF_INET, socket.AF_INET6, socket.AF_UNIX, socket.AF_NETLINK, socket.AF_PACKET"
HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}


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
@pytest.mark.parametrize(
    "number", [2, 4, 6, 16, 41, 56, 59, 72, 101, 157, 257, 262, 302, 332, 425, 435, 437, 439, 449, 600,
               0x40000000, 0x40000000 + 41, 0x40000000 + 520],
)  # fmt: skip
def test_no_other_number_is_let_through(number: int) -> None:
    code = f"kernel.syscall({number}, 0, 0, 0, 0); os._exit(ctypes.get_errno())"
    assert code_of(code) == errno.EPERM


def test_every_number_but_the_allowed_is_refused() -> None:
    column = {"x86_64": 0, "aarch64": 1}[platform.machine()]
    kinds = [*system_calls._ALLOWED.values(), *system_calls._MAKE_MEMORY, system_calls._SIGNAL]
    probes = {335, 336}  # newer kernels ask no filter about these, and kill who calls them unasked
    allowed = {numbers[column] for numbers in kinds} | probes
    assert code_of(
        "wrong = 0\n"
        f"for number in set(range(600)) - {allowed!r}:\n"
        "    ctypes.set_errno(0)\n"
        "    wrong += kernel.syscall(number, -1, -1, -1, -1, -1, -1) != -1 or ctypes.get_errno() != 1\n"
        "os._exit(min(wrong, 255))"
    ) == 0  # fmt: skip


def test_another_architectures_calls_are_refused() -> None:
    """By the filter itself, run here as the kernel runs it."""
    rows = list(system_calls._instructions(0, 0xC000003E, 7))
    assert answer(rows, 0, 0xC000003E) == system_calls._ALLOW
    for number in range(500):
        assert answer(rows, number, 0x40000003) == system_calls._REFUSE


def test_only_its_own_signals_and_only_memory_without_code() -> None:
    for column, architecture in system_calls._MACHINES.values():
        rows = list(system_calls._instructions(column, architecture, 7))
        for numbers in system_calls._MAKE_MEMORY:
            for protection, allowed in ((0, True), (3, True), (4, False), (7, False)):
                assert (
                    answer(rows, numbers[column], architecture, third=protection) != system_calls._REFUSE
                ) is allowed
        for process in (7, 8, 0, 2**32 - 1):
            assert (
                answer(rows, system_calls._SIGNAL[column], architecture, first=process) == system_calls._ALLOW
            ) is (process == 7)


def answer(
    rows: list[tuple[int, int, int, int]], number: int, architecture: int, first: int = 0, third: int = 0
) -> int:
    """What the filter answers to a call; jumps may not leave it."""
    data = {0: number, 4: architecture, 16: first, 32: third}
    at = held = 0
    while True:
        code, yes, no, value = rows[at]
        at += 1
        if code == 0x20:
            held = data[value]
        elif code == 0x06:
            return value
        else:
            at += yes if (held == value if code == 0x15 else held & value) else no


@pytest.mark.parametrize("machine", list(HEADERS))
def test_numbers_are_the_kernels(machine: str) -> None:
    if not HEADERS[machine].exists():
        pytest.skip("the kernel's headers are not installed")
    text = HEADERS[machine].read_text()
    numbers = {name: int(value) for name, value in re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)\b", text)}
    column = list(HEADERS).index(machine)
    special = zip(
        ("mmap", "mprotect", "tgkill"), (*system_calls._MAKE_MEMORY, system_calls._SIGNAL), strict=True
    )
    for name, ours in {**system_calls._ALLOWED, **dict(special)}.items():
        assert numbers.get(name) == ours[column], name


def test_children_and_threads_cannot_be_made() -> None:
    assert code_of(
        "try: threading.Thread(target=int).start()\n"
        "except RuntimeError: pass\n"
        "else: sys.exit(3)\n"
        "try: os.fork()\n"
        "except PermissionError: os._exit(0)\n"
        "os._exit(4)\n"
    ) == 0  # fmt: skip


def test_what_reading_needs_goes_on() -> None:
    """Open descriptors, memory, clocks, chance, its own timers, and a Python that ends as usual."""
    assert code_of(
        "os.write(pipe[1], b'x'); assert os.read(pipe[0], 1) == b'x'\n"
        "assert len(bytearray(200_000_000)) and mmap.mmap(-1, 10_000_000)\n"
        "time.sleep(0.001); time.process_time(); time.time(); os.urandom(8)\n"
        "signal.signal(signal.SIGPROF, lambda *_: os._exit(0))\n"
        "signal.setitimer(signal.ITIMER_PROF, 0.01)\n"
        "while True: pass\n"
    ) == 0  # fmt: skip
    assert code_of("print(end='')") == 0


@pytest.mark.parametrize("number", [signal.SIGABRT, signal.SIGSEGV])
def test_a_crash_shows_as_what_it_is(number: signal.Signals) -> None:
    crash = {signal.SIGABRT: "os.abort()", signal.SIGSEGV: "ctypes.string_at(0)"}[number]
    assert code_of(crash) == -number


def test_without_root_too() -> None:
    if os.geteuid() != 0:
        pytest.skip("this process has no root to give up")
    code = "kernel.prctl(38, 1, 0, 0, 0); os.setresuid(65534, 65534, 65534); assert give_up_calls()\n"
    whole = FILTERED.format(root=str(ROOT)).rpartition("assert")[0] + code + "socket.socket()"
    done = subprocess.run([sys.executable, "-I", "-c", whole], check=False, capture_output=True, text=True)
    assert "PermissionError" in done.stderr
