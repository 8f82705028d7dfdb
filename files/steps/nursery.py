"""A warm process from which the short-lived process of each untrusted file is forked.

Starting Python and loading the readers takes far longer than reading an essay. The nursery has done both, has
read nothing, and never does: every file still gets a process of its own, in the state a fresh one would have.

Arguments: the file descriptor of the owner's socket, the owner's process id. For each file the owner sends
the child's arguments as JSON with two descriptors, the file and the output; it may then send ``KILL``. The
answer is the child's exit status in decimal, negative for a signal, sent when its whole group is gone.
"""

import gc
import json
import os
import selectors
import signal
import socket
from collections.abc import Callable
from contextlib import suppress

from files.steps.confinement import die_with, hide_memory

REQUEST_BYTES = 1024
KILL = b"kill"
Act = Callable[[list[str]], None]


def main(arguments: list[str], act: Act) -> None:
    """Serve until the owner closes its end; each child runs ``act`` on parent and arguments."""
    die_with(int(arguments[1]))
    hide_memory()
    gc.freeze()  # the children share this memory as long as nobody touches it
    with socket.socket(fileno=int(arguments[0])) as owner:
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
