"""Makes Python's sleep work under faketime, which misreads waits until a time of the monotonic clock."""

import select
import time


def sleep(seconds: float) -> None:
    """As ``time.sleep``, by a wait that faketime leaves alone."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        select.select([], [], [], left)


vars(time)["sleep"] = sleep
