"""The document, compose.yaml, Containerfile, the systemd units and ``make run`` say the same thing."""

import ast
import configparser
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose

from huleedu.machine import latch
from huleedu.machine.latch import Latch
from huleedu.management.commands.backup import Command
from huleedu.run import application_children
from tests.documents import ROOT, VALUE, blocks

OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
BLOCKS = blocks("docs/operations.md")
WHERE = {match["name"]: match["value"] for match in VALUE.finditer(BLOCKS["where"])}
UNITS = ROOT / "deploy" / "systemd"
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
CONTAINERFILE = (ROOT / "Containerfile").read_text()
FILLED_IN = {"HTTP_PORT": "80", "HTTPS_PORT": "443", "SETTINGS": "./huleedu.env"}
PROCESSES = ("web", "relay", "standby", "steps")
CODE = ("manage.py", "batches", "essays", "files", "huleedu", "realtime", "results")
ROW = re.compile(r"^\| (?P<names>(?:`[A-Z][A-Z_0-9]+`(?:, )?)+) \|", re.MULTILINE)
PROCESS_ROW = re.compile(
    r"^\| (?P<name>\w+) \| [^|]+ \| `(?P<process>[a-z]+)` \| (?:`(?P<cluster>[a-z]+)`|–)"
    r" \| `(?P<command>[^`]+)` \|$",
    re.MULTILINE,
)
HARDENED = ("NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet=", "ProtectHome=yes")
PACED = ("KillMode=mixed", "Restart=always", "RestartSec=5s", "StartLimitBurst=60", "TimeoutStopSec=15s")
SECRETS = ("SECRET_KEY", "DATABASE_URL", "AWS_SECRET_ACCESS_KEY", "HULEEDU_METRICS_TOKEN", "REDIS_URL")


@dataclass(frozen=True)
class Said:
    """What one place says of a process: its variables, and what its interpreter is given."""

    process: str
    cluster: str | None
    command: tuple[str, ...]


def said(variables: dict[str, str], command: list[str]) -> Said:
    """As said, with addresses and ports left out, and without the interpreter."""
    words = [Path(word).name if word.endswith("/manage.py") else word for word in command]
    assert words.pop(0).endswith(".venv/bin/python")
    for option in ("-b", "-p"):
        if option in words:
            words[words.index(option) + 1] = "…"
    return Said(variables["HULEEDU_PROCESS"], variables.get("Q_CLUSTER_NAME"), tuple(words))


def table() -> dict[str, Said]:
    """The document's table of processes."""
    return {
        row["name"]: said(
            {"HULEEDU_PROCESS": row["process"]}
            | ({"Q_CLUSTER_NAME": row["cluster"]} if row["cluster"] else {}),
            [".venv/bin/python", *row["command"].split()],
        )
        for row in PROCESS_ROW.finditer(OPERATIONS)
    }


def typed(block: str) -> Said:
    """What the document has one type by hand."""
    words = shlex.split(BLOCKS[block])
    variables = {}
    while "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        variables[name] = value
    return said(variables, words)


class Unit(configparser.ConfigParser):
    """A systemd unit; the case of its words matters."""

    def optionxform(self, optionstr: str) -> str:
        """As it is."""
        return optionstr


def unit(name: str) -> configparser.SectionProxy:
    """The service part of a systemd unit of the larger installation."""
    return unit_at(UNITS / name)


def unit_at(path: Path) -> configparser.SectionProxy:
    """The service part of a systemd unit."""
    parser = Unit(strict=False, interpolation=None)
    parser.read(path)
    return parser["Service"]


def unit_of(process: str) -> str:
    """The file of a process's unit."""
    (found,) = UNITS.glob(f"huleedu-{process}*.service")
    return found.name


def test_the_table_has_every_process() -> None:
    assert tuple(table()) == PROCESSES


def test_make_run_starts_the_same_processes() -> None:
    opened = Latch()
    opened.open()
    children = application_children({"DATABASE_URL": "postgresql://nowhere"}, "127.0.0.1", 8000, opened)
    programs = {child.name: child.prepare() for child in children}
    found = {
        name: said(dict(each.environment), [".venv/bin/python", *each.command[1:]])
        for name, each in programs.items()
    }
    assert found == table()


