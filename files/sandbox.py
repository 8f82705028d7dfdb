"""Reads an untrusted file in a process of its own, so that nothing in it can harm the caller.

One child per file, with limits on memory, processor time, files and wall clock, without network,
environment or further processes. Each is forked from a warm process that reads nothing itself; where that
is not to be had, it is started afresh. It uses no multiprocessing, so daemonic workers may call it.
"""

import os
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pydantic import BaseModel, ConfigDict, ValidationError

from files.nursery import Nursery, NurseryLost
from files.steps.child import OUT_OF_MEMORY
from files.steps.confinement import Confinement
from files.steps.detect import Format, extension
from files.steps.validate import TextLimits
from huleedu.errors import ErrorCode, StepError

DEFAULT_TIMEOUT_SECONDS = 20.0
"""Wall-clock seconds for one file, start of the interpreter included."""

_ROOT = Path(__file__).resolve().parent.parent
_START = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); from files.steps.child import main; main(sys.argv[1:])"
)
_START_NURSERY = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); from files.steps import child, nursery;"
    "child.load(); nursery.main(sys.argv[1:], child.main)"
)
_own = threading.local()  # a nursery ends with its thread, so every thread has its own
# JSON writes a character in at most six bytes.
_BYTES_PER_CHARACTER = 6
_OTHER_OUTPUT_BYTES = 64 * 1024
_RETRYABLE_SIGNALS = frozenset({signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP})


class SandboxCrashed(Exception):
    """The child ended for a reason outside the file, such as being killed; trying again may help."""


class SandboxHurried(Exception):
    """The file needs more processor time than a first try was given."""


class SandboxResult(BaseModel):
    """A valid text: what was read, with which engine, and its size."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    text: str
    format: Format
    engine: str
    warnings: tuple[str, ...]
    words: int
    characters: int


class _Failure(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    code: ErrorCode
    details: dict[str, str | int | float | bool | list[str]]


class _Outcome(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    result: SandboxResult | None = None
    error: _Failure | None = None


@dataclass(frozen=True, slots=True)
class _Ended:
    """How a child ended: its output, its exit status, and which of the sandbox's limits stopped it."""

    output: bytes
    status: int
    stopped_by: str | None


def run(
    source: bytes | Path,
    filename: str,
    limits: TextLimits,
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    confinement: Confinement | None = None,
) -> SandboxResult:
    """Extract and validate one file; blocks at most ``timeout_seconds`` and a moment.

    Raises StepError with the file's final outcome: the codes of ``extract`` and ``validate``, TIMEOUT
    for wall clock or processor time, CORRUPTED_FILE for memory or a crash, EXTRACTION_FAILED for a
    fault in our own code. Raises SandboxCrashed when the child was killed from outside: try again.
    Raises SandboxHurried when the confinement's ``first_seconds`` were not enough.
    """
    arguments = child_arguments(extension(filename), limits, confinement or Confinement())
    maximum_bytes = limits.maximum_characters * _BYTES_PER_CHARACTER + _OTHER_OUTPUT_BYTES
    with _opened(source) as stream:
        ended = _execute(arguments, stream, timeout_seconds, maximum_bytes)
    _raise_for_end(ended, timeout_seconds)
    return _result(ended.output, limits)


def child_arguments(ending: str, limits: TextLimits, confinement: Confinement) -> list[str]:
    """What the child is told: no file name, for others on the machine can read a command line."""
    numbers = (
        limits.minimum_characters,
        limits.maximum_characters,
        confinement.memory_bytes,
        confinement.processor_seconds,
        confinement.first_seconds,
        confinement.niceness,
    )
    return [ending, *map(str, numbers)]


def child_command(arguments: list[str]) -> list[str]:
    """The command line of a child that is started afresh."""
    return [*_interpreter(_START), str(os.getpid()), *arguments]


def nursery_command() -> list[str]:
    """The command line of the warm process, without its owner's socket and number."""
    return _interpreter(_START_NURSERY)


def _interpreter(code: str) -> list[str]:
    return [sys.executable, "-I", "-X", "utf8", "-c", code, str(_ROOT)]


def nursery() -> Nursery:
    """This thread's warm process, made when it is first asked for. Raises NurseryLost where there is none."""
    found: Nursery | None = getattr(_own, "nursery", None)
    if found is not None and found.usable:
        return found
    leave_nursery()
    if not hasattr(os, "pidfd_open"):
        raise NurseryLost
    _own.nursery = made = Nursery(nursery_command())
    return made


def leave_nursery() -> None:
    """End this thread's warm process; the next file gets a new one."""
    found: Nursery | None = getattr(_own, "nursery", None)
    _own.nursery = None
    if found is not None:
        found.close()


@contextmanager
def _opened(source: bytes | Path) -> Iterator[IO[bytes]]:
    """A readable stream with a descriptor, so that the child reads at its own pace without a pipe."""
    with ExitStack() as stack:
        if isinstance(source, Path):
            yield stack.enter_context(source.open("rb"))
        else:
            stream = stack.enter_context(tempfile.TemporaryFile())
            stream.write(source)
            stream.seek(0)
            yield stream


