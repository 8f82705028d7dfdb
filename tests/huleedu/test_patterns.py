"""Every regular expression of the project takes time in proportion to the text, whatever the text is."""

import ast
import re
import time
from array import array
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import pytest

from essays.steps.languages import LANGUAGES
from essays.steps.lexicon import Lexicon
from essays.steps.nearby import build
from essays.steps.offensive import stop_list
from essays.steps.tables import Tables

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("batches", "essays", "files", "huleedu", "realtime", "results")
LENGTH = 50_000  # the longest text of an essay
FLOOR_SECONDS = 0.1  # what is faster is fast enough, and too short to compare
MOST_SECONDS = 1.0  # thirty times what the slowest takes; one that is quadratic takes longer by far
# Patterns that are put together from data are made in functions; they are looked at by name.
MADE_IN_FUNCTIONS = {
    ("essays/steps/offensive.py", "_any_of"),
    ("essays/steps/lexicon.py", "__init__"),
    ("files/multipart.py", "__init__"),
}
# Only ever asked whether a file begins so.
ONLY_AT_THE_START = {"files.steps.detect._MARKUP"}
PIECES = (
    *"aAä1_'’-.:,;@#!?=&%<>\"/\\ \t\n\r\u00ad\u0301\u200b\ufffd\x00",
    *("aA", "aB", "a'", "a’", "a-", "a-\n", "a:", "a:s", "a.", "a.b", "a1", "1.", "1,", "a@", "@a", "#a"),
    *("a.se", "a.b.", "www.", "http://", "http://a", "=?", "=?a?q?", "=?a?b?b", "&#", "&#1", '"1', '"1"'),
    *("<a", "<!--", "<!--a-->", "<!doctype ", "<?xml", "con ", "aux.", "con\t", "\n ", " \n", "\r\n"),
    # Other alphabets, their digits and marks, letters that change in number with their case, joined pictures.
    *(
        "я",
        "яЯ",
        "한",
        "ـ",
        "٣",
        "²",
        "İ",
        "ǅ",
        "ß",
        "\u0345",
        "\u200d",
        "\u202e",
        "\u2028",
        "\u00a0",
        "👩\u200d",
    ),
    *("a\u0301", "\u0301\u0316", "a\u00ad", "ha", "skj", "tion", "gh", "word ", "Word ", "-f", "0a-", "\\w"),
)
ENDS = ("", "!", "a")


def sources() -> Iterator[Path]:
    for package in PACKAGES:
        yield from (path for path in sorted((ROOT / package).rglob("*.py")) if "migrations" not in path.parts)


