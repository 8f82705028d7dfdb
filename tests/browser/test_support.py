"""Support at her desk: what she clicks in the admin does what it says, also twice, and in Swedish."""

import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from playwright.sync_api import Browser, Page, StorageState, expect

from huleedu.embedded import PostgresServer
from tests.browser.conftest import Visit, state_of
from tests.browser.material import Showcase
from tests.installation import Installation, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.live, pytest.mark.timeout(300)]
DIE = """
    INSERT INTO huleedu_deadletter (kind, status, topic, event_type, event_id, batch_id, file_upload_id,
        correlation_id, envelope, consumer, attempts, first_error, last_error, first_failed_at, died_at)
    SELECT 'event', 'dead', topic, event_type, event_id, batch_id, file_upload_id, correlation_id, envelope,
        'relay', 4, 'ValueError', 'ValueError', now(), now()
    FROM huleedu_loggedevent WHERE event_type = 'BatchFileAdded' ORDER BY id DESC LIMIT 1
    RETURNING id
"""


@pytest.fixture
def database(installation: Installation) -> Iterator["psycopg.Connection[tuple[Any, ...]]"]:
    with psycopg.connect(PostgresServer(installation.var).url, autocommit=True) as found:
        yield found


@pytest.fixture(scope="module")
def support_state(browser: Browser, installation: Installation) -> StorageState:
    return state_of(browser, installation, "support")


def letter(database: "psycopg.Connection[tuple[Any, ...]]") -> int:
    """A dead letter, as if the newest file's event had failed for good."""
    row = database.execute(DIE).fetchone()
    assert row is not None
    return int(row[0])


def status_of(database: "psycopg.Connection[tuple[Any, ...]]", number: int) -> str:
    row = database.execute("SELECT status FROM huleedu_deadletter WHERE id = %s", [number]).fetchone()
    assert row is not None
    return str(row[0])


def desk(visit: Visit, state: StorageState, path: str, **options: Any) -> Page:
    return visit.page(path, storage_state=state, **options)


def test_a_dead_letter_is_replayed_from_the_filtered_list(
    visit: Visit, showcase: Showcase, support_state: StorageState, database: Any
) -> None:
    number = letter(database)
    page = desk(visit, support_state, "/admin/huleedu/deadletter/?status=dead")
    page.get_by_role("link", name="BatchFileAdded").first.click()
    page.get_by_role("button", name="Replay", exact=True).click()
    expect(page.locator(".messagelist")).to_contain_text("Replay: Done for 1.")
    assert status_of(database, number) == "replayed"
    expect(page.get_by_role("button", name="Replay", exact=True)).to_have_count(0)
    page.locator(".breadcrumbs a").last.click()
    expect(page).to_have_url(re.compile(r"/admin/huleedu/deadletter/"))


def test_a_double_click_discards_once(
    visit: Visit, showcase: Showcase, support_state: StorageState, database: Any
) -> None:
    number = letter(database)
    page = desk(visit, support_state, f"/admin/huleedu/deadletter/{number}/change/")
    page.get_by_role("button", name="Discard", exact=True).dblclick()
    expect(page.locator(".messagelist")).to_contain_text(re.compile("Done for 1|Nothing is left"))
    assert status_of(database, number) == "discarded"


def test_a_file_is_read_again(
    visit: Visit, showcase: Showcase, support_state: StorageState, database: Any
) -> None:
    address = f"/admin/files/fileupload/{showcase.failed_file}/change/"
    before = revision_of(database, showcase.failed_file)
    page = desk(visit, support_state, address)
    page.get_by_role("button", name="Reprocess: read the file again").click()
    expect(page.locator(".messagelist")).to_contain_text("Done for 1.")
    expect(page).to_have_url(re.compile(f"{address}$"))
    wait_until(lambda: revision_of(database, showcase.failed_file) > before, 20, "the file is read again")
    page.get_by_role("link", name="Trace").click()
    expect(page.get_by_role("heading", name="Events")).to_be_visible()


def revision_of(database: "psycopg.Connection[tuple[Any, ...]]", file: str) -> int:
    row = database.execute("SELECT revision FROM files_fileupload WHERE id = %s", [file]).fetchone()
    assert row is not None
    return int(row[0])


def test_the_same_in_swedish_and_on_a_telephone(
    visit: Visit, showcase: Showcase, support_state: StorageState, database: Any
) -> None:
    number = letter(database)
    options = {"locale": "sv-SE", "viewport": {"width": 390, "height": 844}}
    page = desk(visit, support_state, f"/admin/huleedu/deadletter/{number}/change/", **options)
    page.get_by_role("button", name="Försök igen").click()
    expect(page.locator(".messagelist")).to_contain_text("Försök igen: Gjort för 1.")
    assert status_of(database, number) == "replayed"


def test_a_token_is_revoked(visit: Visit, support_state: StorageState, database: Any) -> None:
    name = f"lost-{uuid4().hex[:8]}"
    row = database.execute(
        "INSERT INTO huleedu_apitoken (name, owner_id, scope, digest, created_at, expires_at)"
        " SELECT %s, id, 'read', %s, now(), now() + interval '1 day' FROM auth_user LIMIT 1 RETURNING id",
        [name, uuid4().hex * 2],
    ).fetchone()
    page = desk(visit, support_state, f"/admin/huleedu/apitoken/{row[0]}/change/")
    page.get_by_role("button", name="Revoke").click()
    expect(page.locator(".messagelist")).to_contain_text("Done for 1.")
    expect(page.get_by_role("button", name="Revoke")).to_have_count(0)
