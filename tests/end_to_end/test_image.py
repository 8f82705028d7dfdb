"""The image's processes as the image runs them: another user, no rights, nothing writable but two folders.

No container engine is needed: what Containerfile copies lies in a folder, the whole file system is
read-only in a mount namespace of its own, and capabilities and privileges are given up as compose.yaml says.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

from tests.benchmarks.material import as_docx
from tests.conftest import essay_bytes
from tests.documents import ROOT, Shell
from tests.installation import Answer, Installation, bearer, free_port, send, wait_until
from tests.larger import missing, servers

UNSHARE = shutil.which("unshare") or "unshare"


def can_mount() -> bool:
    """Whether this process may have file systems of its own."""
    try:
        command = [UNSHARE, "--mount", "mount", "-t", "tmpfs", "tmpfs", "/opt"]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0
    except OSError:
        return False


pytestmark = [
    pytest.mark.live,
    pytest.mark.timeout(400),
    pytest.mark.skipif(not can_mount(), reason="mount namespaces are not permitted here"),
    pytest.mark.skipif(bool(missing()), reason=f"these programs are missing: {', '.join(missing())}"),
]
CONTAINERFILE = (ROOT / "Containerfile").read_text()
USER = re.findall(r"^USER (\d+):(\d+)$", CONTAINERFILE, re.MULTILINE)[0]
WORK = "/opt/huleedu"
STATE = "/var/lib/huleedu"
SPOOL = "/tmp"  # noqa: S108
PROXIED = {"X-Forwarded-Proto": "https"}
SERVICES = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
# Binds first, then covers what lies in the way: the interpreter may be in a folder that only root can enter.
ENTER = """
set -e
mount --bind {base} {stage}/base; mount --bind {venv} {stage}/venv; mount --bind {image} {stage}/image
{cover}
mount -t tmpfs tmpfs /opt; mkdir {work}
mount --bind {stage}/image {work}; mount --bind {stage}/venv {work}/.venv
mount -t tmpfs tmpfs /var/lib; mkdir {state}
mount -t tmpfs -o uid={uid},gid={gid},mode=0700 tmpfs {state}; mount -t tmpfs -o mode=1777 tmpfs /tmp
mount -o remount,ro,bind {work}; mount -o remount,ro,bind {work}/.venv
mount -o remount,ro /opt; mount -o remount,ro /var/lib; mount -o remount,ro,bind /
cd {work}
rights="--clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all"
exec setpriv --reuid {uid} --regid {gid} $rights "$@"
"""
COVER = "mount -t tmpfs -o mode=0755 tmpfs {top}; mkdir -p {base}; mount --bind {stage}/base {base}"


def closed_to_others(path: Path) -> Path | None:
    """The first folder on the way to ``path`` that others cannot enter."""
    way = [*reversed(path.parents), path]
    return next((folder for folder in way if not folder.stat().st_mode & 0o001), None)


@dataclass
class Image:
    """What the image holds, and a way to run it."""

    folder: Path
    settings: dict[str, str]

    def command(self, *words: str) -> list[str]:
        """The command line that enters a fresh container and runs ``words`` there."""
        stage, base = self.folder / "stage", Path(sys.base_prefix).resolve()
        top = closed_to_others(base)
        places = {"base": base, "venv": Path(sys.prefix).resolve(), "stage": stage}
        script = ENTER.format(
            **places,
            image=self.folder / "image",
            cover=COVER.format(top=top, **places) if top else "",
            work=WORK,
            state=STATE,
            uid=USER[0],
            gid=USER[1],
        )
        return [UNSHARE, "--mount", "sh", "-c", script, "container", *words]

    def environment(self, own: dict[str, str]) -> dict[str, str]:
        """What the image and compose.yaml set, and the settings."""
        image = {
            "HULEEDU_VAR": STATE,
            "PYTHONDONTWRITEBYTECODE": "1",
            "PATH": "/usr/bin:/bin:/usr/sbin:/sbin",
        }
        return {**image, **self.settings, **own}

    def run(self, words: list[str], own: dict[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
        """Run something to its end."""
        return subprocess.run(
            self.command(*words),
            check=False,
            env=self.environment(own or {}),
            capture_output=True,
            text=True,
            timeout=120,
        )


@dataclass
class Containers:
    """The image's processes at work."""

    image: Image
    port: int
    started: dict[str, "subprocess.Popen[bytes]"]

    def start(self, service: str) -> None:
        """One of compose.yaml's services; the web gets a port of ours."""
        told = SERVICES[service]
        words = [str(self.port) if word == "8001" else word for word in told["command"]]
        with (self.image.folder / f"{service}.log").open("ab") as log:
            self.started[service] = subprocess.Popen(
                self.image.command(*words),
                env=self.image.environment(told["environment"]),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def is_healthy(self, service: str) -> bool:
        """The image's own health check."""
        words = [".venv/bin/python", "-m", "huleedu.alive", str(self.port)]
        return self.image.run(words, SERVICES[service]["environment"]).returncode == 0

    def processes(self) -> list[int]:
        """All of their processes, those of the sandbox included."""
        leaders = [process.pid for process in self.started.values()]
        found = list(leaders)
        for pid in found:
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                found += [int(child) for child in children.read_text().split()]
        return found

    def stop(self) -> None:
        """As the engine does: the first process is told, and after its grace everything is killed."""
        for process in self.started.values():
            process.terminate()
        for process in self.started.values():
            try:
                process.wait(15)
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    """The image built as Containerfile says, and settings written as the document says."""
    folder = tmp_path_factory.mktemp("image")
    folder.chmod(0o711)
    for name in ("base", "venv", "image"):
        (folder / "stage" / name).mkdir(parents=True)
    for source in re.findall(r"^COPY (?!--)(\S+) ", CONTAINERFILE, re.MULTILINE):
        target = folder / "image" / source
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            target.parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / source, target)
    (folder / "image" / ".venv").mkdir()
    with servers(folder) as values:
        shell = Shell(values | {"HULEEDU_VAR": str(folder / "unused")})
        for blocks in (("settings",), ("read", "database")):
            command = shell.script(*blocks)
            subprocess.run(command, check=True, cwd=folder, env=shell.variables(), capture_output=True)
        lines = (folder / "huleedu.env").read_text().splitlines()
        yield Image(folder, dict(line.split("=", 1) for line in lines))


