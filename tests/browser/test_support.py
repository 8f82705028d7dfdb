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
from tests.browser.test_accessibility import AXE, OUT_OF_SIGHT, SIZES, THEMES, findings
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
    expect(page.locator(".messagelist")).to_contain_text("It is being tried again.")
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
    expect(page.locator(".messagelist")).to_contain_text(re.compile("It is put aside|Nothing is left"))
    assert status_of(database, number) == "discarded"


def test_a_file_is_read_again(
    visit: Visit, showcase: Showcase, support_state: StorageState, database: Any
) -> None:
    address = f"/admin/files/fileupload/{showcase.failed_file}/change/"
    before = revision_of(database, showcase.failed_file)
    page = desk(visit, support_state, address)
    page.get_by_role("button", name="Reprocess: read the file again").click()
    expect(page.locator(".messagelist")).to_contain_text("The file is being read again.")
    expect(page).to_have_url(re.compile(f"{address}$"))
    wait_until(lambda: revision_of(database, showcase.failed_file) > before, 20, "the file is read again")
    page.get_by_role("link", name="Trace").click()
    expect(page.get_by_role("heading", name="What has happened")).to_be_visible()
    expect(page.get_by_text("Someone asked for it to be read again.").first).to_be_visible()
    expect(page.get_by_role("table", name="Events")).to_be_hidden()
    page.get_by_text("Events, steps and waiting work, raw").click()
    expect(page.get_by_role("table", name="Events")).to_be_visible()
    again = revision_of(database, showcase.failed_file)
    page.get_by_role("button", name="Reprocess: read the file again").click()
    expect(page.locator(".messagelist")).to_contain_text("The file is being read again.")
    expect(page).to_have_url(re.compile("/trace/$"))
    wait_until(lambda: revision_of(database, showcase.failed_file) > again, 20, "it is read again")


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
    expect(page.locator(".messagelist")).to_contain_text("Det görs ett nytt försök.")
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
    expect(page.locator(".messagelist")).to_contain_text("The token is ended")
    expect(page.get_by_role("button", name="Revoke")).to_have_count(0)


def name_of(database: "psycopg.Connection[tuple[Any, ...]]", file: str) -> str:
    row = database.execute("SELECT filename FROM files_fileupload WHERE id = %s", [file]).fetchone()
    assert row is not None
    return str(row[0])


def test_from_the_telephone_to_the_file_and_back(
    visit: Visit, showcase: Showcase, support_state: StorageState, database: Any
) -> None:
    """A name alone finds nothing; with a reason it finds the file, which shows its name for another."""
    name = name_of(database, showcase.failed_file)
    page = desk(visit, support_state, "/admin/")
    expect(page.get_by_label("Find a file, batch or teacher")).to_be_focused()
    page.keyboard.type(name)
    page.keyboard.press("Enter")
    expect(page.locator(".desk-files")).to_have_count(0)
    page.get_by_label("Why do you search for a name?").fill("She telephones about it")
    page.get_by_role("button", name="Search names").click()
    row = page.locator(f"a[href*='{showcase.failed_file}']")
    expect(row).to_be_visible()
    assert name not in page.url and name not in page.title()
    assert name not in page.locator("section").all_inner_texts()[0]
    row.click()
    expect(page.locator("h1")).to_have_text(f"File {showcase.failed_file[:8]}")
    expect(page.get_by_text(name)).to_have_count(0)
    page.go_back()
    expect(row).to_be_visible()
    page.go_forward()
    page.get_by_text("Show the file’s name").click()
    page.get_by_label("Why do you need the file’s name?").fill("She telephones about it")
    page.get_by_role("button", name="Show the name").click()
    expect(page.locator("dd", has_text=name)).to_be_visible()
    page.reload()
    kept = database.execute(
        "SELECT kind FROM huleedu_securityevent WHERE reason = 'She telephones about it' ORDER BY id"
    ).fetchall()
    assert [kind for (kind,) in kept][:2] == ["names_searched", "name_seen"]


def test_a_short_id_is_whole_when_it_is_copied(
    visit: Visit, showcase: Showcase, support_state: StorageState
) -> None:
    page = desk(visit, support_state, f"/admin/files/fileupload/{showcase.failed_file}/trace/")
    shown = page.locator("dd .id").first
    assert shown.get_attribute("title") == showcase.failed_file
    box = shown.bounding_box()
    assert box and box["width"] < 90
    shown.click()
    assert page.evaluate("getSelection().toString()") == showcase.failed_file
    page.goto("/admin/")
    page.get_by_label("Find a file, batch or teacher").fill(showcase.failed_file[:8])
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"{showcase.failed_file}/trace/$"))


def test_the_desk_in_both_languages_on_every_screen(
    visit: Visit, showcase: Showcase, support_state: StorageState
) -> None:
    page = desk(visit, support_state, "/admin/")
    page.get_by_label("Find a file, batch or teacher").fill("teacher")
    page.keyboard.press("Enter")
    expect(page.locator(".desk-batches")).to_be_visible()
    found = page.url
    addresses = [found, f"/admin/files/fileupload/{showcase.failed_file}/trace/"]
    for address in addresses:
        page.goto(address)
        for details in page.locator("main details").all():
            details.evaluate("(element) => { element.open = true; }")
        page.evaluate(AXE)
        for size, theme in zip(SIZES, THEMES, strict=True):
            page.set_viewport_size(size)
            page.emulate_media(color_scheme=theme)
            assert findings(page, of_admin=False) == [], (address, size, theme)
            assert page.evaluate(OUT_OF_SIGHT) == [], (address, size)
        page.set_viewport_size({"width": 320, "height": 700})
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, address
    page.get_by_role("button", name="SV, svenska").click()
    expect(page.get_by_role("heading", name="Vad som har hänt")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.goto("/admin/")
    expect(page.get_by_label("Hitta en fil, omgång eller lärare")).to_be_focused()
    page.get_by_role("button", name="EN, English").click()
    expect(page.get_by_label("Find a file, batch or teacher")).to_be_visible()
