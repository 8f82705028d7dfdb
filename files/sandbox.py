"""Does one job on untrusted bytes in a process of its own, so that nothing in them can harm the caller.

One child per file or text, with limits on memory, processor time, files and wall clock, without network,
environment or further processes. Each is forked from a warm process that does no job itself; where that
is not to be had, it is started afresh. It uses no multiprocessing, so daemonic workers may call it.
``run`` is the job of reading a file; others declare theirs as a ``Job``.
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
from typing import IO, Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from files.format_name import FormatName
from files.nursery import AnyNursery, Founder, Nursery, NurseryLost
from files.steps.child import OUT_OF_MEMORY
from files.steps.confinement import Confinement
from files.steps.detect import extension
from files.steps.validate import TextLimits
from huleedu.failures.errors import ErrorCode, StepError

DEFAULT_TIMEOUT_SECONDS = 20.0
"""Wall-clock seconds for one file, start of the interpreter included."""

_ROOT = Path(__file__).resolve().parent.parent
_START = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); from files.steps.child import main; main(sys.argv[1:])"
)
# As ``main`` a nursery of one owner, as ``found`` the founder of several. Its owner may end while it loads.
_START_WARM = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); from files.steps import child, confinement, nursery;"
    "confinement.die_with(int(sys.argv[-1])); child.load(sys.argv[1], sys.argv[2:-2]);"
    "nursery.{kind}(sys.argv[-2:], child.main)"
)
_own = threading.local()  # a nursery ends with its thread, so every thread has its own of each job
_founders: dict[str, Founder] = {}
# JSON writes a character in at most six bytes.
_BYTES_PER_CHARACTER = 6
_OTHER_OUTPUT_BYTES = 64 * 1024
_RETRYABLE_SIGNALS = frozenset({signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP})


class SandboxCrashed(Exception):
    """The child ended for a reason outside the file, such as being killed; trying again may help."""


class SandboxHurried(Exception):
    """The file needs more processor time than a first try was given."""


@dataclass(frozen=True, slots=True)
class Job:
    """A kind of job: ``module`` does it (``files.steps.child``), warm processes load it with ``prepared``."""

    module: str
    prepared: tuple[str, ...] = ()


READING = Job("files.steps.reading")

Short = Annotated[str, StringConstraints(max_length=200)]
Count = Annotated[int, Field(ge=0, le=2**31 - 1)]
_NUMBER = Field(ge=-(2**53), le=2**53)
Detail = Annotated[int, _NUMBER] | Annotated[float, _NUMBER] | bool | Short


class SandboxResult(BaseModel):
    """A valid text: what was read, with which engine, and its size."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    text: str
    format: FormatName
    engine: Short
    warnings: Annotated[tuple[Short, ...], Field(max_length=20)]
    words: Count
    characters: Count


class Failure(BaseModel):
    """A typed failure as a child tells it; no part of it is long. Each job says which codes there are."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    code: str
    details: Annotated[
        dict[Short, Detail | Annotated[list[Short], Field(max_length=20)]], Field(max_length=20)
    ]


class _Failure(Failure):
    code: ErrorCode


class _Outcome(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    result: SandboxResult | None = None
    error: _Failure | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """How a child ended: its output, its exit status, and which of the sandbox's limits stopped it."""

    output: bytes
    status: int
    stopped_by: str | None

    @property
    def last(self) -> bytes:
        """The last line that the child wrote whole; empty when there is none."""
        whole = self.output if self.status == 0 else self.output[: self.output.rfind(b"\n") + 1]
        return whole.rstrip(b"\n").rpartition(b"\n")[2]


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
    ended = execute(READING, arguments, source, timeout_seconds, maximum_bytes)
    raise_for_end(ended, timeout_seconds)
    return _result(ended.last, limits)


def execute(
    job: Job, arguments: list[str], source: bytes | Path, timeout_seconds: float, maximum_bytes: int
) -> Ended:
    """Do ``job`` on ``source``, unjudged; blocks at most ``timeout_seconds`` and a moment."""
    with _opened(source) as stream:
        return _execute(job, arguments, stream, timeout_seconds, maximum_bytes)


def child_arguments(ending: str, limits: TextLimits, confinement: Confinement) -> list[str]:
    """What a reading child is told: no file name, for others on the machine can read a command line."""
    own = (ending, str(limits.minimum_characters), str(limits.maximum_characters))
    return job_arguments(READING, confinement, *own)


