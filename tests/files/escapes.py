"""What a reader that a file has taken over might try; each in a child of its own, sealed as a reader is.

Prints a JSON object: ``missing``, the walls that the children said they lack, and ``tries``, of each try the
error's number, or null when it got through.
"""

import ctypes
import errno
import json
import mmap
import os
import resource
import signal
import socket
import struct
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tests.documents import ROOT
from tests.files.sealed import CALLS, KERNEL, Situation, checked

NEW_USER, NEW_MOUNTS = 0x10000000, 0x00020000
TRIES: dict[str, Callable[["Target"], object]] = {}


@dataclass
class Target:
    """What is worth reaching: all of it in one folder, and the process that has started the reader."""

    root: Path
    folder: Path
    parent: int
    port: int
    datagrams: int
    abstract: str
    canary: Any
    handle: Any
    kept: list[socket.socket] = field(default_factory=list)  # those that are listened to


def attempt(name: str) -> Callable[[Callable[[Target], object]], Callable[[Target], object]]:
    """One try under a name that says what it is after."""

    def keep(act: Callable[[Target], object]) -> Callable[[Target], object]:
        TRIES[name] = act
        return act

    return keep


def ask(name: str, *values: Any) -> int:
    """A system call by name. Raises OSError when it is refused."""
    words = [ctypes.c_long(value) if isinstance(value, int) else value for value in values]
    answer: int = KERNEL.syscall(ctypes.c_long(CALLS[name]), *words)
    return checked(answer)


def read(path: Path) -> bytes:
    """A few bytes of a file."""
    return os.read(os.open(path, os.O_RDONLY), 8)


def write(path: Path) -> int:
    """A new file."""
    return os.write(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), b"escaped")


def reach(kind: int, address: object) -> None:
    """A connection."""
    socket.socket(kind, socket.SOCK_STREAM).connect(address)  # type: ignore[arg-type]


