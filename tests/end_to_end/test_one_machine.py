"""HuleEdu installed on one machine from docs/operations.md: the unit's program, as its user, behind nginx."""

import configparser
import http.client
import json
import os
import pwd
import re
import shlex
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from websockets.sync.client import connect
from websockets.typing import Origin

from huleedu.machine import places
from tests.conftest import essay_bytes
from tests.documents import ROOT, blocks
from tests.faults.browser import NAME, Browser
from tests.faults.proxies import served
from tests.faults.wire import Form
from tests.installation import Installation, free_port, send, wait_until
from tests.larger import NGINX, make_certificate

pytestmark = [
    pytest.mark.live,
    pytest.mark.timeout(300),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can hand a folder to another user"),
    pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is missing"),
]
FOLDER = ROOT / "deploy" / "one-machine"
BLOCKS = blocks("docs/operations.md")


class Unit(configparser.ConfigParser):
    """A systemd unit; the case of its words matters."""

    def optionxform(self, optionstr: str) -> str:
        """As it is."""
        return optionstr


@dataclass
class Machine:
    """What one person has installed, with every folder and port of the document moved to a place of ours."""

    folder: Path
    port: int
    http: int
    https: int

    @property
    def state(self) -> Path:
        """In the place of ``/var/lib/huleedu``."""
        return self.folder / "state"

    def moved(self, text: str) -> str:
        """``text`` with our places."""
        for theirs, ours in {
            "/var/lib/huleedu": str(self.state),
            "/etc/": f"{self.folder}/etc/",
            "/opt/huleedu": str(ROOT),
            "listen 80;": f"listen 127.0.0.1:{self.http};",
            "listen 443 ssl;": f"listen 127.0.0.1:{self.https} ssl;",
            "127.0.0.1:8000": f"127.0.0.1:{self.port}",
        }.items():
            text = text.replace(theirs, ours)
        return text

    def do(self, *names: str) -> str:
        """Type blocks of the document, but for what would change this very machine."""
        lines = self.moved("\n".join(BLOCKS[name] for name in ("one-where", *names))).splitlines()
        kept = [line for line in lines if not re.match(r"(systemctl|nginx|apt|useradd|make) ", line)]
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", "\n".join(kept)], cwd=ROOT, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def unit(self) -> configparser.SectionProxy:
        """The service of the unit."""
        parser = Unit(strict=False, interpolation=None)
        parser.read(FOLDER / "huleedu.service")
        return parser["Service"]

    def variables(self) -> dict[str, str]:
        """What systemd would give the program."""
        words = shlex.split(self.moved(self.unit()["Environment"]))
        words += Path(self.moved(self.unit()["EnvironmentFile"])).read_text().split()
        return {"PATH": os.environ["PATH"], **dict(word.split("=", 1) for word in words)}


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """Steps 2 to 5."""
    folder = tmp_path_factory.mktemp("one")
    folder.chmod(0o755)
    for part in (
        "ssl/huleedu",
        "nginx/sites-available",
        "nginx/sites-enabled",
        "logrotate.d",
        "systemd/system",
    ):
        (folder / "etc" / part).mkdir(parents=True)
    places.service_account()  # makes the user where step 2 would
    found = Machine(folder, free_port(), free_port(), free_port())
    found.do("one-user")
    found.do("one-settings")
    secrets = folder / "etc" / "ssl" / "huleedu"
    make_certificate(str(secrets / "fullchain.pem"), str(secrets / "key.pem"))
    for name in ("nginx.conf", "logrotate", "huleedu.service"):
        assert (FOLDER / name).is_file()
    found.do("one-proxy")
    found.do("one-start")
    with (folder / "etc" / "huleedu.env").open("a") as settings:
        settings.write(f"HULEEDU_PORT={found.port}\n")
    return found


@pytest.fixture(scope="module")
def running(machine: Machine) -> Iterator[Installation]:
    """The unit's program, as written, and what systemd would do to end it."""
    command = shlex.split(machine.moved(machine.unit()["ExecStart"]))
    command[0] = sys.executable  # the environment of the tests is another
    with (machine.folder / "run.log").open("ab") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=machine.variables(), stdout=log, stderr=log, start_new_session=True
        )
    try:
        found = Installation(machine.state, machine.port, process)
        wait_until(lambda: found.get("/readyz").status == 200, 120, "HuleEdu is ready")
        found.read_accounts()
        yield found
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


