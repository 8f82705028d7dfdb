"""Real processes that do not fit together: each refuses in words, quickly, and the others name it."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.conftest import essay_bytes
from tests.end_to_end.test_installation import DONE, accepted, register, wait_for_status
from tests.installation import Installation, free_port, wait_until
from tests.parts import Larger, Part, database, new_key

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]
ROLES = ("web", "relay", "standby", "steps")
UNFIT = os.EX_CONFIG
FUTURE = "INSERT INTO django_migrations (app, name, applied) VALUES ('files', '0999_of_the_future', now())"


@pytest.fixture(scope="module")
def var(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder for all tests: preparing dictionaries takes seconds."""
    return tmp_path_factory.mktemp("var")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, var: Path) -> Iterator[str]:
    """The name of a database with every table."""
    name = f"fit_{uuid4().hex[:8]}"
    with database(name) as url:
        done = Larger(tmp_path_factory.mktemp("template"), url, var).manage("migrate", SECRET_KEY="")
        assert done.returncode == 0, done.stderr
        yield name


@pytest.fixture
def larger(template: str, tmp_path: Path, var: Path) -> Iterator[Larger]:
    """An installation that nobody has started."""
    with database(f"fit_{uuid4().hex[:8]}", template) as url:
        found = Larger(tmp_path, url, var)
        try:
            yield found
        finally:
            found.end()


def refused(part: Part, *words: str) -> None:
    assert part.ended() == UNFIT, part.said()
    for word in words:
        assert word in part.said()
    assert "Traceback" not in part.said()


def test_without_a_key_nobody_starts_and_none_is_made(larger: Larger) -> None:
    larger.var = larger.folder / "var"
    secrets = larger.var / "secrets"
    secrets.mkdir(parents=True)
    for part in [larger.start(role, SECRET_KEY="") for role in ROLES]:
        refused(part, "SECRET_KEY is not set", "Every process of an installation needs the same one")
    refused(larger.start("standby", SECRET_KEY="short"), "SECRET_KEY is too short")
    assert list(secrets.iterdir()) == []


def test_a_state_folders_key_is_not_borrowed(larger: Larger) -> None:
    larger.var = larger.folder / "var"
    secrets = larger.var / "secrets"
    secrets.mkdir(parents=True)
    (secrets / "secret-key").write_text(new_key())
    refused(larger.start("steps", SECRET_KEY=""), "SECRET_KEY is not set")


def test_another_key_is_refused_and_named_everywhere(larger: Larger) -> None:
    web = larger.start("web")
    larger.start("relay")
    larger.start("steps")
    larger.wait_for("web", "relay", "steps")
    wait_until(lambda: web.get("/readyz").status == 200, 30, "ready")
    done = larger.manage("check_installation")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "All processes fit."), done
    key = new_key()
    for part in [larger.start(role, SECRET_KEY=key) for role in ROLES]:
        refused(part, "SECRET_KEY is not the key of this installation")
    answer = web.get("/readyz")
    assert (answer.status, answer.body["status"]) == (200, "degraded"), "the others work on"
    assert [each["differs"] for each in answer.body["differences"]] == ["refused"] * len(ROLES)
    done = larger.manage("check_installation")
    assert done.returncode == 1
    assert "did not start. SECRET_KEY is not the key of this installation" in done.stdout
    for text in (str(answer.body), done.stdout, *(part.said() for part in larger.parts)):
        assert key not in text
        assert larger.key not in text
    larger.start("standby")
    wait_until(lambda: "standby-" not in str(web.get("/readyz").body), 60, "who fits is no longer told of")


def test_a_new_key_with_the_old_one_beside_it_is_taken(larger: Larger) -> None:
    larger.start("web")
    larger.wait_for("web")
    key = new_key()
    newer = larger.start("web", SECRET_KEY=key, SECRET_KEY_FALLBACKS=larger.key)
    wait_until(lambda: len(larger.execute("SELECT 1 FROM huleedu_relaypresence")) == 2, 60, "two webs")
    wait_until(lambda: newer.get("/readyz").body, 30, "it answers")
    checks = newer.get("/readyz").body["checks"]
    assert (checks["processes"], checks["agreement"]) == ("ok", "degraded")
    refused(larger.start("steps"), "SECRET_KEY is not the key of this installation")


def test_with_one_key_work_is_done_and_sessions_hold(larger: Larger) -> None:
    larger.manage("first_start")
    webs = [larger.start("web"), larger.start("web")]
    for role in ("relay", "steps"):
        larger.start(role)
    larger.wait_for("relay", "steps")
    wait_until(lambda: all(web.get("/readyz").status == 200 for web in webs), 60, "ready")
    one, two = (Installation(larger.var, web.port) for web in webs)
    one.read_accounts()
    token = one.token()
    batch = register(one, token, 1)
    accepted(two.upload(batch["batch_id"], token, "en.txt", essay_bytes(1), str(uuid4())))
    assert wait_for_status(one, token, batch["batch_id"], DONE)["status"] == "completed"


def test_code_older_than_the_database_is_refused(larger: Larger) -> None:
    larger.execute(FUTURE)
    for part in [larger.start(role) for role in ROLES]:
        refused(part, "does not know (files.0999_of_the_future)", "Start the newer HuleEdu")


@pytest.mark.parametrize("missing", ["0009_workitem_slow", "0008_fitting_together"], ids=["last", "middle"])
def test_code_newer_than_the_database_says_what_to_run(larger: Larger, missing: str) -> None:
    larger.execute("DELETE FROM django_migrations WHERE name = %s", missing)
    for part in [larger.start(role) for role in ROLES]:
        refused(part, f"(huleedu.{missing})", "Run: python manage.py migrate")