attempt("read a key")(lambda to: read(to.folder / "state/secrets/secret-key"))
attempt("read another essay")(lambda to: read(to.folder / "state/content/essay"))
attempt("read the accounts")(lambda to: read(Path("/etc/passwd")))
attempt("read the checkout")(lambda to: read(to.root / "manage.py"))
attempt("write the checkout")(lambda to: write(to.folder / "checkout/manage.py"))
attempt("write temporary files")(lambda to: write(to.folder / "temporary/file"))
attempt("write the state folder")(lambda to: write(to.folder / "state/file"))
attempt("change whose a file is")(lambda to: (to.folder / "state/content/essay").chmod(0o644))
attempt("cut a file")(lambda to: os.truncate(to.folder / "state/content/cut", 0))
attempt("remove a file")(lambda to: (to.folder / "state/content/remove").unlink())
attempt("rename a file")(lambda to: (to.folder / "state/name").rename(to.folder / "state/other"))
attempt("make a folder")(lambda to: (to.folder / "state/folder").mkdir())
attempt("make a link")(lambda to: (to.folder / "state/link").symlink_to("/etc/passwd"))
attempt("list a folder")(lambda to: list((to.folder / "state").iterdir()))
attempt("look at a file")(lambda to: (to.folder / "state/content/essay").stat())
attempt("look where it is")(lambda to: Path.cwd())
attempt("reach the database")(lambda to: reach(socket.AF_UNIX, str(to.folder / "database")))
attempt("reach Valkey")(lambda to: reach(socket.AF_UNIX, str(to.folder / "valkey")))
attempt("reach an abstract socket")(lambda to: reach(socket.AF_UNIX, to.abstract))
attempt("reach a port")(lambda to: reach(socket.AF_INET, ("127.0.0.1", to.port)))
attempt("listen on a port")(lambda to: socket.create_server(("127.0.0.1", 0)))
attempt("make a pair of sockets")(lambda to: socket.socketpair())
attempt("read the parent's memory as a file")(
    lambda to: os.pread(os.open(f"/proc/{to.parent}/mem", os.O_RDONLY), 6, ctypes.addressof(to.canary))
)
attempt("read the parent's environment")(lambda to: read(Path(f"/proc/{to.parent}/environ")))
attempt("trace the parent")(lambda to: ask("ptrace", 0x4206, to.parent, 0, 0))  # SEIZE does not stop it
attempt("compare itself with the parent")(lambda to: ask("kcmp", os.getpid(), to.parent, 1, 0, 0))
attempt("signal the parent")(lambda to: os.kill(to.parent, signal.SIGWINCH))
attempt("signal everybody")(lambda to: os.kill(-1, 0))
attempt("read the parent's limits")(lambda to: resource.prlimit(to.parent, resource.RLIMIT_CORE))
attempt("slow the parent down")(lambda to: os.setpriority(os.PRIO_PROCESS, to.parent, 5))
attempt("take a handle on the parent")(lambda to: ask("pidfd_open", to.parent, 0))
attempt("run a program")(lambda to: os.execv("/bin/true", ["true"]))  # noqa: S606
attempt("have its own user namespace")(lambda to: ask("unshare", NEW_USER))
attempt("use keys of the kernel")(lambda to: ask("keyctl", 0, -3, 1))
attempt("open a file by its handle")(lambda to: ask("open_by_handle_at", -100, to.handle, 0))
attempt("watch files")(lambda to: ask("inotify_init1", 0))
attempt("handle page faults")(lambda to: ask("userfaultfd", 0))
attempt("ask by a ring")(lambda to: ask("io_uring_setup", 1, ctypes.create_string_buffer(120)))
attempt("make a file in memory")(lambda to: ask("memfd_create", ctypes.c_char_p(b"x"), 0))
attempt("make memory with code")(
    lambda to: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
)
attempt("open more files")(lambda to: resource.prlimit(0, resource.RLIMIT_NOFILE, (128, 128)))
attempt("write larger files")(lambda to: resource.prlimit(0, resource.RLIMIT_FSIZE, (2**40, 2**40)))
attempt("become root")(lambda to: os.setresuid(0, 0, 0))
attempt("reopen what is open")(lambda to: os.open("/proc/self/fd/1", os.O_WRONLY))
attempt("make memory that hides from the kernel")(lambda to: ask("memfd_secret", 0))
attempt("have a clock of its own")(lambda to: ask("timerfd_create", 1, 0))
attempt("wait for many")(lambda to: ask("epoll_create1", 0))
attempt("count for others")(lambda to: ask("eventfd2", 0, 0))
attempt("be looked into again")(lambda to: ask("prctl", 4, 1, 0, 0, 0))  # SET_DUMPABLE
attempt("outlive the parent")(lambda to: ask("prctl", 1, 0, 0, 0, 0))  # SET_PDEATHSIG
attempt("have all memory executable")(lambda to: ask("personality", 0x0400000))  # READ_IMPLIES_EXEC
attempt("signal a thread of the parent")(lambda to: ask("tkill", to.parent, signal.SIGWINCH))
attempt("run before all others")(
    lambda to: ask("sched_setscheduler", to.parent, 3, ctypes.byref(ctypes.c_int(0)))  # BATCH
)
attempt("go before the parent at the disk")(lambda to: ask("ioprio_set", 1, to.parent, 2 << 13 | 7))
attempt("have a signal sent to others")(lambda to: ask("fcntl", 1, 8, to.parent))  # F_SETOWN


@attempt("send a datagram")
def send(to: Target) -> None:
    """Over UDP."""
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", to.datagrams))


@attempt("read the parent's memory")
def read_memory(to: Target) -> None:
    """The kernel copies from one process to another."""
    here = ctypes.create_string_buffer(8)
    pieces = [(ctypes.c_size_t * 2)(ctypes.addressof(each), 8) for each in (here, to.canary)]
    ask("process_vm_readv", to.parent, pieces[0], 1, pieces[1], 1, 0)


@attempt("take a file from the parent")
def take_file(to: Target) -> None:
    """Through a handle on it."""
    ask("pidfd_getfd", ask("pidfd_open", to.parent, 0), 0, 0)


@attempt("write the parent's memory")
def write_memory(to: Target) -> None:
    """The kernel copies from one process to another."""
    pieces = [(ctypes.c_size_t * 2)(ctypes.addressof(to.canary), 6) for _ in range(2)]
    ask("process_vm_writev", to.parent, pieces[0], 1, pieces[1], 1, 0)


@attempt("signal the parent with a word")
def signal_with_word(to: Target) -> None:
    """As nobody else has sent it."""
    told = ctypes.create_string_buffer(struct.pack("iii", signal.SIGWINCH, 0, -1) + bytes(116))
    ask("rt_sigqueueinfo", to.parent, signal.SIGWINCH, told)


@attempt("signal the parent by a handle")
def signal_by_handle(to: Target) -> None:
    """With no word."""
    ask("pidfd_send_signal", ask("pidfd_open", to.parent, 0), signal.SIGWINCH, None, 0)


@attempt("give its memory away")
def give_memory(to: Target) -> None:
    """The answer's pipe then holds pages that are written to later."""
    here = ctypes.create_string_buffer(1)
    ask("vmsplice", 1, (ctypes.c_size_t * 2)(ctypes.addressof(here), 0), 1, 0)


