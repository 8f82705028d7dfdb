"""Which process differs: told by /readyz without values, and by ``check_installation`` with what to do."""

from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import InterfaceError, OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from huleedu.failures.errors import Unfit
from huleedu.fit.agreement import LIVING, find_differences, living
from huleedu.fit.fingerprint import address_of, key_fingerprint, shared_settings
from huleedu.fit.fitting import REFUSED, fit, fit_or_end, refuse, refused_name, unit
from huleedu.fit.installation import check_key, current
from huleedu.fit.store_mark import UNSEEN, claim_store
from huleedu.models import RelayPresence
from huleedu.postgres.database_schema import applied_migrations, describe
from huleedu.postgres.presence import Identity, sign
from huleedu.relay.maintenance import tidy_everything as tidy
from tests.processes import alive, alive_all, own_facts

pytestmark = pytest.mark.django_db(transaction=True)
OTHER = "another key, which nobody here knows " * 2


@pytest.fixture(autouse=True)
def nobody() -> Any:
    yield
    Identity.facts, Identity.find_out = {}, None


def subjects() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for each in find_differences(living()):
        found.setdefault(each.process, []).append(each.subject)
    return found


def check(client: Client) -> tuple[int, dict[str, Any]]:
    answer = client.get("/readyz")
    return answer.status_code, answer.json()


def run(**options: Any) -> tuple[int, str]:
    output = StringIO()
    try:
        call_command("check_installation", stdout=output, **options)
    except SystemExit as end:
        return int(str(end.code)), output.getvalue()
    return 0, output.getvalue()


def test_all_fit(client: Client) -> None:
    alive_all()
    status, body = check(client)
    assert (status, body["status"]) == (200, "ok")
    assert "differences" not in body
    code, text = run()
    assert code == 0, text
    assert text.splitlines()[-1] == "All processes fit."
    assert len([line for line in text.splitlines() if line.split()[1:3] == ["elsewhere", "7"]]) == 3


def test_another_key_is_harmful_and_named(client: Client) -> None:
    alive_all()
    stranger = alive("steps", "steps-other-8", key=key_fingerprint(OTHER, check_key()), host="other", pid=8)
    status, body = check(client)
    assert (status, body["status"]) == (503, "failed")
    assert body["checks"]["processes"] == "failed"
    assert body["differences"] == [{"process": stranger, "differs": "SECRET_KEY"}]
    code, text = run()
    assert code == 1
    assert "DIFFERS: SECRET_KEY" in text
    assert f"{stranger} has another SECRET_KEY: give it the installation's and restart it." in text
    assert OTHER not in text


def test_a_rotation_on_its_way_is_told_and_harms_nobody(client: Client, settings: Settings) -> None:
    alive_all()
    old = settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = OTHER, [old]
    alive("web", "web-new-9")
    status, body = check(client)
    assert (status, body["status"]) == (200, "degraded")
    assert {each["process"] for each in body["differences"]} == {
        f"{role}-elsewhere-7" for role in ("web", "relay", "steps")
    }
    RelayPresence.objects.exclude(name="web-new-9").update(
        facts=own_facts(key=current().former_key, accepts=[current().key])
    )
    assert "but accepts that" in run()[1]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HULEEDU_MAX_TEXT_CHARACTERS", "30000"),
        ("HULEEDU_TIME_ZONE", "Europe/Helsinki"),
        ("HULEEDU_S3_BUCKET", "another"),
        ("REDIS_URL", "elsewhere:6379/0"),
    ],
)
def test_settings_that_differ_are_told_by_name(client: Client, name: str, value: str) -> None:
    alive_all()
    facts = own_facts()
    odd = alive("standby", settings={**facts["settings"], name: value})
    status, body = check(client)
    assert (status, body["status"], body["checks"]["agreement"]) == (200, "degraded", "degraded")
    assert body["differences"] == [{"process": odd, "differs": name}]
    assert value not in str(body)
    code, text = run()
    assert code == 1
    assert f"{odd} has {name} {value!r}, others {facts['settings'][name]!r}" in text