@pytest.fixture(scope="module")
def containers(image: Image) -> Iterator[Containers]:
    """The one-shot services done, the others started and healthy."""
    for service in ("bucket", "prepare"):
        done = image.run(SERVICES[service]["command"])
        assert done.returncode == 0, done.stderr
    found = Containers(image, free_port(), {})
    try:
        for service in ("web-1", "relay", "standby", "steps"):
            found.start(service)
        for service in found.started:
            wait_until(partial(found.is_healthy, service), 60, f"{service} is healthy")
        yield found
    finally:
        found.stop()


def test_files_are_read_and_checked(containers: Containers) -> None:
    done = containers.image.run([".venv/bin/python", "manage.py", "create_account", "teacher", "alma.berg"])
    site = AsProxy(Path(STATE), containers.port)
    site.accounts["teacher"] = ("alma.berg", done.stdout.strip())
    token = site.token()
    body = {"expected_essay_count": 3, "language": "en"}
    batch = site.post("/v1/batches/register", body, token).body["batch_id"]
    data = {
        "one.txt": essay_bytes(1),
        "two.docx": as_docx(essay_bytes(2).decode()),
        "three.txt": essay_bytes(3),
    }
    for name, content in data.items():
        assert site.upload(batch, token, name, content, str(uuid4())).status == 201
    address = f"/v1/batches/{batch}/status"
    wait_until(lambda: site.get(address, token).body["status"] == "completed", 60, "the batch is complete")
    assert len(site.get(f"/v1/batches/{batch}/results", token).body["essays"]) == 3


def test_no_process_has_a_right_it_does_not_need(containers: Containers) -> None:
    found = containers.processes()
    assert len(found) >= 12
    for pid in found:
        status = dict(
            re.findall(r"^(\w+):[ \t]*(.*)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
        )
        assert set(status["Uid"].split()) == {USER[0]}, status["Name"]
        assert set(status["Gid"].split()) == {USER[1]}
        assert not status["Groups"].strip()
        assert status["NoNewPrivs"] == "1"
        assert {int(status[name], 16) for name in ("CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb")} == {0}


@pytest.mark.parametrize("place", [WORK, f"{WORK}/huleedu", "/", "/var/lib", "/etc", "/var/log"])
def test_nothing_else_can_be_written(image: Image, place: str) -> None:
    done = image.run(["touch", f"{place}/new"])
    assert done.returncode != 0
    assert "Read-only file system" in done.stderr
    assert image.run(["touch", f"{SPOOL}/new", f"{STATE}/new"]).returncode == 0


def test_a_reader_of_files_has_no_network_here_either(image: Image) -> None:
    code = (
        "import os, socket; from files.steps import confinement\n"
        "confinement._leave_network = lambda: None  # as an engine that permits no namespaces\n"
        "confinement.seal(os.getppid())\n"
        "try: socket.socket()\n"
        "except PermissionError: print('refused')\n"
    )
    assert image.run([".venv/bin/python", "-c", code]).stdout == "refused\n"


def test_an_unhealthy_process_is_told(containers: Containers) -> None:
    words = [".venv/bin/python", "-m", "huleedu.alive", str(free_port())]
    assert containers.image.run(words, {"HULEEDU_PROCESS": "web"}).returncode == 1
    nobody = {"HULEEDU_PROCESS": "relay", "DATABASE_URL": containers.image.settings["DATABASE_URL"]}
    os.killpg(containers.started["relay"].pid, signal.SIGKILL)
    wait_until(lambda: containers.image.run(words, nobody).returncode == 1, 20, "the relay is missed")


class AsProxy(Installation):
    """A client that says what the proxy would."""

    def get(self, path: str, token: str | None = None) -> Answer:
        """GET ``path``."""
        return send(urllib.request.Request(f"{self.url}{path}", headers=PROXIED | bearer(token)))

    def post(self, path: str, body: Any, token: str | None = None, method: str = "POST") -> Answer:
        """POST JSON."""
        headers = {"Content-Type": "application/json", **PROXIED, **bearer(token)}
        return send(urllib.request.Request(f"{self.url}{path}", json.dumps(body).encode(), headers))

    def upload_request(
        self, batch_id: str, token: str, filename: str, data: bytes, key: str
    ) -> urllib.request.Request:
        """The request that sends one file."""
        request = super().upload_request(batch_id, token, filename, data, key)
        for name, value in PROXIED.items():
            request.add_header(name, value)
        return request
