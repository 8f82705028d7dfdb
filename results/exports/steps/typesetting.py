"""The job of a child: one essay as PDF. What it sets comes as data, so no text can become markup.

The typesetter is compiled code that a text may drive mad: some make it fail in the middle of a word, and then
it writes that word to standard error. So it works behind the walls of every reader of strangers' bytes.
"""

import base64
import json
import re
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
# What the typesetter says of each sign that no font has.
LACKING = re.compile(r'the text `"(.+?)"` could not be displayed with font')
CODE = re.compile(r"\\u\{([0-9a-f]{1,6})\}")
MOST_SIGNS, MOST_OF_SIGN = 20, 16
MORE = "…"  # which our fonts have
PLACE = "%(signs)s"
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
    """The essay as PDF in base64, and the signs that our fonts lack; then it says so. Raises StepError."""
    told = json.loads(data)
    lacking: list[str] = []
    try:
        pdf = attempt({**told, "boxes": ""}, STANDARD)
    except Lacking as error:
        lacking = error.signs
        pdf = attempt({**told, "boxes": told["boxes"].replace(PLACE, codes(lacking))}, None)
    yield {"pdf": base64.b64encode(pdf).decode(), "lacking": lacking}


class Lacking(Exception):
    """Our fonts have no shape for some ``signs``."""

    def __init__(self, signs: list[str]) -> None:
        super().__init__(len(signs))
        self.signs = signs


def attempt(told: Mapping[str, object], standard: Standard | None) -> bytes:
    """One PDF. Raises Lacking, if a standard minds; StepError, also for a panic of the typesetter."""
    try:
        return compiler()(told, standard)
    except MemoryError:
        raise
    except BaseException as error:
        signs = lacking_of(str(getattr(error, "diagnostic", "")))
        if signs and standard is not None:
            raise Lacking(signs) from None
        raise StepError(FAILED, exception=type(error).__name__) from None


def lacking_of(diagnostic: str) -> list[str]:
    """The signs that it names, each once; of very many the first ones, and ``MORE``."""
    named = (CODE.sub(lambda code: chr(int(code[1], 16)), text) for text in LACKING.findall(diagnostic))
    signs = list(dict.fromkeys(sign[:MOST_OF_SIGN] for sign in named))
    return signs if len(signs) <= MOST_SIGNS else [*signs[:MOST_SIGNS], MORE]


def codes(signs: Sequence[str]) -> str:
    """Signs that cannot be shown, by their numbers in Unicode."""
    return ", ".join(
        MORE if sign == MORE else " ".join(f"U+{ord(character):04X}" for character in sign) for sign in signs
    )


WORK = Work(load, outcomes, FAILED)
