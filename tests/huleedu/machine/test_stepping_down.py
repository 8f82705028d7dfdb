"""Started by root, HuleEdu becomes another user: from any folder, with all it needs and nothing else."""

import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from huleedu.machine import opening, places, programs, stepping_down
from huleedu.machine.places import InstallationError
from huleedu.machine.programs import BASE_DIR, Account

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="concerns a start by root")
NOBODY = Account(65534, 65534)
# Says whom it has become, what is open to it, and what it can still reach.
PROBE = """
import json, os, sys
from pathlib import Path
if os.getuid() == 0 and "again" not in sys.argv:
    from huleedu.machine import stepping_down
    warning = stepping_down.step_down(Path(sys.argv[1]), [__file__, *sys.argv[1:]], make=True)
else:
    warning = ""
import django, psycopg, huleedu.run
os.environ["SECRET_KEY"] = "x" * 60
os.environ["DJANGO_SETTINGS_MODULE"] = "huleedu.settings"
django.setup()
from django.template.loader import get_template
get_template("help.html")
var = Path(os.environ["HULEEDU_VAR"])
written = ""
try:
    (var / "written").unlink(missing_ok=True)
    (var / "written").write_text("x")
    written = "x"
except OSError as error:
    written = str(error)
def listed(path):
    try:
        return sorted(os.listdir(path))
    except OSError:
        return None
def writable(path):
    try:
        path.write_text("x")
    except OSError:
        return False
    path.unlink()
    return True
status = Path("/proc/self/status").read_text()
print(json.dumps({
    "uid": os.getresuid(), "gid": os.getresgid(), "groups": os.getgroups(), "pid": os.getpid(),
    "capabilities": [line.split()[1] for line in status.splitlines() if line[:6] in ("CapEff", "CapPrm")],
    "written": written, "warning": warning, "beside": listed(sys.argv[2]), "home": os.environ["HOME"],
    "code": writable(Path(huleedu.run.__file__).parent / "new.py"), "folder": os.getcwd(),
}))
"""
LINKS = ("manage.py", "requirements.txt", *opening.CODE)


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that everybody may enter, as ``/opt`` is."""
    folder = Path(tempfile.mkdtemp(prefix="huleedu-test-"))
    folder.chmod(0o755)
    yield folder
    subprocess.run(["rm", "-rf", folder], check=True)


def clone(folder: Path) -> Path:
    """The code in ``folder``, with the environment of these tests linked to."""
    folder.mkdir(parents=True)
    for name in LINKS:
        path = BASE_DIR / name
        if path.is_dir():
            shutil.copytree(path, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(path, folder / name)
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / "probe.py").write_text(PROBE)
    return folder


def probe(folder: Path, *before: str, var: Path | None = None, **variables: str) -> dict[str, Any]:
    """What a process of the clone in ``folder`` says, once it has stepped down."""
    hidden = {"DATABASE_URL", "REDIS_URL", "HULEEDU_VAR", "HULEEDU_STORAGE", "HULEEDU_STATIC", "HULEEDU_USER"}
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    var = var or folder / "var"
    command = [
        *before,
        str(folder / ".venv/bin/python"),
        str(folder / "probe.py"),
        str(var),
        str(folder.parent),
    ]
    done = subprocess.run(
        command,
        check=False,
        cwd=folder,
        env={**environment, "HULEEDU_VAR": str(var), **variables},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def service() -> Account:
    account = places.service_account()
    assert account
    return account


def assert_stepped_down(found: dict[str, Any], account: Account) -> None:
    assert found["uid"] == [account.uid] * 3
    assert found["gid"] == [account.gid] * 3
    assert (found["groups"], found["warning"], found["written"]) == ([], "", "x")
    assert {int(word, 16) for word in found["capabilities"]} == {0}
    assert not found["code"], "the code is not its to write"


def test_from_a_folder_for_all(place: Path) -> None:
    folder = clone(place / "huleedu")
    found = probe(folder)
    assert_stepped_down(found, service())
    assert (folder / "var").stat().st_uid == service().uid
    assert found["home"] == str(folder / "var")
    assert found["folder"] == str(folder)


def test_from_a_home_that_only_root_may_enter(place: Path) -> None:
    home = place / "home"
    folder = clone(home / "deep" / "huleedu")
    (home / "deep" / "letters").write_text("private")
    home.chmod(0o700)
    found = probe(folder)
    assert_stepped_down(found, service())
    assert found["beside"] is None, "only what is needed shows"
    assert sorted(path.name for path in (home / "deep").iterdir()) == ["huleedu", "letters"]
    assert home.stat().st_mode & 0o777 == 0o700


def test_from_a_home_of_somebody_else(place: Path) -> None:
    home = place / "anna"
    folder = clone(home / "huleedu")
    for path in (home, *home.rglob("*")):
        os.chown(path, 12345, 12345, follow_symlinks=False)
    home.chmod(0o700)
    assert_stepped_down(probe(folder), service())


def test_from_files_that_only_root_may_read(place: Path) -> None:
    folder = clone(place / "huleedu")
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o700 if path.is_dir() else 0o600)
    found = probe(folder)
    if "Invalid argument" in found["warning"] or "not allowed" in found["warning"]:
        pytest.skip(f"this kernel shows no files as another's: {found['warning']}")
    assert_stepped_down(found, service())
    assert (folder / "manage.py").stat().st_uid == 0


def test_through_links_to_python_in_a_folder_of_root(place: Path) -> None:
    """As pyenv and uv have it: ``.venv`` leads, link by link, to an interpreter that only root can reach."""
    folder = clone(place / "huleedu")
    hidden = place / "hidden"
    (hidden / "versions").mkdir(parents=True)
    (hidden / "versions" / "latest").symlink_to(Path(sys.prefix))
    (hidden / "shims").symlink_to("versions/latest")
    hidden.chmod(0o700)
    (folder / ".venv").unlink()
    (folder / ".venv").symlink_to(hidden / "shims")
    assert_stepped_down(probe(folder), service())


def test_the_state_folder_may_lie_in_another_folder_of_root(place: Path) -> None:
    folder = clone(place / "huleedu")
    (place / "kept").mkdir(mode=0o700)
    found = probe(folder, var=place / "kept" / "var", HULEEDU_STORAGE=str(place / "kept" / "store"))
    assert_stepped_down(found, service())
    assert (place / "kept" / "var" / "written").read_text() == "x"
    assert (place / "kept" / "store").stat().st_uid == service().uid


def test_without_the_right_to_mount_it_stays_root_and_says_so(place: Path) -> None:
    home = place / "home"
    folder = clone(home / "huleedu")
    home.chmod(0o700)
    without = ["setpriv", "--bounding-set", "-sys_admin", "--inh-caps", "-sys_admin"]
    found = probe(folder, *without)
    assert found["uid"] == [0, 0, 0]
    assert found["warning"].startswith("HuleEdu runs as root: the user huleedu cannot be let in")
    assert str(home) in found["warning"]
    assert "docs/operations.md" in found["warning"]
    (folder / "var" / "content").mkdir()
    assert_stepped_down(probe(folder), service())
    assert owners(folder / "var") == {service().uid}, "what root left is given away"


def test_what_root_leaves_while_it_runs_is_given_away_when_it_has_ended(place: Path) -> None:
    var = place / "var"
    old_state_folder(var)
    stepping_down.hand_over(var, service())
    stepping_down.stay(var, "It is asked for.")
    lock = programs.try_lock(var / "run")
    assert lock
    stepping_down.hand_over(var, service())  # a command meanwhile
    (var / "content" / "raw" / "0a" / "later").write_text("by root")
    os.close(lock)
    stepping_down.hand_over(var, service())
    assert owners(var) == {service().uid}
    assert not (var / stepping_down.MARK).exists()


def test_root_may_be_asked_for_and_says_so(place: Path) -> None:
    found = probe(clone(place / "huleedu"), HULEEDU_USER="root")
    assert found["uid"] == [0, 0, 0]
    assert "HULEEDU_USER=root asks for it" in found["warning"]


def test_somebody_else_may_be_named(place: Path) -> None:
    found = probe(clone(place / "huleedu"), HULEEDU_USER="nobody")
    assert_stepped_down(found, NOBODY)


def test_a_user_who_does_not_exist_is_said_plainly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HULEEDU_USER", "nobody-here")
    with pytest.raises(InstallationError, match="There is no user 'nobody-here'"):
        stepping_down.account_for(tmp_path)


def test_it_becomes_the_owner_of_the_state_folder(tmp_path: Path) -> None:
    os.chown(tmp_path, 12345, 12346)
    assert stepping_down.account_for(tmp_path) == Account(12345, 12346)


def old_state_folder(var: Path) -> None:
    """As a start by root of an older release leaves it."""
    places.make_state_folder(var, service())
    (var / "content" / "raw" / "0a").mkdir(parents=True)
    for name in (
        "content/raw/0a/essay",
        "logs/web.log",
        "run/web.pid",
        "secrets/secret-key",
        "migrated.json",
    ):
        (var / name).write_text(name)
        (var / name).chmod(0o600)
    places.make_server_folder(var, "postgres", service())


def owners(folder: Path) -> set[int]:
    return {path.lstat().st_uid for path in (folder, *folder.rglob("*"))}


def test_an_older_state_folder_is_handed_over(place: Path) -> None:
    var = place / "var"
    old_state_folder(var)
    stepping_down.hand_over(var, service())
    assert owners(var) == {service().uid}
    assert (var / "secrets" / "secret-key").stat().st_mode & 0o777 == 0o600


def test_a_hand_over_that_was_cut_off_goes_on(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    var = place / "var"
    old_state_folder(var)

    def cut_off(*_arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(stepping_down, "LARGE_PARTS", ())
        context.setattr(stepping_down, "give_elsewhere", cut_off)
        context.setenv("HULEEDU_STATIC", str(place / "static"))
        with pytest.raises(KeyboardInterrupt):
            stepping_down.hand_over(var, service())
    assert (var / "content" / "raw" / "0a" / "essay").stat().st_uid == 0
    stepping_down.hand_over(var, service())
    assert 0 not in owners(var)


def test_what_is_not_ours_is_never_given_away(place: Path) -> None:
    var, other = place / "var", place / "other"
    old_state_folder(var)
    other.write_text("of root")
    (var / "content" / "link").symlink_to(other)
    (var / "content" / "raw" / "hard").hardlink_to(other)
    (var / "letters").mkdir()
    (var / "cache").symlink_to(place)
    stepping_down.hand_over(var, service())
    assert {other.stat().st_uid, (var / "letters").stat().st_uid, place.stat().st_uid} == {0}


def test_a_folder_with_other_things_is_refused(place: Path) -> None:
    (place / "letters").mkdir()
    with pytest.raises(InstallationError, match=r"holds other things \(letters\)"):
        stepping_down.hand_over(place, service())
    assert place.stat().st_uid == 0


@pytest.mark.parametrize("name", ["makemessages", "makemigrations", "help", "create_account"])
def test_commands_stay_where_there_is_nothing_to_spoil(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stepping_down, "step_down", lambda *_: pytest.fail("it steps down"))
    stepping_down.before(name, tmp_path / "var", ["manage.py", name])


@pytest.mark.parametrize(
    "name", ["create_account", "demo", "verify_store", "collectstatic", "migrate", "shell"]
)
def test_commands_step_down_where_there_is_an_installation(
    name: str, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []

    def step_down(*words: object, make: bool) -> str:
        asked.append(words)
        assert not make, "a folder that is missing may be a disk that is not there"
        return "HuleEdu runs as root"

    monkeypatch.setattr(stepping_down, "step_down", step_down)
    old_state_folder(place / "var")
    stepping_down.before(name, place / "var", ["manage.py", name])
    assert asked == [(place / "var", ["manage.py", name])]
    assert "as root" in capsys.readouterr().err


def test_the_service_user_is_there() -> None:
    assert pwd.getpwuid(service().uid).pw_name in {"huleedu", "nobody"}


def test_an_install_says_what_the_services_user_cannot_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As a Python that root keeps at home, or code that was cloned with a umask of 077."""
    monkeypatch.setattr(stepping_down, "compile_code", lambda: None)
    tmp_path.chmod(0o700)
    python = tmp_path / "python"
    python.symlink_to("/bin/true")
    monkeypatch.setattr(sys, "executable", str(python))
    told = stepping_down.after_install()
    assert f"cannot read {python}" in told or f"cannot read {tmp_path}" in told
    assert "PYTHON=/usr/bin/python3" in told
