"""The web server with short patience, so that tests need not wait as long as people do."""

import sys

from huleedu.machine import places, stepping_down

if __name__ == "__main__":  # before it knows anything that only root may read
    stepping_down.before("web", places.state_folder(), ["-m", "tests.faults.hasty_server", *sys.argv[1:]])

from daphne import server as daphne_server
from daphne.ws_protocol import WebSocketFactory

from huleedu import server
from huleedu.asgi import application
from realtime import consumers

server.HEADER_SECONDS = 1.5
server.IDLE_SECONDS = 1.0
server.TOTAL_SECONDS = 4.0
server.LINGER_SECONDS = 0.5
consumers.HEARTBEAT_SECONDS = 1
consumers.RECHECK_SECONDS = 1
consumers.SEND_SECONDS = 1.0


class Patient(WebSocketFactory):
    """A goodbye lies ready for this long, so that a test on a busy machine comes in time to read it."""

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)
        self.setProtocolOptions(closeHandshakeTimeout=5)


vars(daphne_server)["WebSocketFactory"] = Patient

if __name__ == "__main__":
    assert application
    vars(server)["hide_memory"] = lambda: False  # tests look at what it has open
    server.main(["--ping-interval", "2", "--ping-timeout", "2", *sys.argv[1:]])