def _execute(arguments: list[str], stream: IO[bytes], timeout_seconds: float, maximum_bytes: int) -> _Ended:
    deadline = time.monotonic() + timeout_seconds
    try:
        return _execute_warm(arguments, stream, deadline, maximum_bytes)
    except NurseryLost:
        leave_nursery()
        stream.seek(0)
    return _execute_afresh(child_command(arguments), stream, deadline, maximum_bytes)


def _execute_warm(arguments: list[str], stream: IO[bytes], deadline: float, maximum_bytes: int) -> _Ended:
    """Raises NurseryLost when the child's end is not known; it has ended then."""
    warm = nursery()
    with _output_pipe() as (pipe, writer):
        with writer:
            warm.raise_child(arguments, stream, writer.fileno())
        output, stopped_by = _read_output(pipe, deadline, maximum_bytes)
        status = warm.status(deadline - time.monotonic()) if stopped_by is None else None
    if status is not None:
        return _Ended(output, status, None)
    with suppress(NurseryLost):
        warm.kill_child()
    return _Ended(b"", -signal.SIGKILL, stopped_by or "wall_clock")


def _execute_afresh(command: list[str], stream: IO[bytes], deadline: float, maximum_bytes: int) -> _Ended:
    with (
        _output_pipe() as (pipe, writer),
        subprocess.Popen(  # noqa: S603
            command,
            stdin=stream,
            stdout=writer,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={},
            start_new_session=True,
        ) as process,
    ):
        writer.close()
        try:
            return _collect(process, pipe, deadline, maximum_bytes)
        finally:
            # The group's number is ours only as long as its leader is not reaped.
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def _output_pipe() -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """Our end and the child's; ours tells the end when the child's is closed everywhere."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb", buffering=0) as pipe, os.fdopen(writing, "wb", buffering=0) as writer:
        yield pipe, writer


def _collect(
    process: subprocess.Popen[bytes], pipe: IO[bytes], deadline: float, maximum_bytes: int
) -> _Ended:
    output, stopped_by = _read_output(pipe, deadline, maximum_bytes)
    if stopped_by is None:
        try:
            return _Ended(output, process.wait(max(0.0, deadline - time.monotonic())), None)
        except subprocess.TimeoutExpired:
            stopped_by = "wall_clock"
    return _Ended(b"", -signal.SIGKILL, stopped_by)


def _read_output(pipe: IO[bytes], deadline: float, maximum_bytes: int) -> tuple[bytes, str | None]:
    """All output until the child closes it, or nothing and the limit that was passed."""
    output = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while (remaining := deadline - time.monotonic()) > 0:
            if not selector.select(remaining):
                continue
            chunk = os.read(pipe.fileno(), 65536)
            if not chunk:
                return bytes(output), None
            output += chunk
            if len(output) > maximum_bytes:
                return b"", "output"
    return b"", "wall_clock"


def _raise_for_end(ended: _Ended, timeout_seconds: float) -> None:
    if ended.stopped_by == "wall_clock":
        raise StepError(ErrorCode.TIMEOUT, limit="wall_clock", seconds=timeout_seconds)
    if ended.stopped_by == "output":
        raise StepError(ErrorCode.EXTRACTION_FAILED, limit="output")
    if ended.status == OUT_OF_MEMORY:
        raise StepError(ErrorCode.CORRUPTED_FILE, limit="memory")
    if ended.status < 0:
        _raise_for_signal(-ended.status)
    if ended.status != 0:
        raise SandboxCrashed(f"exit status {ended.status}")


def _raise_for_signal(number: int) -> None:
    if number == signal.SIGXCPU:
        raise StepError(ErrorCode.TIMEOUT, limit="processor")
    if number == signal.SIGPROF:
        raise SandboxHurried
    if number in _RETRYABLE_SIGNALS:
        raise SandboxCrashed(f"killed by signal {number}")
    name = signal.strsignal(number) or str(number)
    raise StepError(ErrorCode.CORRUPTED_FILE, signal=number, signal_name=name)


def _result(output: bytes, limits: TextLimits) -> SandboxResult:
    """The child read hostile bytes, so what it says is checked like a stranger's words."""
    try:
        outcome = _Outcome.model_validate_json(output)
    except ValidationError:
        raise StepError(ErrorCode.EXTRACTION_FAILED, limit="outcome") from None
    if outcome.result is not None and _is_storable(outcome.result.text, limits):
        return outcome.result
    if outcome.error is not None:
        raise StepError(outcome.error.code, **outcome.error.details)
    raise StepError(ErrorCode.EXTRACTION_FAILED, limit="outcome")


def _is_storable(text: str, limits: TextLimits) -> bool:
    return len(text) <= limits.maximum_characters and "\x00" not in text
