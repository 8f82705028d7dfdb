"""Reads an untrusted file in a process of its own, so that nothing in it can harm the caller.

One child per file, with limits on memory, processor time, files and wall clock, without network,
environment or further processes. It uses no multiprocessing, so daemonic workers may call it.
"""

import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pydantic import BaseModel, ConfigDict, ValidationError

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
# JSON writes a character in at most six bytes.
_BYTES_PER_CHARACTER = 6
_OTHER_OUTPUT_BYTES = 64 * 1024
_RETRYABLE_SIGNALS = frozenset({signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP})


class SandboxCrashed(Exception):
    """The child ended for a reason outside the file, such as being killed; trying again may help."""


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
    """
    command = child_command(extension(filename), limits, confinement or Confinement())
    maximum_bytes = limits.maximum_characters * _BYTES_PER_CHARACTER + _OTHER_OUTPUT_BYTES
    with _opened(source) as stream:
        ended = _execute(command, stream, timeout_seconds, maximum_bytes)
    _raise_for_end(ended, timeout_seconds)
    return _result(ended.output, limits)


def child_command(ending: str, limits: TextLimits, confinement: Confinement) -> list[str]:
    """The command line of the child; it holds no file name, for others on the machine can read it."""
    numbers = (
        limits.minimum_characters,
        limits.maximum_characters,
        confinement.memory_bytes,
        confinement.processor_seconds,
    )
    interpreter = [sys.executable, "-I", "-X", "utf8", "-c", _START, str(_ROOT)]
    return [*interpreter, str(os.getpid()), ending, *map(str, numbers)]


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


def _execute(command: list[str], stream: IO[bytes], timeout_seconds: float, maximum_bytes: int) -> _Ended:
    deadline = time.monotonic() + timeout_seconds
    with subprocess.Popen(  # noqa: S603
        command,
        stdin=stream,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env={},
        start_new_session=True,
    ) as process:
        try:
            return _collect(process, deadline, maximum_bytes)
        finally:
            # The group's number is ours only as long as its leader is not reaped.
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)


def _collect(process: subprocess.Popen[bytes], deadline: float, maximum_bytes: int) -> _Ended:
    output, stopped_by = _read_output(process, deadline, maximum_bytes)
    if stopped_by is None:
        try:
            return _Ended(output, process.wait(max(0.0, deadline - time.monotonic())), None)
        except subprocess.TimeoutExpired:
            stopped_by = "wall_clock"
    return _Ended(b"", -signal.SIGKILL, stopped_by)


def _read_output(
    process: subprocess.Popen[bytes], deadline: float, maximum_bytes: int
) -> tuple[bytes, str | None]:
    """All output until the child closes it, or nothing and the limit that was passed."""
    output = bytearray()
    with selectors.DefaultSelector() as selector:
        descriptor = process.stdout.fileno() if process.stdout else -1
        selector.register(descriptor, selectors.EVENT_READ)
        while (remaining := deadline - time.monotonic()) > 0:
            if not selector.select(remaining):
                continue
            chunk = os.read(descriptor, 65536)
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
