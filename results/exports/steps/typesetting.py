"""The job of a child: one essay as PDF. What it sets comes as data, so no text can become markup.

The typesetter is compiled code that a text may drive mad: some make it fail in the middle of a word, and then
it writes that word to standard error. So it works behind the walls of every reader of strangers' bytes.
"""

import base64
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from files.steps.child import Work
from files.steps.system_calls import refuse_threads
from huleedu.failures.errors import StepError

FAILED = "TYPESETTING_FAILED"
FONTS = "manimgx_fonts"
# Tagged, with a title and languages, and every letter has a shape.
Standard = Literal["ua-1"]
STANDARD: Standard = "ua-1"
FIRST = "Noto Emoji"  # before fonts that have some of its signs, too
Compile = Callable[[Mapping[str, object], Standard | None], bytes]


def load(_arguments: Sequence[str]) -> None:
    """Load compiler, template and all fonts: later nothing can be opened, and no thread be started."""
    compiler()


@cache
def compiler() -> Compile:
    """What makes a PDF of an essay's data, with everything that it needs in memory."""
    refuse_threads()
    import typst  # threads of it would stand outside the walls

    fonts = typst.Fonts(include_system_fonts=False, font_paths=[folder()])
    families = [name for name in fonts.families() if name.startswith("Noto ") and name != "Noto Sans"]
    ordered = sorted(families, key=lambda name: (name != FIRST, name))
    template = (Path(__file__).parent / "essay.typ").read_bytes()
    made = typst.Compiler(font_paths=fonts)

    def compile_essay(told: Mapping[str, object], standard: Standard | None) -> bytes:
        inputs = {"told": json.dumps({**told, "fonts": ordered})}
        pdf = made.compile(input=template, format="pdf", sys_inputs=inputs, pdf_standards=standard)
        return bytes(pdf) if isinstance(pdf, bytes) else b""

    every = "".join(f'#text(font: "{name}", weight: {w})[a]' for name in fonts.families() for w in (400, 700))
    made.compile(input=every.encode(), format="pdf")
    return compile_essay


def folder() -> str:
    """Where the fonts lie; the package has no code, and is not run."""
    spec = find_spec(FONTS)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(FONTS)
    return str(Path(spec.origin).parent)


def outcomes(data: bytes, _arguments: Sequence[str]) -> Iterator[Mapping[str, object]]:
    """The essay as PDF in base64; ``whole`` unless our fonts lack some letters. Raises StepError."""
    told = json.loads(data)
    try:
        pdf, whole = attempt(told, STANDARD), True
    except StepError:
        pdf, whole = attempt(told, None), False
    yield {"pdf": base64.b64encode(pdf).decode(), "whole": whole}


def attempt(told: Mapping[str, object], standard: Standard | None) -> bytes:
    """One PDF. Raises StepError, also for a panic of the typesetter, which is no ordinary exception."""
    try:
        return compiler()(told, standard)
    except MemoryError:
        raise
    except BaseException as error:
        raise StepError(FAILED, exception=type(error).__name__) from None


WORK = Work(load, outcomes, FAILED)