@attempt("have the kernel copy")
def splice(to: Target) -> None:
    """From one descriptor to the other."""
    ask("splice", 0, None, 1, None, 0, 0)


@attempt("start a process in a new way")
def start_anew(to: Target) -> None:
    """Without an end that anybody is told of."""
    wanted = ctypes.create_string_buffer(struct.pack("QQQQQQQQ", 0, 0, 0, 0, signal.SIGCHLD, 0, 0, 0))
    if ask("clone3", wanted, 64) == 0:
        os._exit(0)


@attempt("ask as a program of another kind")
def ask_otherwise(to: Target) -> None:
    """The numbers of x32 on x86-64; elsewhere there is only one kind, and no such number."""
    checked(KERNEL.syscall(ctypes.c_long(0x40000000 | CALLS["unshare"]), ctypes.c_long(0)))


@attempt("load a program into the kernel")
def load_program(to: Target) -> None:
    """A table for one, to begin with."""
    table = struct.pack("IIIII", 2, 4, 4, 1, 0) + bytes(100)
    ask("bpf", 0, ctypes.create_string_buffer(table), 72)


@attempt("measure others")
def measure(to: Target) -> None:
    """With the counters of performance, of the parent."""
    attributes = ctypes.create_string_buffer(struct.pack("IIQ", 1, 112, 0) + bytes(96))
    ask("perf_event_open", attributes, to.parent, -1, -1, 0)


@attempt("start a process")
def start(to: Target) -> None:
    """A child of its own."""
    if os.fork() == 0:
        os._exit(0)


@attempt("start a thread")
def start_thread(to: Target) -> None:
    """Within itself."""
    try:
        threading.Thread(target=int).start()
    except RuntimeError as error:
        raise OSError(errno.EPERM, "no thread") from error


@attempt("mount a file system")
def mount(to: Target) -> None:
    """Seen by nobody else, should it work."""
    ask("unshare", NEW_MOUNTS)
    checked(KERNEL.mount(b"none", b"/", None, 0x44000, None))
    checked(KERNEL.mount(b"none", bytes(to.folder / "mount"), b"tmpfs", 0, None))


@attempt("make memory executable")
def make_executable(to: Target) -> None:
    """Memory that was written before."""
    memory = mmap.mmap(-1, mmap.PAGESIZE)
    ask("mprotect", ctypes.addressof(ctypes.c_char.from_buffer(memory)), mmap.PAGESIZE, 5)


@attempt("share memory")
def share(to: Target) -> None:
    """In the manner of System V."""
    ask("shmctl", ask("shmget", 0, 4096, 0o1600), 0, 0)


def prepare(root: Path, folder: Path) -> Target:
    """Put everything in place that may be reached, and listen on what may be connected to."""
    for name in ("state/secrets", "state/content", "checkout", "temporary", "mount"):
        (folder / name).mkdir(parents=True)
    for name in ("secrets/secret-key", "content/essay", "content/cut", "content/remove", "name"):
        (folder / "state" / name).write_text("canary")
    kept = []
    for place in (str(folder / "database"), str(folder / "valkey"), f"\0{folder}"):
        kept.append(socket.socket(socket.AF_UNIX))
        kept[-1].bind(place)
        kept[-1].listen()
    kept += [socket.create_server(("127.0.0.1", 0)), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)]
    kept[-1].bind(("127.0.0.1", 0))
    handle, mounted = ctypes.create_string_buffer(struct.pack("Ii", 128, 0) + bytes(128)), ctypes.c_int()
    essay = ctypes.c_char_p(bytes(folder / "state/content/essay"))
    ask("name_to_handle_at", -100, essay, handle, ctypes.byref(mounted), 0)
    ports = [each.getsockname()[1] for each in kept[-2:]]
    canary = ctypes.create_string_buffer(b"canary")
    return Target(root, folder, os.getpid(), ports[0], ports[1], f"\0{folder}", canary, handle, kept)


def do(act: Callable[[Target], object], to: Target) -> None:
    """Try one; what it is given is not told."""
    act(to)


def main(words: list[str]) -> None:
    """Try everything, and tell; ``words`` are a folder to play in and those of a situation."""
    situation = Situation(words[1:])
    situation.enter()
    to = prepare(ROOT, Path(words[0]))
    situation.forbid()
    found = {name: situation.child(partial(do, act, to)) for name, act in TRIES.items()}
    missing = sorted({wall for each in found.values() for wall in each.missing})
    tries = {name: each.number for name, each in found.items()}
    sys.stdout.write(json.dumps({"missing": missing, "tries": tries}))
