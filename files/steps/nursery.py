"""A warm process from which the short-lived process of each job on untrusted bytes is forked.

Starting Python and loading what a job needs takes far longer than the job. The nursery has done both, has
read nothing, and never does: every job still gets a process of its own, in the state a fresh one would have.

For each job the owner sends the child's arguments as JSON with two descriptors, the input and the output; it
may then send ``KILL``. The answer is the child's exit status in decimal, negative for a signal, sent when its
whole group is gone.

A *founder* has loaded what takes much memory, once for several owners: each socket it is sent becomes that of
a nursery forked from it, which shares the memory.
"""

import gc
import json
import os
import selectors
import signal
import socket
from collections.abc import Callable
from contextlib import suppress

from files.steps.confinement import die_with, hide_memory, leave_network_first

REQUEST_BYTES = 1024
FOUND = b"found"
KILL = b"kill"
Act = Callable[[list[str]], None]


def main(arguments: list[str], act: Act) -> None:
    """Be a nursery. Arguments: the file descriptor of the owner's socket, the owner's process id."""
    die_with(int(arguments[1]))
    hide_memory()
    gc.freeze()  # the children share this memory as long as nobody touches it
    _serve(int(arguments[0]), int(arguments[1]), act)


def found(arguments: list[str], act: Act) -> None:
    """Be a founder, with the arguments of ``main``; nurseries end with their founder and with their owner."""
    die_with(int(arguments[1]))
    hide_memory()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for a nursery
    founder = os.getpid()
    with socket.socket(fileno=int(arguments[0])) as owners:
        while True:
            message, descriptors, _flags, _address = socket.recv_fds(owners, len(FOUND), 1)
            if not message:
                return
            if os.fork() == 0:
                owners.close()
                _be_founded(founder, descriptors[0], act)
            for descriptor in descriptors:
                os.close(descriptor)


def _be_founded(founder: int, descriptor: int, act: Act) -> None:
    """A founded nursery's whole life; it never returns."""
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        die_with(founder)
        os.setsid()
        _serve(descriptor, founder, act)
    finally:
        os._exit(0)


def _serve(descriptor: int, parent: int, act: Act) -> None:
    """Serve until the owner closes its end; each child runs ``act`` on parent and arguments."""
    leave_network_first(parent)
    with socket.socket(fileno=descriptor) as owner:
        while True:
            message, descriptors, _flags, _address = socket.recv_fds(owner, REQUEST_BYTES, 2)
            if not message:
                return
            status = _raise_child(owner, json.loads(message), descriptors, act)
            owner.send(str(status).encode())


def _raise_child(owner: socket.socket, arguments: list[str], descriptors: list[int], act: Act) -> int:
    nursery = os.getpid()
    child = os.fork()
    if child == 0:
        _live([str(nursery), *arguments], descriptors, act)
    for descriptor in descriptors:
        os.close(descriptor)
    _wait(owner, child)
    # Its number, and its group's, is the child's as long as it is not reaped.
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _wait(owner: socket.socket, child: int) -> None:
    """Return when the child has ended, or when the owner wants it to end or is gone."""
    watched = os.pidfd_open(child)
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(watched, selectors.EVENT_READ)
            selector.register(owner, selectors.EVENT_READ)
            ended = [key.fileobj for key, _ in selector.select()]
        if watched not in ended:
            owner.recv(len(KILL))
    finally:
        os.close(watched)


def _live(arguments: list[str], descriptors: list[int], act: Act) -> None:
    """The child's whole life; nothing of the nursery is left open to it, and it never returns."""
    try:
        os.setsid()
        os.dup2(descriptors[0], 0)
        os.dup2(descriptors[1], 1)
        os.closerange(3, 4096)
        act(arguments)
        os._exit(0)
    finally:
        os._exit(1)
