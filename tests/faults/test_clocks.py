"""F33: clocks that jump, and processes that disagree about the time; the database's clock decides."""

import urllib.request
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode
from uuid import uuid4

import pytest

from tests.conftest import essay_bytes
from tests.faults.calls import Reached
from tests.faults.teacher import register, upload_many, wait_completed
from tests.faults.wire import hasty_server
from tests.faults.world import World
from tests.installation import Installation, free_port, wait_until

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]
JUMPS = {"+2d": timedelta(days=2), "-1h": timedelta(hours=-1), "-2d": timedelta(days=-2)}
SOON = 600  # seconds: a deadline that a wrong clock would have passed, or set in the past
NEAR = timedelta(seconds=60)

END_SESSION = "UPDATE huleedu_session SET expire_date = now() - interval '30 min' WHERE session_key = %s"
END_NEWEST_TOKEN = """
UPDATE huleedu_apitoken SET expires_at = now() - interval '30 min'
WHERE id = (SELECT max(id) FROM huleedu_apitoken)
"""


def disguise(offset: Path) -> dict[str, str]:
    """The environment of processes whose clock is off by the seconds that ``offset`` says."""
    return {
        "PYTHONPATH": str(Path(__file__).parent / "wrong_clock"),
        "WRONG_CLOCK": str(offset),
        "HULEEDU_USER": "root",  # the state folder is root's, who lays the offset into it
    }


def set_off(offset: Path, by: timedelta) -> None:
    """Tell processes how far their clocks are off; they look at whole files only."""
    partial = offset.with_suffix(".partial")
    partial.write_text(str(by.total_seconds()))
    partial.replace(offset)


class Adrift(World):
    """An installation whose processes live at another time than its database."""

    @property
    def offset(self) -> Path:
        """Says how far the clocks are off."""
        return self.var / "offset"

    def jump(self, offset: str) -> None:
        """Set every clock of the application."""
        set_off(self.offset, JUMPS[offset])
        wait_until(lambda: abs(drift(self.installation) - JUMPS[offset]) < NEAR, 10, "the clocks have jumped")


def drift(installation: Installation) -> timedelta:
    """How far a web server's clock is off: its cookies say when and after how many seconds they expire."""
    (cookie,) = SimpleCookie(installation.get("/accounts/login/").headers["Set-Cookie"]).values()
    told = parsedate_to_datetime(cookie["expires"]) - timedelta(seconds=int(cookie["max-age"]))
    return told - datetime.now(told.tzinfo)


@pytest.fixture(scope="module")
def adrift(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Adrift]:
    """The installation, its clocks still right."""
    folder = tmp_path_factory.mktemp("adrift")
    world = Adrift(Reached(folder / "var", free_port()))
    world.var.mkdir()
    set_off(world.offset, timedelta())
    world.installation.variables = disguise(world.offset)
    try:
        world.installation.start()
        yield world
    finally:
        world.installation.stop()


class Browser:
    """A browser in which the teacher has signed in."""

    def __init__(self, installation: Installation) -> None:
        self.url = installation.url
        self.jar = CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))
        self.opener.open(f"{self.url}/accounts/login/", timeout=10).close()
        (csrf,) = (cookie.value for cookie in self.jar if cookie.name.startswith("csrftoken"))
        username, password = installation.accounts["teacher"]
        form = urlencode({"username": username, "password": password, "csrfmiddlewaretoken": csrf})
        request = urllib.request.Request(f"{self.url}/accounts/login/", form.encode())
        request.add_header("Origin", self.url)
        self.opener.open(request, timeout=10).close()
        assert self.is_signed_in()

    @property
    def session(self) -> str:
        """The session's key."""
        (found,) = (cookie.value for cookie in self.jar if cookie.name.startswith("sessionid"))
        return str(found)

    def is_signed_in(self) -> bool:
        """True when a page is shown and not the form to sign in. The cookie is sent whatever its age."""
        request = urllib.request.Request(f"{self.url}/account/")
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.jar)
        request.add_header("Cookie", cookies)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return "/accounts/login/" not in answer.url


def deadlines_passed(world: World) -> int:
    """How many batches have been told that their time is over."""
    return world.count("SELECT count(*) FROM batches_batch WHERE timed_out_at IS NOT NULL")