@pytest.mark.parametrize("block", ["web-1", "web-2", "relay", "standby", "steps"])
def test_the_commands_by_hand_are_those_of_the_table(block: str) -> None:
    assert typed(block) == table()[block.partition("-")[0]]


@pytest.mark.parametrize("process", PROCESSES)
def test_the_units_run_the_same(process: str) -> None:
    service = unit(unit_of(process))
    variables = dict(word.split("=", 1) for word in service["Environment"].split())
    assert said(variables, service["ExecStart"].split()) == table()[process]
    assert variables["HULEEDU_VAR"] == service["ReadWritePaths"] == WHERE["HULEEDU_VAR"]
    assert service["EnvironmentFile"] == WHERE["SETTINGS"]
    assert service["ExecStart"].startswith(f"{service['WorkingDirectory']}/.venv/")
    assert f" {service['User']}\n" in BLOCKS["systemd"].splitlines()[0] + "\n"
    assert f"huleedu-{process}" in BLOCKS["systemd"]


@pytest.mark.parametrize("process", PROCESSES)
def test_the_units_are_hardened_and_do_not_spin(process: str) -> None:
    text = (UNITS / unit_of(process)).read_text()
    for line in (*HARDENED, *PACED):
        assert f"\n{line}\n" in text, line
    # Its files are read by children in a network namespace of their own.
    assert f"\nRestrictNamespaces={'user net' if process == 'steps' else 'yes'}\n" in text


def test_the_readers_of_files_may_build_their_walls() -> None:
    """systemd's own list for services has neither of them."""
    calls = unit(unit_of("steps"))["SystemCallFilter"].split()
    assert {"unshare", "landlock_create_ruleset", "landlock_restrict_self"} <= set(calls)