def job_arguments(job: Job, confinement: Confinement, *own: str) -> list[str]:
    """What a child is told; ``own`` are the job's own arguments."""
    numbers = (
        confinement.memory_bytes,
        confinement.processor_seconds,
        confinement.first_seconds,
        confinement.niceness,
    )
    return [job.module, *map(str, numbers), *own]


def child_command(arguments: list[str]) -> list[str]:
    """The command line of a child that is started afresh."""
    return [*_interpreter(_START), str(os.getpid()), *arguments]


def nursery_command(job: Job = READING) -> list[str]:
    """The command line of the job's warm process, without its owner's socket and number."""
    return [*_interpreter(_START_WARM.format(kind="main")), job.module, *job.prepared]


def founder_command(job: Job) -> list[str]:
    """The command line of the job's founder, without its maker's socket and number."""
    return [*_interpreter(_START_WARM.format(kind="found")), job.module, *job.prepared]


def _interpreter(code: str) -> list[str]:
    return [sys.executable, "-I", "-X", "utf8", "-c", code, str(_ROOT)]


def share(job: Job) -> None:
    """Start one warm process from which those of this process and of its forks are forked, to save memory."""
    _founders[job.module] = Founder(founder_command(job))


def nursery(job: Job = READING) -> AnyNursery:
    """This thread's nursery for ``job``, made at the first call. Raises NurseryLost if there is none."""
    found = _nurseries().get(job.module)
    if found is not None and found.usable:
        return found
    leave_nursery(job)
    if not hasattr(os, "pidfd_open"):
        raise NurseryLost
    _nurseries()[job.module] = made = _make_nursery(job)
    return made


def _make_nursery(job: Job) -> AnyNursery:
    founder = _founders.get(job.module)
    if founder is not None:
        try:
            return founder.found()
        except NurseryLost:
            del _founders[job.module]  # gone for good
    return Nursery(nursery_command(job))


def leave_nursery(job: Job = READING) -> None:
    """End this thread's nursery for ``job``; the next file gets a new one."""
    found = _nurseries().pop(job.module, None)
    if found is not None:
        found.close()


def _nurseries() -> dict[str, AnyNursery]:
    found: dict[str, AnyNursery] | None = getattr(_own, "nurseries", None)
    if found is None:
        found = _own.nurseries = {}
    return found


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


def _execute(
    job: Job, arguments: list[str], stream: IO[bytes], timeout_seconds: float, maximum_bytes: int
) -> Ended:
    deadline = time.monotonic() + timeout_seconds
    try:
        return _execute_warm(job, arguments, stream, deadline, maximum_bytes)
    except NurseryLost:
        leave_nursery(job)
        stream.seek(0)
    return _execute_afresh(child_command(arguments), stream, deadline, maximum_bytes)


def _execute_warm(
    job: Job, arguments: list[str], stream: IO[bytes], deadline: float, maximum_bytes: int
) -> Ended:
    """Raises NurseryLost when the child's end is not known; it has ended then."""
    warm = nursery(job)
    with _output_pipe() as (pipe, writer):
        with writer:
            warm.raise_child(arguments, stream, writer.fileno())
        output, stopped_by = _read_output(pipe, deadline, maximum_bytes)
        status = warm.status(deadline - time.monotonic()) if stopped_by is None else None
    if status is not None:
        return Ended(output, status, None)
    with suppress(NurseryLost):
        warm.kill_child()
    return Ended(output, -signal.SIGKILL, stopped_by or "wall_clock")


def _execute_afresh(command: list[str], stream: IO[bytes], deadline: float, maximum_bytes: int) -> Ended:
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


def _collect(process: subprocess.Popen[bytes], pipe: IO[bytes], deadline: float, maximum_bytes: int) -> Ended:
    output, stopped_by = _read_output(pipe, deadline, maximum_bytes)
    if stopped_by is None:
        try:
            return Ended(output, process.wait(max(0.0, deadline - time.monotonic())), None)
        except subprocess.TimeoutExpired:
            stopped_by = "wall_clock"
    return Ended(output, -signal.SIGKILL, stopped_by)


def _read_output(pipe: IO[bytes], deadline: float, maximum_bytes: int) -> tuple[bytes, str | None]:
    """All output until the child closes it, or what came until a limit was passed, and which."""
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
    return bytes(output), "wall_clock"


def raise_for_end(ended: Ended, timeout_seconds: float) -> None:
    """Raise what a child's end means, unless it ended well: StepError, SandboxCrashed, SandboxHurried."""
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
    surrogates = any("\ud800" <= character <= "\udfff" for character in text)
    return len(text) <= limits.maximum_characters and "\x00" not in text and not surrogates
