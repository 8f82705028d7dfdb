"""The web server without limits on how often somebody asks, for tests that do nothing else."""

import sys
from dataclasses import replace

from huleedu.machine import places, stepping_down

if __name__ == "__main__":  # before it knows anything that only root may read
    stepping_down.before("web", places.state_folder(), ["-m", "tests.faults.patient_server", *sys.argv[1:]])

from huleedu import server
from huleedu.asgi import application  # before anything that needs Django's applications

from files.api import UploadThrottle  # isort: skip
from huleedu.accounts import doors  # isort: skip
from huleedu.api.api_view import CallerThrottle  # isort: skip
from huleedu.api.throttle import Throttle  # isort: skip

NEVER = Throttle("never", limit=1_000_000_000, seconds=3600)
for throttle in (CallerThrottle, UploadThrottle):
    throttle.per_user = throttle.per_token = NEVER
doors.PAIR = replace(doors.PAIR, free=NEVER.limit)
doors.NAME = replace(doors.NAME, free=NEVER.limit)
doors.NETWORK = replace(doors.NETWORK, free=NEVER.limit)

if __name__ == "__main__":
    assert application
    server.main(sys.argv[1:])