@pytest.fixture(scope="module")
def browser(machine: Machine, running: Installation) -> Iterator[Browser]:
    """Somebody in front of nginx, which has the shipped file."""
    sites = machine.folder / "etc" / "nginx" / "sites-enabled" / "huleedu"
    text = machine.moved(sites.read_text())
    (machine.folder / "conf.d").mkdir()
    (machine.folder / "conf.d" / "huleedu.conf").write_text(text)
    main = NGINX.format(folder=machine.folder, user="user root;")
    (machine.folder / "nginx.conf").write_text(main)
    trust = ssl.create_default_context(cafile=str(machine.folder / "etc/ssl/huleedu/fullchain.pem"))
    trust.check_hostname = False
    command = ["nginx", "-c", str(machine.folder / "nginx.conf"), "-g", "daemon off;"]
    with served(command, machine.https):
        yield Browser(machine.https, trust)


def test_everything_runs_as_the_user_and_keeps_its_data_outside(
    machine: Machine, running: Installation
) -> None:
    user = machine.unit()["User"]
    assert running.process is not None
    assert Path(f"/proc/{running.process.pid}").stat().st_uid in {0, pwd.getpwnam(user).pw_uid}
    status = Path(f"/proc/{running.process.pid}/status").read_text()
    assert f"Uid:\t{pwd.getpwnam(user).pw_uid}\t" in status
    assert machine.state.stat().st_mode & 0o777 == 0o700
    assert {"secrets", "logs", "postgres"} <= {each.name for each in machine.state.iterdir()}
    assert "teacher" in machine.do("one-check")


def test_a_teacher_signs_in_and_sends_ten_megabytes(browser: Browser, running: Installation) -> None:
    status, page = browser.sign_in(*running.accounts["teacher"])
    assert status == 302, page
    token = running_token(browser, running)
    body = json.dumps({"expected_essay_count": 2, "language": "en"})
    told = {"Authorization": f"Bearer {token}", "Content_Type": "application/json"}
    status, _, page = browser.ask("POST", "/v1/batches/register", body, **told)
    assert status == 201, page
    largest = essay_bytes(1).ljust(10 * 1024 * 1024, b" ")
    form = Form(json.loads(page)["batch_id"], token, (("essay.txt", largest),))
    told["Content_Type"] = f"multipart/form-data; boundary={form.boundary}"
    status, _, page = browser.ask("POST", "/v1/files/batch", form.body, **told)
    assert status == 201, page
    address = f"wss://{browser.host}/ws/teacher/"
    headers = {"Authorization": told["Authorization"]}
    with (
        socket.create_connection(("127.0.0.1", browser.port)) as sock,
        connect(
            address,
            sock=sock,
            additional_headers=headers,
            origin=Origin(f"https://{browser.host}"),
            ssl=browser.trust,
        ) as live,
    ):
        assert json.loads(live.recv(10))["type"] == "hello"


def running_token(browser: Browser, running: Installation) -> str:
    username, password = running.accounts["teacher"]
    body = json.dumps({"username": username, "password": password})
    status, _, page = browser.ask("POST", "/v1/auth/token", body, Content_Type="application/json")
    assert status == 201, page
    return str(json.loads(page)["token"])


def test_watching_is_for_the_machine_itself(browser: Browser, running: Installation) -> None:
    assert running.get("/metrics").status == 200
    for path in ("/metrics", "/readyz"):
        assert browser.ask("GET", path)[0] == 404
    assert browser.ask("GET", "/healthz")[0] == 200


def test_plain_http_leads_to_https(machine: Machine, browser: Browser) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", machine.http, timeout=10)
    connection.request("GET", "/help/", headers={"Host": NAME})
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Location"]) == (301, f"https://{NAME}/help/")
    connection.close()


def test_a_direct_question_is_told_what_to_do(running: Installation) -> None:
    """As the wrong proxy would ask, on the machine itself."""
    answer = send(urllib.request.Request(f"{running.url}/"))
    assert answer.status == 500
    assert b"X-Forwarded-Proto" in answer.body
