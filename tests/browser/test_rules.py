"""What the browser's scripts decide for themselves, they decide as the server does."""

import re
from pathlib import Path

from django.conf import settings

from batches.models import Batch
from files.models import FileUpload

FILES = Path(settings.BASE_DIR) / "files" / "static" / "files"
STATE = Path(settings.BASE_DIR) / "realtime" / "static" / "realtime" / "batch-state.js"


def names(path: Path, before: str, after: str) -> list[str]:
    """The quoted names that stand in a script between two pieces of it."""
    return re.findall(r'"(\w+)"', path.read_text().partition(before)[2].partition(after)[0])


def test_the_same_batches_are_open() -> None:
    assert set(names(FILES / "batch-panel.js", "const OPEN = new Set([", "]")) == Batch.OPEN


def test_the_same_files_need_attention() -> None:
    told = {*FileUpload.NEEDS_ATTENTION, "unsent"}  # which only a browser has
    assert set(names(FILES / "file-list.js", "attention: new Set([", "]")) == told
    counted = re.findall(r"n\.(\w+)", STATE.read_text().partition("attention: ")[2].partition(",\n")[0])
    assert set(counted) == told
