"""The code of before: a commit, checked out into a temporary folder, and a Python that fits it."""

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests import guard
from tests.benchmarks.measure import note
from tests.installation import ROOT, Installation

COMMIT = "1114f00"
CACHE = ROOT / "var" / "benchmarks"


@dataclass
class OldInstallation(Installation):
    """An installation of the code in ``root``, which ``python`` runs."""

    root: Path = ROOT
    python: str = sys.executable

    @property
    def command(self) -> list[str]:
        """What starts everything, there."""
        return ["env", f"--chdir={self.root}", self.python, "-m", "huleedu.run"]


@contextmanager
def checkout() -> Iterator[Path]:
    """A folder with the commit's files. Raises CalledProcessError where the clone has no such commit."""
    with guard.folder("huleedu-old-") as folder:
        folder.chmod(0o755)  # its servers may run as another user
        archive = subprocess.run(["git", "archive", COMMIT], cwd=ROOT, check=True, stdout=subprocess.PIPE)
        subprocess.run(["tar", "-x"], cwd=folder, input=archive.stdout, check=True)
        yield folder


def python_for(root: Path) -> str:
    """A Python with what the code in ``root`` needs: this one, else one that is kept in ``CACHE``."""
    if fits(sys.executable, root):
        return sys.executable
    wanted = root / "requirements.txt"
    folder = CACHE / hashlib.sha256(wanted.read_bytes()).hexdigest()[:16]
    python = str(folder / "bin" / "python")
    if not (folder / ".complete").exists():
        note(f"making an environment for {COMMIT} in {folder}")
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--require-hashes"]
        subprocess.run([*pip, "-r", str(wanted)], check=True)
        (folder / ".complete").touch()
    if not fits(python, root):
        raise SystemExit(f"{COMMIT} runs neither with {sys.executable} nor with its own requirements.")
    return python


def fits(python: str, root: Path) -> bool:
    """Whether the code in ``root`` can be loaded: Django's own checks pass."""
    done = subprocess.run([python, "manage.py", "check"], cwd=root, check=False, capture_output=True)
    return done.returncode == 0
