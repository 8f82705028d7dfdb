"""How often someone may try: counted in the cache, forgotten by itself."""

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

    def forget(self, *key: str) -> None:
        """Start counting anew."""
        cache.delete(self._entry(key))

    def _entry(self, key: tuple[str, ...]) -> str:
        digest = hashlib.sha256("\x1f".join(key).encode()).hexdigest()
        return f"throttle:{self.name}:{digest}"


SIGN_IN = Throttle("sign-in", limit=10, seconds=300)