def short(world: World, token: str) -> str:
    """A batch of two with a near deadline."""
    return register(world, token, 2, configuration={"readiness_seconds": SOON})


def assert_deadline_is_right(world: World, batch_id: str) -> None:
    """The deadline is ``SOON`` from the database's now, and a timer is set for it."""
    ((left, same),) = world.query(
        "SELECT extract(epoch FROM deadline - now())::float, due_at = deadline FROM batches_batch"
        " JOIN huleedu_timer ON batch_id = batches_batch.id WHERE batches_batch.id = %s",
        batch_id,
    )
    assert SOON - 60 < left <= SOON
    assert same


@pytest.mark.parametrize("offset", JUMPS)
def test_a_jump_of_every_clock_changes_nothing(adrift: Adrift, offset: str) -> None:
    world, token = adrift, adrift.teacher_token()
    open_before = short(world, token)
    browser = Browser(world.installation)
    world.jump(offset)
    assert browser.is_signed_in()
    fresh = short(world, token)
    assert_deadline_is_right(world, fresh)
    wait_completed(world, token, fresh, upload_many(world, token, fresh, 2))
    extended = world.installation.post(f"/v1/batches/{open_before}/extend", {"seconds": SOON}, token)
    assert extended.status == 200, extended
    assert deadlines_passed(world) == 0
    assert world.is_ready()
    assert "starting it again" not in (world.var.parent / "run.log").read_text()


def test_what_has_ended_stays_ended(adrift: Adrift) -> None:
    """Half an hour after its end, by servers that believe it to be two days earlier."""
    world = adrift
    set_off(world.offset, timedelta())
    browser = Browser(world.installation)
    token = world.installation.token()
    world.jump("-2d")
    assert browser.is_signed_in()
    assert world.installation.get("/v1/batches", token).status == 200
    world.execute(END_SESSION, browser.session)
    world.execute(END_NEWEST_TOKEN)
    assert not browser.is_signed_in()
    assert world.installation.get("/v1/batches", token).status == 401


def test_servers_that_disagree_serve_the_same_people(adrift: Adrift, tmp_path: Path) -> None:
    world, token = adrift, adrift.teacher_token()
    world.jump("+2d")
    other = tmp_path / "offset"
    set_off(other, JUMPS["-1h"])
    batch_id = short(world, token)
    with hasty_server(world.installation, tmp_path, disguise(other)) as server:
        late = Reached(world.var, server.port, accounts=world.installation.accounts)
        assert abs(drift(late) - JUMPS["-1h"]) < NEAR
        assert Browser(late).is_signed_in()
        key, data = str(uuid4()), essay_bytes(870_000)
        first = world.installation.upload(batch_id, token, "essay.txt", data, key)
        again = late.upload(batch_id, token, "essay.txt", data, key)
        assert (first.status, again.status) == (201, 201)
        assert again.headers["Idempotent-Replayed"] == "true"
        other_file = late.upload(batch_id, token, "essay.txt", essay_bytes(870_001), str(uuid4()))
        files = [each["file_upload_id"] for answer in (first, other_file) for each in answer.body["files"]]
        wait_completed(world, token, batch_id, files)


def test_a_relay_of_the_future_tidies_nothing_away(adrift: Adrift, monkeypatch: pytest.MonkeyPatch) -> None:
    world, token = adrift, adrift.teacher_token()
    browser = Browser(world.installation)
    batch_id = short(world, token)
    upload_many(world, token, batch_id, 1)
    world.wait_quiet()
    unfinished = world.content / "raw" / "00" / f"{'0' * 32}.part"
    unfinished.parent.mkdir(parents=True, exist_ok=True)
    unfinished.write_bytes(b"still coming")
    world.jump("+2d")
    for name, value in world.installation.variables.items():
        monkeypatch.setenv(name, value)
    counted = "SELECT count(*) FROM huleedu_idempotencyrecord"
    before = world.count(counted)
    done = world.manage("tidy")
    assert done.returncode == 0, done.stderr
    assert before > 0
    assert world.count(counted) == before
    assert unfinished.exists()
    assert browser.is_signed_in()
    unfinished.unlink()
