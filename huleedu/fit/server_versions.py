"""Which database and which Valkey run here; told at the start and noted for the support page."""

import json
import subprocess
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from pathlib import Path

from huleedu.embedded import PostgresServer
from huleedu.machine import places

NOTE = "servers.json"  # in the state folder's part ``run``


@dataclass(frozen=True)
class Ours:
    """A server that was started with HuleEdu: which one, its version, whether it is the embedded one."""

    name: str
    version: str
    embedded: bool
    words: str = ""


def of_ours(var: Path, names: Collection[str]) -> list[Ours]:
    """What runs in ``var`` of the servers called ``names``. Raises InstallationError when there is none."""
    found = []
    if "postgres" in names:
        chosen = PostgresServer(var).choice()
        found.append(Ours("postgres", chosen.version, chosen.embedded, str(chosen)))
    if "valkey" in names:
        version = valkey_version(places.binaries(None).valkey)
        found.append(
            Ours("valkey", version, True, f"Valkey {version} runs, the embedded one; it keeps nothing.")
        )
    return found


def valkey_version(program: Path) -> str:
    """What ``program`` says of itself, like ``9.1.0``; empty when it says nothing."""
    said = subprocess.run(  # noqa: S603
        [str(program), "--version"], check=False, capture_output=True, text=True
    ).stdout.split()
    return next((word.removeprefix("v=") for word in said if word.startswith("v=")), "")


def note(var: Path, ours: Collection[Ours], tell: Callable[[str], None]) -> None:
    """Tell what runs, and remember it for as long as it does."""
    for each in ours:
        tell(each.words)
    partial = var / "run" / f"{NOTE}.partial"
    partial.write_text(json.dumps([asdict(each) for each in ours]))
    partial.replace(var / "run" / NOTE)


def noted(var: Path) -> dict[str, Ours]:
    """By name, the servers that the last start in ``var`` brought along; empty when there were none."""
    try:
        found = [Ours(**each) for each in json.loads((var / "run" / NOTE).read_text())]
    except (OSError, ValueError, TypeError):
        return {}
    return {each.name: each for each in found}
