"""``python -m huleedu.alive [PORT]``: does this machine's process of kind ``HULEEDU_PROCESS`` work? 0 or 1.

What the supervisor asks of its children, for whoever supervises containers: a web (on ``PORT``) answers, a
relay leads or stands by, and the machine's step workers give signs of life. Those of every machine count as
stuck while due work is left and none is at it. A database that is away says nothing about workers.
"""

import os
import sys
from collections.abc import Callable

from files.steps.confinement import hide_memory
from huleedu.machine.heartbeat import Asking, RelayWatch, steps_watch
from huleedu.run import web_answers


def check_of(process: str, database_url: str, port: int) -> Callable[[], bool]:
    """The question to a process of one kind. Raises KeyError for a kind that nobody asks."""
    asking = Asking(database_url)
    questions: dict[str, Callable[[], bool]] = {
        "web": lambda: web_answers("127.0.0.1", port),
        "relay": RelayWatch(asking).of("relay"),
        "standby": RelayWatch(asking).of("standby"),
        "steps": steps_watch(asking),
    }
    return questions[process]


def main(arguments: list[str]) -> int:
    """Returns 0 when the process works."""
    hide_memory()
    port = int(arguments[0]) if arguments else 8000
    healthy = check_of(os.environ["HULEEDU_PROCESS"], os.environ.get("DATABASE_URL", ""), port)
    return 0 if healthy() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
