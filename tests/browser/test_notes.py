"""A private note saves itself: no reload, no cut and no other window loses one."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Visit
from tests.browser.material import essay, fill, register
from tests.browser.test_accessibility import AXE, findings

pytestmark = [pytest.mark.browser, pytest.mark.live]


def two_essays(visit: Visit) -> str:
    """The path of a batch's essays."""
    batch_id = register(visit.installation, visit.token, "Notes", 2)
    files = {f"{number}.txt": essay(300 + number).encode() for number in (1, 2)}
    fill(visit.installation, visit.token, batch_id, files)
    return f"/batches/{batch_id}/essays/"


def note_in(page: Page) -> Locator:
    """Where the note is written."""
    return page.get_by_label("Your note, which only you see")


def kept(page: Page) -> str:
    """What the server has of the note in the page."""
    address = page.locator("essay-note").get_attribute("data-note")
    return str(page.evaluate("(address) => fetch(address).then((a) => a.json())", address)["note"])


def state(page: Page, words: str) -> None:
    """Wait until the note says ``words`` of itself."""
    expect(page.locator("essay-note [data-state]")).to_have_text(words)


def test_a_note_saves_itself_and_x_ticks(visit: Visit) -> None:
    page = visit.page(f"{two_essays(visit)}1/")
    note = note_in(page)
    note.fill("Good ending.\nAsk about sources.")
    state(page, "Saved")
    assert kept(page) == "Good ending.\nAsk about sources."
    page.locator("h2").first.click()
    page.keyboard.press("x")
    tick = page.get_by_role("button", name="Read")
    expect(tick).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("j")
    expect(page.get_by_role("heading", name="Essay 2")).to_be_visible()
    expect(page.locator("essay-note.is-live")).to_be_visible()
    expect(note).to_have_value("")
    expect(tick).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("k")
    expect(note).to_have_value("Good ending.\nAsk about sources.")
    expect(tick).to_have_attribute("aria-pressed", "true")
    page.evaluate(AXE)
    assert findings(page, of_admin=False) == []


def test_what_is_typed_just_before_a_reload_or_a_way_out_is_there_again(visit: Visit) -> None:
    page = visit.page(f"{two_essays(visit)}1/")
    note_in(page).fill("Before the reload")
    page.reload()
    expect(note_in(page)).to_have_value("Before the reload")
    note_in(page).fill("Before the way out")
    page.get_by_role("link", name="Next essay").click()
    expect(page.get_by_role("heading", name="Essay 2")).to_be_visible()
    page.get_by_role("link", name="Previous essay").click()
    expect(note_in(page)).to_have_value("Before the way out")
    page.wait_for_function("!sessionStorage.length")
    assert kept(page) == "Before the way out"


def test_a_cut_network_keeps_the_note_until_it_is_back(visit: Visit) -> None:
    visit.expected = ("ERR_INTERNET_DISCONNECTED",)
    page = visit.page(f"{two_essays(visit)}1/")
    page.context.set_offline(True)
    note_in(page).fill("Written on the train")
    state(page, "Not saved yet. It is kept in this tab, and saved as soon as the server answers.")
    page.context.set_offline(False)
    state(page, "Saved")
    assert kept(page) == "Written on the train"


def test_two_windows_do_not_overwrite_each_other(visit: Visit) -> None:
    visit.expected = ("412",)
    path = f"{two_essays(visit)}1/"
    page = visit.page(path)
    other = visit.page(path)
    other.context.set_offline(True)  # so that it does not hear of the first one
    visit.expected += ("ERR_INTERNET_DISCONNECTED", "WebSocket")
    note_in(other).fill("Theirs")
    note_in(page).fill("Mine")
    state(page, "Saved")
    other.context.set_offline(False)
    conflict = other.locator("[data-conflict]")
    expect(conflict).to_contain_text("Mine")
    assert kept(other) == "Mine"
    other.reload()
    expect(conflict).to_contain_text("Mine")
    expect(note_in(other)).to_have_value("Theirs")
    conflict.get_by_role("button", name="Keep mine").click()
    state(other, "Saved")
    expect(conflict).to_be_hidden()
    assert kept(other) == "Theirs"
    expect(note_in(page)).to_have_value("Theirs")


def test_without_script_a_button_saves(visit: Visit) -> None:
    page = visit.page(f"{two_essays(visit)}1/", java_script_enabled=False)
    note_in(page).fill("Plain")
    page.locator("essay-note").get_by_role("button", name="Save").click()
    expect(note_in(page)).to_have_value("Plain")
    page.get_by_role("button", name="Read").click()
    expect(page.get_by_role("button", name="Read")).to_have_attribute("aria-pressed", "true")


def test_an_open_essay_shows_what_changes(visit: Visit) -> None:
    path = f"{two_essays(visit)}1/"
    page, other = visit.page(path), visit.page(path)
    note_in(other).fill("Seen in both windows")
    expect(note_in(page)).to_have_value("Seen in both windows")
    other.get_by_role("button", name="Read").click()
    expect(page.get_by_role("button", name="Read")).to_have_attribute("aria-pressed", "true")
    other.get_by_label("Language of this essay").select_option("sv")
    other.get_by_role("button", name="Change").click()
    expect(page.get_by_label("Language of this essay")).to_have_value("sv")
    note_in(page).click()
    page.keyboard.type("!")
    state(page, "Saved")
