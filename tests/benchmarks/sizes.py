"""How long modules and functions are: median, 90th percentile, longest; of FOLDER, if one is named."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from tests.benchmarks.measure import percentile
from tests.installation import ROOT

APPS = ("huleedu", "batches", "files", "essays", "results", "realtime")
LONGEST = 3  # that are named


def main(root: Path) -> None:
    """Print both, and the longest of each."""
    modules = {str(path.relative_to(root)): path.read_text(encoding="utf-8") for path in sources(root)}
    lengths = {name: len(text.splitlines()) for name, text in modules.items() if text.strip()}
    tell("modules", lengths)
    tell("functions", {f"{name}: {at}": lines for name in modules for at, lines in functions(modules[name])})


def sources(root: Path) -> Iterator[Path]:
    """The code of our apps; migrations are written by Django."""
    for app in APPS:
        yield from (path for path in sorted((root / app).rglob("*.py")) if path.parent.name != "migrations")


def functions(source: str) -> Iterator[tuple[str, int]]:
    """Name and lines of each function, decorators left out."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            yield node.name, node.end_lineno - node.lineno + 1


def tell(what: str, lengths: dict[str, int]) -> None:
    """One row, and what is longest."""
    middle, most = median(lengths.values()), max(lengths.values())
    sys.stdout.write(
        f"{len(lengths)} {what}: {middle:g} / {percentile(list(lengths.values()), 0.9)} / {most}\n"
    )
    for name in sorted(lengths, key=lengths.__getitem__, reverse=True)[:LONGEST]:
        sys.stdout.write(f"  {lengths[name]} {name}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT)
