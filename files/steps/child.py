"""The short-lived process that does one job on untrusted bytes: standard input to JSON on standard output.

Arguments, all of them free of names and text: parent's process id, the job's module, memory in bytes,
processor seconds, those of the job alone (0: no such limit), niceness, then the job's own.
Each line of the output is an outcome, ``{"result": …}`` or ``{"error": …}``; the last whole one counts, so
a job may tell what it has before it looks for better.
Exit status: 0 with an outcome written, ``OUT_OF_MEMORY`` when the job wanted more than allowed.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module

from files.steps.confinement import Confinement, hurry, limit, seal
from huleedu.failures.errors import StepError

OUT_OF_MEMORY = 3


@dataclass(frozen=True, slots=True)
class Work:
    """What the module of a job holds as ``WORK``.

    ``load`` loads all that the job needs, for later it may be out of reach; ``outcomes`` does it, each result
    better than the one before, or raises StepError; ``failed`` is the code of a fault in the job's own code.
    """

    load: Callable[[Sequence[str]], None]
    outcomes: Callable[[bytes, Sequence[str]], Iterator[Mapping[str, object]]]
    failed: str


def main(arguments: list[str]) -> None:
    """Do the job, write its outcomes, and exit."""
    parent, module = int(arguments[0]), arguments[1]
    memory, processor, first, niceness, *own = arguments[2:]
    confinement = Confinement(
        memory_bytes=int(memory),
        processor_seconds=int(processor),
        first_seconds=float(first),
        niceness=int(niceness),
    )
    limit(confinement, parent)
    try:
        # Loaded under the limits, but before the rights to load anything are given up.
        work = load(module, own)
        seal(parent)
        hurry(confinement)
        for outcome in _outcomes(work, own):
            sys.stdout.buffer.write(json.dumps(outcome, ensure_ascii=False).encode("utf-8") + b"\n")
            sys.stdout.buffer.flush()
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    # Nothing of the input needs an orderly end, and an orderly end could hang.
    os._exit(0)


def load(module: str, arguments: Sequence[str]) -> Work:
    """The job's module with all that it needs."""
    work: Work = import_module(module).WORK
    work.load(arguments)
    return work


def _outcomes(work: Work, own: Sequence[str]) -> Iterator[Mapping[str, object]]:
    try:
        for result in work.outcomes(sys.stdin.buffer.read(), own):
            yield {"result": result}
    except StepError as error:
        yield {"error": {"code": error.code, "details": error.details}}
    except MemoryError:
        raise
    except Exception as error:
        yield {"error": {"code": work.failed, "details": {"exception": type(error).__name__}}}
