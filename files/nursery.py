"""The owner's side of the warm processes from which the sandbox forks (``files.steps.nursery``)."""

import json
import os
import socket
import subprocess
from collections.abc import Sequence
from typing import IO

from files.steps.nursery import FOUND, KILL

FILES_EACH = 200  # a new nursery from time to time lies elsewhere in memory
STATUS_BYTES = 64
KILL_SECONDS = 5.0


class NurseryLost(Exception):
    """The nursery has ended, or does not answer; its children have ended with it."""


class WarmProcess:
    """A warm process of ours and the socket it listens to; it ends with the thread that made it."""

    def __init__(self, command: Sequence[str]) -> None:
        self.maker = os.getpid()
        self.socket, theirs = socket_pair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603
                [*command, str(theirs.fileno()), str(self.maker)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env={},
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )

    @property
    def process_id(self) -> int:
        """The warm process's number."""
        return self._process.pid

    def close(self) -> None:
        """End it, unless it is another process's."""
        self.socket.close()
        if self.maker == os.getpid():
            self._process.kill()
            self._process.wait()
        else:
            self._process.returncode = 0  # not ours to wait for

    def __del__(self) -> None:
        if hasattr(self, "_process"):
            self.close()


class AnyNursery:
    """Raises one child at a time over the socket to a warm process."""

    def __init__(self, ours: socket.socket) -> None:
        self.owner = os.getpid()
        self.files = 0
        self._socket = ours

    @property
    def usable(self) -> bool:
        """False in another process than the one that made it, and after its share of files."""
        return self.owner == os.getpid() and self.files < FILES_EACH

    def raise_child(self, arguments: Sequence[str], file: IO[bytes], output: int) -> None:
        """Start a child that reads ``file`` and writes to the descriptor ``output``. Raises NurseryLost."""
        self.files += 1
        try:
            message = json.dumps(list(arguments)).encode()
            socket.send_fds(self._socket, [message], [file.fileno(), output])
        except OSError as error:
            raise NurseryLost from error

    def status(self, seconds: float) -> int | None:
        """The child's exit status, None when it has not ended within ``seconds``. Raises NurseryLost."""
        self._socket.settimeout(max(0.001, seconds))
        try:
            answer = self._socket.recv(STATUS_BYTES)
        except TimeoutError:
            return None
        except OSError as error:
            raise NurseryLost from error
        if not answer:
            raise NurseryLost
        return int(answer)

    def kill_child(self) -> None:
        """End the child and all it started; the nursery is not usable afterwards. Raises NurseryLost."""
        self.files = FILES_EACH
        try:
            self._socket.send(KILL)
        except OSError as error:
            raise NurseryLost from error
        self.status(KILL_SECONDS)

    def close(self) -> None:
        """End the nursery, unless it is another process's."""
        self._socket.close()


class Nursery(AnyNursery):
    """A nursery that is a warm process of its own."""

    def __init__(self, command: Sequence[str]) -> None:
        self._process = WarmProcess(command)
        super().__init__(self._process.socket)

    @property
    def process_id(self) -> int:
        """The warm process's number."""
        return self._process.process_id

    def close(self) -> None:
        """End the nursery, unless it is another process's."""
        self._process.close()


class Founder(WarmProcess):
    """A warm process that nurseries are forked from; those who are forked from its maker may ask it, too."""

    def found(self) -> AnyNursery:
        """A nursery that shares the founder's memory. Raises NurseryLost."""
        ours, theirs = socket_pair()
        with theirs:
            try:
                socket.send_fds(self.socket, [FOUND], [theirs.fileno()])
            except OSError as error:
                ours.close()
                raise NurseryLost from error
        return AnyNursery(ours)


def socket_pair() -> tuple[socket.socket, socket.socket]:
    """Two ends over which a message arrives whole, and the end of one is seen at the other."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
