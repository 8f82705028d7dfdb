"""How often a caller of the API may ask one process: counted in its memory, forgotten by itself."""

import hashlib
from dataclasses import dataclass

from django.core.cache import cache


@dataclass(frozen=True)
class Throttle:
    """At most ``limit`` tries in ``seconds`` for the same key; counting starts at the first."""

    name: str
    limit: int
    seconds: int

    def allows(self, *key: str) -> bool:
        """Count a try; False when it is one too many."""
        entry = self._entry(key)
        cache.add(entry, 0, self.seconds)
        try:
            return cache.incr(entry) <= self.limit
        except ValueError:  # it ended between the two lines
            return True

    def _entry(self, key: tuple[str, ...]) -> str:
        digest = hashlib.sha256("\x1f".join(key).encode()).hexdigest()
        return f"throttle:{self.name}:{digest}"