def test_code_older_or_newer_than_the_database(client: Client) -> None:
    alive_all()
    MigrationRecorder(connection).record_applied("huleedu", "0999_of_the_future")
    try:
        status, body = check(client)
        assert status == 200, "an upgrade goes on: those that run may go on"
        assert {each["differs"] for each in body["differences"]} == {"code older than the database"}
        code, text = run()
        assert code == 1
        assert "This command: The database has migrations that this code does not know" in text
        RelayPresence.objects.filter(role="relay").update(facts=own_facts(schema="999-abc"))
        status, body = check(client)
        assert status == 503
        assert "relay-elsewhere-7 is newer than the database: run python manage.py migrate" in run()[1]
        assert {"process": "relay-elsewhere-7", "differs": "code newer than the database"} in body[
            "differences"
        ]
    finally:
        MigrationRecorder(connection).record_unapplied("huleedu", "0999_of_the_future")


def test_another_release_and_one_that_tells_nothing() -> None:
    alive_all()
    alive("web", "web-b-1", release="0.0.9")
    RelayPresence.objects.create(name="relay-old-1", role="relay")
    assert subjects() == {"web-b-1": ["another release"], "relay-old-1": ["older release"]}


def test_stores_unseen_and_another(client: Client) -> None:
    alive_all()
    alive("steps", "steps-b-1", store=UNSEEN)
    assert check(client)[0] == 200
    alive("steps", "steps-c-1", store="another")
    status, body = check(client)
    assert status == 503
    assert body["differences"] == [
        {"process": "steps-b-1", "differs": "store not seen"},
        {"process": "steps-c-1", "differs": "another store"},
    ]


@pytest.mark.parametrize("role", ["web", "relay", "standby", "steps", "worker"])
def test_who_is_gone_for_long_is_not_counted(role: str) -> None:
    alive(role, key="0123456789abcdef", seconds_ago=LIVING[role] - 2)
    assert subjects() == {f"{role}-elsewhere-7": ["SECRET_KEY"]}
    RelayPresence.objects.update(seen_at=timezone.now() - timedelta(seconds=LIVING[role] + 1))
    assert subjects() == {}


@pytest.mark.parametrize("role", ["web", "relay", "steps"])
def test_a_missing_role_is_told(role: str) -> None:
    alive_all()
    RelayPresence.objects.filter(role=role).delete()
    code, text = run()
    assert code == 1
    assert f"No {role} process is running: start one." in text