def test_systemd_understands_the_units(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is missing")
    for path in UNITS.iterdir():
        text = path.read_text().replace("/opt/huleedu/.venv/bin/python", sys.executable)
        (tmp_path / path.name.replace("@", "@1")).write_text(text.replace("=/opt/huleedu", f"={tmp_path}"))
    names = [str(path) for path in tmp_path.iterdir()]
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", *names], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_compose_is_well_formed() -> None:
    text = re.sub(
        r"\$\{(\w+)[^}]*\}", lambda match: FILLED_IN.get(match[1], "words"), yaml.safe_dump(COMPOSE)
    )
    found = PyCompose.from_yaml(text)
    found.validate()
    found.validate_networks()
    found.validate_secrets()
    found.validate_volumes()


def ours() -> dict[str, dict[str, Any]]:
    """The services that run our image."""
    return {name: each for name, each in COMPOSE["services"].items() if each["image"] == "huleedu"}


def test_compose_runs_the_same_processes() -> None:
    running = {name: each for name, each in ours().items() if name not in {"bucket", "prepare"}}
    assert running.keys() == {"web-1", "web-2", "relay", "standby", "steps"}
    for name, each in running.items():
        assert said(each["environment"], each["command"]) == table()[name.partition("-")[0]]
        assert "disable" not in each.get("healthcheck", {})
    once = [shlex.join(ours()[name]["command"]) for name in ("bucket", "prepare")]
    assert once == BLOCKS["prepare"].splitlines()[:2]


def test_compose_gives_our_processes_nothing_they_do_not_need() -> None:
    for each in ours().values():
        assert each["read_only"] is True
        assert each["cap_drop"] == ["ALL"]
        assert each["security_opt"] == ["no-new-privileges:true"]
        assert each["stop_grace_period"] == "15s"
        assert "privileged" not in each
        assert each["env_file"] == "${SETTINGS:-./huleedu.env}"
        assert set(each.get("environment", {})) <= {"HULEEDU_PROCESS", "Q_CLUSTER_NAME"}
        assert any(place.startswith("/var/lib/huleedu:") for place in each["tmpfs"])


def test_compose_uses_the_variables_of_step_one() -> None:
    text = (ROOT / "compose.yaml").read_text()
    assert set(re.findall(r"\$\{([A-Z_0-9]+)", text)) <= WHERE.keys()
    template = (ROOT / "deploy" / "nginx.conf.template").read_text()
    filled = set(re.findall(r"\$\{([A-Z_0-9]+)\}", template))
    assert filled == set(re.findall(r"\$([A-Z_0-9]+)", BLOCKS["proxy"].splitlines()[0]))
    assert filled == COMPOSE["services"]["proxy"]["environment"].keys()
    assert filled <= WHERE.keys()
    for web in ("WEB_1", "WEB_2"):
        address = COMPOSE["services"]["proxy"]["environment"][web]
        assert f"{web}={address}" in BLOCKS["containers"]
        service, port = address.split(":")
        assert COMPOSE["services"][service]["command"][-1] == port


def test_the_image_has_no_root_no_secret_and_all_the_code() -> None:
    assert "\nUSER 10001:10001\n" in CONTAINERFILE
    assert "\nHEALTHCHECK " in CONTAINERFILE
    assert '"-m", "huleedu.alive", "8001"' in CONTAINERFILE
    assert not [name for name in SECRETS if name in CONTAINERFILE]
    assert "--require-hashes" in CONTAINERFILE
    copied = set(re.findall(r"^COPY (\S+) ", CONTAINERFILE, re.MULTILINE))
    ignored = (ROOT / ".containerignore").read_text().splitlines()
    needed = {*CODE, "requirements.txt", "templates", "locale"}
    assert needed <= copied
    assert {f"!{name}" for name in needed} <= set(ignored)
    assert "*" in ignored
    assert "docs" in copied  # the essays of ``manage.py demo``


def test_hadolint_has_nothing_to_say() -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    done = subprocess.run([str(hadolint), "Containerfile"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def variables_in(document: str) -> set[str]:
    """The environment variables that a document's tables tell of."""
    text = (ROOT / "docs" / document).read_text(encoding="utf-8")
    return set(re.findall(r"`([A-Z][A-Z_0-9]+)`", "".join(re.findall(r"^\|.*$", text, re.MULTILINE))))


VARIABLE = re.compile(r"(HULEEDU|Q)_[A-Z_0-9]+|EMAIL_(URL|FROM)|SECRET_KEY\w*|DATABASE_URL|REDIS_URL")


def read_by_the_code() -> set[str]:
    """The names with which the code asks for environment variables."""
    files = [
        path
        for name in CODE
        for path in ([ROOT / name] if name.endswith(".py") else (ROOT / name).rglob("*.py"))
    ]
    found = set()
    for path in files:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                name = node.value
                if re.fullmatch(
                    r"(HULEEDU|Q)_[A-Z_0-9]+|EMAIL_(URL|FROM)|SECRET_KEY\w*|DATABASE_URL|REDIS_URL", name
                ):
                    found.add(name)
    return found


def test_every_variable_is_told() -> None:
    told = variables_in("operations.md") | variables_in("limits.md")
    contributing = set(re.findall(r"`?([A-Z][A-Z_0-9]+)=", (ROOT / "CONTRIBUTING.md").read_text()))
    among_ourselves = {latch.VARIABLE}  # the supervisor tells its children, and nobody else
    assert read_by_the_code() - told - contributing == among_ourselves


def test_the_settings_file_sets_what_is_told_and_read() -> None:
    (document,) = re.findall(r"<<END\n(.*?)^END$", BLOCKS["settings"], re.MULTILINE | re.DOTALL)
    names = {line.partition("=")[0] for line in document.splitlines()}
    rows = {name for row in ROW.finditer(OPERATIONS) for name in re.findall(r"`([A-Z_0-9]+)`", row["names"])}
    assert names <= rows
    assert {name for name in names if not name.startswith("AWS_")} <= read_by_the_code()
    assert {"SECRET_KEY", "DATABASE_URL", "REDIS_URL", "HULEEDU_S3_BUCKET", "AWS_SECRET_ACCESS_KEY"} <= names
    # A variable that the table tells of and nobody reads is a promise that nobody keeps.
    assert {name for name in rows if not name.startswith("AWS_")} <= read_by_the_code()


ONE = ROOT / "deploy" / "one-machine"


def test_the_unit_of_one_machine_shuts_in_as_the_others_do() -> None:
    """What the steps may, which read hostile files, and nothing more; its data outside the code."""
    one = unit_at(ONE / "huleedu.service")
    steps = unit(unit_of("steps"))
    free = {"ExecStart", "Environment", "#"}
    assert {name: value for name, value in one.items() if name not in free} == {
        name: value for name, value in steps.items() if name not in free
    }
    variables = dict(word.split("=", 1) for word in one["Environment"].split())
    assert variables["HULEEDU_VAR"] == one["ReadWritePaths"] == "/var/lib/huleedu"
    assert not variables["HULEEDU_VAR"].startswith(one["WorkingDirectory"])
    assert one["ExecStart"] == "/opt/huleedu/.venv/bin/python manage.py run"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is missing")
@pytest.mark.parametrize(
    "path", sorted([*UNITS.glob("*.service"), ONE / "huleedu.service"]), ids=lambda each: each.name
)
def test_no_unit_is_more_exposed_than_told(path: Path, tmp_path: Path) -> None:
    name = path.name.replace("@", "@1")
    (tmp_path / name).write_text(path.read_text())
    command = ["systemd-analyze", "security", "--offline=yes", "--no-pager", str(tmp_path / name)]
    done = subprocess.run(command, capture_output=True, text=True)
    found = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout + done.stderr)
    assert found, done.stderr
    told = [float(each) for each in re.findall(r"(?:calls it|web server alone) \(?([\d.]+)", OPERATIONS)]
    assert float(found[1]) <= max(told)


def test_the_proxy_of_one_machine_says_what_the_larger_ones_says() -> None:
    """Apart from names, ports and who is asked, and that it keeps what is not for teachers inside."""
    one = lines_of(ONE / "nginx.conf")
    larger = lines_of(ROOT / "deploy" / "nginx.conf.template")
    own = {
        line
        for line in one - larger
        if "huleedu" not in line
        and not line.startswith(("listen", "location = ", "return 503", "default_type"))
    }
    assert own == {"proxy_pass http://127.0.0.1:8000;"}
    assert {"client_max_body_size 65m;", "proxy_set_header Host $http_host;"} <= one & larger


def lines_of(path: Path) -> set[str]:
    """What a configuration says, without comments."""
    return {line.partition("#")[0].strip() for line in path.read_text().splitlines()} - {"", "}"}


@pytest.mark.skipif(
    shutil.which("logrotate", path="/usr/sbin:/usr/bin") is None, reason="logrotate is missing"
)
def test_logrotate_understands_its_file(tmp_path: Path) -> None:
    moved = tmp_path / "huleedu"
    moved.write_text((ONE / "logrotate").read_text().replace("su huleedu huleedu", ""))
    moved.chmod(0o644)
    command = ["logrotate", "--debug", "--state", str(tmp_path / "state"), str(moved)]
    done = subprocess.run(command, capture_output=True, text=True, env={"PATH": "/usr/sbin:/usr/bin"})
    assert done.returncode == 0
    assert "error" not in done.stderr


def backup_commands() -> dict[str, list[str]]:
    """What the nightly backup is started with, from the unit and from cron's file."""
    cron = (ROOT / "deploy" / "huleedu.cron").read_text().splitlines()[-1]
    return {
        "systemd": unit("huleedu-backup.service")["ExecStart"].split(),
        "cron": shlex.split(cron.partition("nice ")[2].partition(" >")[0]),
    }


@pytest.mark.parametrize("place", ["systemd", "cron"])
def test_the_nightly_backup_is_a_command_that_there_is(place: str) -> None:
    words = backup_commands()[place]
    assert [Path(word).name for word in words[:3]] == ["python", "manage.py", "backup"]
    told = Command().create_parser("manage.py", "backup").parse_args(words[3:])
    assert (str(told.where), str(told.key_file), told.keep) == (
        "/var/backups/huleedu",
        "/etc/huleedu-backup.pub",
        14,
    )
    assert str(told.where) in BLOCKS["backup-timer"]
    assert str(told.key_file) in OPERATIONS


def test_the_backups_unit_is_hardened_and_may_write_where_it_writes() -> None:
    service = unit("huleedu-backup.service")
    text = (UNITS / "huleedu-backup.service").read_text()
    for line in HARDENED:
        assert f"\n{line}\n" in text, line
    assert service["ReadWritePaths"].split() == [WHERE["HULEEDU_VAR"], "/var/backups/huleedu"]
    assert service["EnvironmentFile"] == WHERE["SETTINGS"]
    assert service["User"] == unit(unit_of("relay"))["User"]
