"""What the clients of a chaos run asked and were answered: a JSON line each, as the answers came."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class History:
    """An append-only file of facts, safe to write from any thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._file = path.open("a", encoding="utf-8")

    def note(self, kind: str, **facts: Any) -> None:
        """Write one fact."""
        line = json.dumps({"at": time.time(), "kind": kind, **facts}, ensure_ascii=False)
        with self._lock:
            if not self._file.closed:
                self._file.write(f"{line}\n")

    def close(self) -> None:
        """Write what is buffered; what comes later is not kept."""
        with self._lock:
            self._file.close()


def read_history(path: Path) -> Iterator[dict[str, Any]]:
    """The facts of a finished run."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)