def test_a_refused_process_shows_once_however_often_it_tries(
    client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    alive_all()
    for _ in range(3):
        refuse("steps", Unfit("It does not fit."))
    assert "It does not fit." in capsys.readouterr().err
    status, body = check(client)
    assert (status, len(body["differences"])) == (200, 1)
    assert body["differences"][0]["differs"] == "refused"
    code, text = run()
    assert code == 1
    assert "did not start. It does not fit." in text


def test_each_line_says_what_its_process_does(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    alive_all()
    alive("standby", "standby-other-8", host="other", pid=8)
    alive("worker", "worker-other-9", host="other", pid=9)
    refused_once(monkeypatch, "one")
    said = {line.split()[0]: line.rpartition("ago")[2].strip() for line in run()[1].splitlines()[:6]}
    assert said == {
        "web": "fits, answers browsers",
        "relay": "fits, leads",
        "standby": "fits, stands by",
        "steps": "fits, waits for work",
        "worker": "fits, reads and checks",
        "refused": "DID NOT START",
    }


def refused_once(monkeypatch: pytest.MonkeyPatch, *words: str) -> str:
    """A steps process with this command line that was not let in; its name."""
    monkeypatch.setattr("sys.argv", ["manage.py", *words])
    refuse("steps", Unfit("It does not fit."))
    return refused_name("steps")


def age(**by: float) -> None:
    """Let every sign of a refused process be older."""
    RelayPresence.objects.filter(role=REFUSED).update(seen_at=timezone.now() - timedelta(**by))


def test_a_refused_process_stays_named_until_it_starts_well(
    client: Client, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    alive_all()
    settings.PROCESS = "steps"
    first, second = refused_once(monkeypatch, "one"), refused_once(monkeypatch, "two")
    age(hours=3)
    tidy(RelayPresence.objects.get(name=first).seen_at + timedelta(hours=3))
    assert subjects() == {first: ["refused"], second: ["refused"]}
    assert check(client)[1]["checks"]["agreement"] == "degraded"
    fit()
    assert subjects() == {first: ["refused"]}, "the other one is still not there"
    monkeypatch.setattr("sys.argv", ["manage.py", "one"])
    fit()
    assert subjects() == {}
    assert check(client)[1]["status"] == "ok"


def test_a_refused_process_that_never_comes_back_is_forgotten_after_a_day(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    alive_all()
    name = refused_once(monkeypatch, "one")
    age(hours=23, minutes=59)
    assert subjects() == {name: ["refused"]}
    age(hours=24, minutes=1)
    assert subjects() == {}
    tidy(timezone.now())
    assert not RelayPresence.objects.filter(role=REFUSED).exists()


@pytest.mark.parametrize(
    "failure", [OperationalError("silence"), InterfaceError("closed")], ids=["silent", "closed"]
)
def test_a_process_that_cannot_reach_the_database_is_not_refused(
    client: Client, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    """It waits: after the outage nothing is left that tells of it."""
    alive_all()
    answers = iter([failure, failure])

    def look() -> str:
        for answer in answers:
            raise answer
        return describe(applied_migrations())

    monkeypatch.setattr("huleedu.fit.fitting.check_schema", look)
    monkeypatch.setattr("huleedu.fit.fitting.WAIT_SECONDS", 0.01)
    fit_or_end("steps")
    assert not RelayPresence.objects.filter(role=REFUSED).exists()
    assert subjects() == {}


def test_a_process_says_the_same_name_in_the_same_unit(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    names = []
    for group in (
        "0::/system.slice/huleedu-steps@1.service",
        "0::/system.slice/huleedu-steps@2.service",
        "0::/user.slice/session-3.scope",
    ):
        (tmp_path / "cgroup").write_text(group + "\n")
        monkeypatch.setattr("huleedu.fit.fitting.CONTROL_GROUP", tmp_path / "cgroup")
        names.append((unit(), refused_name("steps")))
    monkeypatch.setattr("huleedu.fit.fitting.CONTROL_GROUP", tmp_path / "missing")
    assert [name for name, _ in names] == ["huleedu-steps@1.service", "huleedu-steps@2.service", ""]
    assert len({name for _, name in names}) == 3
    assert refused_name("steps") == names[2][1]


def test_signs_carry_what_the_process_tells() -> None:
    sign("web-x-1", "web")
    assert RelayPresence.objects.get().facts == {}
    Identity.facts = {"host": "x"}
    sign("web-x-1", "web")
    assert RelayPresence.objects.get().facts["host"] == "x"


def test_the_command_itself_must_fit(settings: Settings, content_folder: Path) -> None:
    alive_all()
    claim_store()
    (content_folder / "installation").unlink()
    code, text = run()
    assert code == 1
    assert "This command: The content store is not the installation's" in text
    settings.SECRET_KEY = OTHER
    assert "This command: SECRET_KEY is not the key of this installation" in run()[1]


def test_adopting_needs_that_nobody_runs(settings: Settings) -> None:
    alive_all()
    settings.SECRET_KEY = OTHER
    with pytest.raises(CommandError, match=r"Stop all processes first.*relay-elsewhere-7"):
        call_command("check_installation", adopt=True)
    RelayPresence.objects.all().delete()
    run(adopt=True)
    alive_all()
    assert run()[0] == 0


def test_a_store_that_takes_nothing_cannot_be_adopted(content_folder: Path) -> None:
    content_folder.write_text("a file where the folder should be")
    with pytest.raises(CommandError, match="does not take the mark"):
        call_command("check_installation", adopt=True)
    assert not current().store_marked


def test_passwords_of_addresses_are_not_told(settings: Settings) -> None:
    settings.REDIS_URL = "rediss://user:geheim@valkey.example:6380/2"
    assert shared_settings()["REDIS_URL"] == "valkey.example:6380/2"
    assert address_of("redis://:geheim@127.0.0.1").startswith("127.0.0.1:6379/0 on ")
    assert address_of("unix://:geheim@/run/valkey.sock?db=0").startswith("/run/valkey.sock on ")
    assert "geheim" not in str(own_facts())
    assert settings.SECRET_KEY not in str(own_facts())