def calls_to_re(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """The function around each call of the module ``re``, empty at the top, and its line."""

    def walk(node: ast.AST, inside: str) -> Iterator[tuple[str, int]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                yield from walk(child, getattr(child, "name", "lambda"))
                continue
            if (
                isinstance(child, ast.Call)
                and isinstance(child.func, ast.Attribute)
                and isinstance(child.func.value, ast.Name)
                and child.func.value.id == "re"
                and child.func.attr != "escape"
            ):
                yield inside, child.lineno
            yield from walk(child, inside)

    yield from walk(tree, "")


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


class Untabled(Lexicon):
    """A lexicon with its patterns alone: every worker asks for them before it begins."""

    def _tables(self) -> Tables:
        return Tables(build([]), array("I"), [])


def patterns() -> dict[str, re.Pattern[str] | re.Pattern[bytes]]:
    """Every compiled pattern by module and name."""
    found: dict[str, re.Pattern[str] | re.Pattern[bytes]] = {}
    for path in sources():
        if any(not inside for inside, _ in calls_to_re(ast.parse(path.read_text()))):
            values = vars(import_module(module_of(path)))
            found |= {
                f"{module_of(path)}.{name}": value
                for name, value in values.items()
                if isinstance(value, re.Pattern)
            }
    for code in ("sv", "en"):
        lexicon = Untabled(LANGUAGES[code])
        found |= {f"{code} sound {key} {each.pattern}": each for each, key in lexicon._sounds}
        found[f"{code} vowels"] = lexicon._vowels
        # They are asked about suggestions only, which are short; a long one costs each of their entries.
    return found


PATTERNS = patterns()


def test_every_pattern_is_found() -> None:
    hidden = {
        (str(path.relative_to(ROOT)), inside)
        for path in sources()
        for inside, _ in calls_to_re(ast.parse(path.read_text()))
        if inside
    }
    assert hidden <= MADE_IN_FUNCTIONS, "compile it at the top of its module, where it is timed"
    assert {"essays.steps.judging._INNER_CAPITAL", "files.steps.validate._WORD"} <= PATTERNS.keys()
    assert len(PATTERNS) > 60


def test_no_pattern_hides_in_a_container_or_under_another_name() -> None:
    """Every call at the top of a module is a value of it that is timed, and nobody calls it otherwise."""
    for path in sources():
        tree = ast.parse(path.read_text())
        made = sum(not inside for inside, _ in calls_to_re(tree))
        timed = [name for name in PATTERNS if name.rpartition(".")[0] == module_of(path)]
        assert made <= len(timed), path
        assert {"re", "regex"}.isdisjoint(imported_from(tree)), path


def imported_from(tree: ast.Module) -> set[str]:
    """The modules of which only parts are imported, or which are called otherwise."""
    parts = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imports = (node for node in ast.walk(tree) if isinstance(node, ast.Import))
    return parts | {alias.name for node in imports for alias in node.names if alias.asname}


def hostile(length: int) -> Iterator[str]:
    """Texts of ``length`` characters that make a careless pattern go back and forth."""
    for piece in PIECES:
        whole = (piece * (length // len(piece) + 1))[: length - 1]
        yield from (whole + end for end in ENDS)
    yield "a" * (length // 2) + "A" * (length // 2)
    yield "a" + " " * (length - 2) + "a"
    yield "\n" + " " * (length - 2) + "a"


def uses(pattern: re.Pattern[str], name: str) -> Iterator[Callable[[str], object]]:
    yield pattern.match
    yield pattern.fullmatch
    if name not in ONLY_AT_THE_START:
        yield lambda text: sum(1 for _ in pattern.finditer(text))


def seconds(use: Callable[[str], object], text: str) -> float:
    began = time.process_time()
    use(text)
    return time.process_time() - began


def as_text(pattern: re.Pattern[str] | re.Pattern[bytes]) -> re.Pattern[str]:
    """The same for text: bytes are matched like the characters of their numbers."""
    whole: str | bytes = pattern.pattern
    if isinstance(whole, bytes):
        return re.compile(whole.decode("latin-1"), pattern.flags | re.ASCII)
    return re.compile(whole, pattern.flags)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", PATTERNS)
def test_it_takes_linear_time(name: str) -> None:
    pattern = as_text(PATTERNS[name])
    for use in uses(pattern, name):
        for half, whole in zip(hostile(LENGTH // 2), hostile(LENGTH), strict=True):
            took = seconds(use, whole)
            if took > FLOOR_SECONDS:
                shown = repr(whole[:20] + "…" + whole[-3:])
                assert took < MOST_SECONDS, shown
                assert took <= 3 * max(seconds(use, half), FLOOR_SECONDS / 3), shown


@pytest.mark.parametrize("code", ["sv", "en"])
def test_the_stop_lists_take_linear_time(code: str) -> None:
    """They are asked about suggestions only, which have at most a hundred letters."""
    stops = stop_list("sv" if code == "sv" else "en")
    for pattern in (stops._patterns, stops._decent):
        for text in (*hostile(1_000), *("fuckfuck" * 125 + end for end in ENDS)):
            assert seconds(pattern.fullmatch, text) < 0.2


def test_one_that_is_quadratic_does_not_pass() -> None:
    pattern = re.compile(r"\w*[a-zåäö][A-ZÅÄÖ]\w*")
    texts = ("aA" * (length // 2) + "!" for length in (LENGTH // 8, LENGTH // 4))
    once, twice = (seconds(pattern.fullmatch, text) for text in texts)
    assert twice > FLOOR_SECONDS and twice > 3 * once