def test_a_database_without_tables_says_what_to_run(tmp_path: Path) -> None:
    with database(f"fit_{uuid4().hex[:8]}") as url:
        empty = Larger(tmp_path, url, tmp_path / "var")
        for part in [empty.start(role) for role in ROLES]:
            refused(part, "Run: python manage.py migrate")
        done = empty.manage("check_installation")
        assert done.returncode == 1
        assert "Run: python manage.py migrate" in done.stdout
        assert empty.manage("first_start").returncode == 0


def test_an_upgrade_lets_those_that_run_go_on(larger: Larger) -> None:
    web = larger.start("web")
    larger.start("relay")
    larger.start("steps")
    larger.wait_for("web", "relay", "steps")
    larger.execute(FUTURE)
    wait_until(lambda: web.get("/readyz").status == 200, 30, "ready")
    told = {each["process"].split("-")[0]: each["differs"] for each in web.get("/readyz").body["differences"]}
    assert told == dict.fromkeys(("web", "relay", "steps"), "code older than the database")
    refused(larger.start("web"), "older than the database")
    assert larger.manage("first_start").returncode == UNFIT


def test_the_same_path_on_another_disk_is_refused(larger: Larger) -> None:
    larger.start("web")
    larger.wait_for("web")
    other = str(larger.folder / "other")
    for part in [larger.start(role, HULEEDU_STORAGE=other) for role in ROLES]:
        refused(part, "content store is not the installation's")
    assert not Path(other).exists()


def test_another_installations_store_is_refused(larger: Larger) -> None:
    (larger.folder / "content").mkdir()
    (larger.folder / "content" / "installation").write_text(str(uuid4()))
    refused(larger.start("relay"), "content store belongs to another installation")


@pytest.mark.parametrize(
    ("command", "variables"),
    [
        ("qcluster", {}),
        ("qcluster", {"HULEEDU_PROCESS": "relay", "Q_CLUSTER_NAME": "steps"}),
        ("relay", {"HULEEDU_PROCESS": "steps"}),
    ],
)
def test_what_would_live_and_do_nothing_is_refused(
    larger: Larger, command: str, variables: dict[str, str]
) -> None:
    done = larger.manage(command, **variables)
    assert done.returncode == UNFIT
    assert "HULEEDU_PROCESS=" in done.stderr


@pytest.mark.parametrize("fits", [True, False])
def test_a_web_that_starts_without_the_database_serves_nothing_until_it_fits(
    template: str, tmp_path: Path, var: Path, fits: bool
) -> None:
    name = f"fit_{uuid4().hex[:8]}"
    with database(name, template) as url:
        larger = Larger(tmp_path, f"{url}_later", var)
        web = larger.start("web")
        try:
            wait_until(lambda: web.get("/healthz").status == 200, 60, "it lives")
            answer = web.get("/readyz")
            assert (answer.status, answer.body["code"]) == (503, "UNAVAILABLE")
            assert "Retry-After" in answer.headers
            assert web.get("/sign-in").status == 503
            with database(f"{name}_later", template if fits else "template1"):
                if fits:
                    wait_until(lambda: web.get("/readyz").body.get("checks"), 30, "it serves")
                    wait_until(lambda: larger.seen("web"), 30, "it gives a sign of life")
                else:
                    refused(web, "Run: python manage.py migrate")
                larger.end()
        finally:
            larger.end()


def test_others_wait_for_the_database(template: str, tmp_path: Path, var: Path) -> None:
    name = f"fit_{uuid4().hex[:8]}"
    with database(name, template) as url:
        larger = Larger(tmp_path, f"{url}_later", var)
        parts = [larger.start(role) for role in ("relay", "standby", "steps")]
        try:
            waiting = "database.away"
            wait_until(lambda: all(waiting in part.said() for part in parts), 60, "all wait")
            with database(f"{name}_later", template):
                larger.wait_for("relay", "standby", "steps")
                larger.end()
        finally:
            larger.end()


def test_a_web_that_stops_leaves_no_sign_of_life(larger: Larger) -> None:
    web = larger.start("web")
    larger.wait_for("web")
    web.process.send_signal(signal.SIGTERM)
    web.ended()
    assert not larger.seen("web")


def test_make_run_is_not_ready_before_readyz_and_a_second_machine_needs_the_key(larger: Larger) -> None:
    store, port = larger.folder / "content", str(free_port())
    store.write_text("a file where the folder should be")
    own = {"SECRET_KEY": "", "HULEEDU_PORT": port, "HULEEDU_VAR": str(larger.folder / "one")}
    first = larger.run("huleedu.run", **own)
    wait_until(
        lambda: "HuleEdu is not ready: the content store takes no file" in first.said(), 90, "it says so"
    )
    assert "is ready" not in first.said()
    store.unlink()
    wait_until(lambda: "HuleEdu is ready at" in first.said(), 60, "it is ready")
    assert Installation(larger.var, int(port)).get("/readyz").status == 200
    second = larger.run(
        "huleedu.run", **{**own, "HULEEDU_VAR": str(larger.folder / "two"), "HULEEDU_PORT": str(free_port())}
    )
    assert second.ended(60) == 1
    assert "SECRET_KEY is not the key of this installation" in second.said()
    first.process.send_signal(signal.SIGINT)
    assert first.ended() == 0
