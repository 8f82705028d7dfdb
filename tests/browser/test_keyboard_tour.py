"""A teacher without a mouse, from signing in to signing out: where the focus is after all she does."""

import re

import pytest
from playwright.sync_api import Error, FilePayload, Locator, Page, expect

from tests.browser.conftest import Visit
from tests.browser.material import essay, read_batch, text_file
from tests.browser.test_teacher import chip, headline, row

pytestmark = [pytest.mark.browser, pytest.mark.live, pytest.mark.timeout(300)]

FARTHEST = 150  # presses of Tab to anything on a page
WHERE = """() => {
  const it = document.activeElement;
  if (!it || it === document.body || it === document.documentElement) return "nothing";
  const ringed = [it, it.closest("label"), it.closest(".batch-card")].filter(Boolean)
    .some((each) => getComputedStyle(each).outlineStyle !== "none");
  const name = it.outerHTML.slice(0, 80);
  if (!ringed) return `no ring: ${name}`;
  const label = it.closest("label.button") || it;
  const box = label.getBoundingClientRect();
  const within = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
  return within && box.height ? "" : `out of sight: ${name}`;
}"""


def at(page: Page) -> None:
    """The focus is on something, can be seen, and is on the screen."""
    told = ""
    for _ in range(20):
        try:
            told = page.evaluate(WHERE)
        except Error:
            told = "the page is being left"
        if not told:
            return
        page.wait_for_timeout(50)
    pytest.fail(told)


def has_focus(place: Locator) -> bool:
    """Whether the focus is there."""
    return bool(place.evaluate("place => place === document.activeElement"))


def go(page: Page, place: Locator, key: str = "Tab") -> None:
    """Press Tab until ``place`` has the focus; each stop on the way can be seen."""
    expect(place).to_have_count(1)
    for _ in range(FARTHEST):
        if has_focus(place):
            at(page)
            return
        page.keyboard.press(key)
    pytest.fail(f"{place} cannot be reached")


def press(page: Page, place: Locator, key: str = "Enter") -> None:
    """Go there and press a key."""
    go(page, place)
    page.keyboard.press(key)


def back(page: Page, place: Locator) -> None:
    """The same, backwards: what was passed is nearer that way."""
    go(page, place, "Shift+Tab")
    page.keyboard.press("Enter")


def choose(page: Page, place: Locator, *files: FilePayload) -> None:
    """Open the browser's window for choosing files with a key, and choose."""
    go(page, place)
    with page.expect_file_chooser() as opened:
        page.keyboard.press("Enter")
    opened.value.set_files(files)


def typed(page: Page, place: Locator, text: str) -> None:
    """Go to a field and write."""
    go(page, place)
    page.keyboard.press("Control+A")
    page.keyboard.type(text)


def undo(page: Page) -> None:
    """Take back what was done last; the focus goes back to where it was."""
    expect(page.locator(".toast").get_by_role("button", name="Undo").last).to_be_visible()
    page.keyboard.press("Control+z")
    expect(page.locator(".toast").get_by_role("button", name="Undo")).to_have_count(0)
    at(page)


def sign_in(visit: Visit) -> Page:
    """The overview, after signing in by keyboard."""
    page = visit.page(signed_in=False)
    page.on("filechooser", lambda _: None)  # asked for only when a key is pressed, it may come too late
    page.goto("/accounts/login/")
    username, password = visit.installation.accounts["teacher"]
    typed(page, page.locator("[name=username]"), username)
    typed(page, page.locator("[name=password]"), password)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{visit.installation.url}/")
    page.keyboard.press("Tab")
    expect(page.locator(".skip-link")).to_be_focused()
    page.keyboard.press("Enter")
    return page


def new_batch(visit: Visit) -> Page:
    """A batch of three files, one without text, chosen on the overview."""
    page = sign_in(visit)
    files = [
        text_file("Alma.txt", essay(9_001)),
        text_file("Björn.txt", essay(9_002)),
        text_file("Tom.txt", ""),
    ]
    choose(page, page.locator(".page-head label", has_text="Choose files").locator("input"), *files)
    page.wait_for_url("**/batches/*/")
    headline(page, "2 of 3 essays ready")
    at_or_main(page)
    return page


def at_or_main(page: Page) -> None:
    """On a page that came by itself the focus is where its content begins."""
    expect(page.locator("main:focus")).to_have_count(1)


def test_settings_and_files(visit: Visit) -> None:
    page = new_batch(visit)
    page.keyboard.press("e")
    expect(page.locator(".in-place-form [name=title]")).to_be_focused()
    page.keyboard.type("Tangenter")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Tangenter")
    expect(page.locator("[data-setting=title]")).to_be_focused()
    undo(page)
    expect(page.get_by_role("heading", level=1)).not_to_have_text("Tangenter")
    # Try again, replace, remove: the row stays where the focus is, or its neighbour has it.
    tom = row(page, "Tom.txt")
    choose(page, tom.get_by_label("Replace file: Tom.txt"), text_file("Fortfarande tom.txt", ""))
    tom = row(page, "Fortfarande tom.txt")
    expect(tom).to_have_attribute("data-status", "failed")
    at(page)
    undo(page)
    expect(row(page, "Tom.txt")).to_have_attribute("data-status", "failed")
    press(page, row(page, "Tom.txt").get_by_role("button", name="Remove: Tom.txt"))
    expect(row(page, "Tom.txt")).to_have_count(0)
    at(page)
    undo(page)
    expect(row(page, "Tom.txt")).to_have_attribute("data-status", "failed")
    # Shown are those that need attention, and the last of them goes.
    back(page, page.locator("[data-show=attention]").first)
    at(page)
    press(page, row(page, "Tom.txt").get_by_role("button", name="Remove: Tom.txt"))
    expect(row(page, "Tom.txt")).to_have_count(0)
    at(page)


def test_a_file_that_is_read_again_keeps_the_focus(visit: Visit) -> None:
    page = new_batch(visit)
    go(page, row(page, "Tom.txt").get_by_role("button", name="Remove: Tom.txt"))
    batch_id = page.url.split("/")[-2]
    files = read_batch(visit.installation, batch_id, visit.token)["files"]
    tom = next(file for file in files if file["filename"] == "Tom.txt")
    visit.installation.post(f"/v1/files/{tom['file_upload_id']}/reprocess", {}, visit.token)
    page.wait_for_timeout(1_500)
    expect(row(page, "Tom.txt")).to_have_attribute("data-status", "failed")
    at(page)


def test_the_table_and_the_reader(visit: Visit) -> None:
    page = new_batch(visit)
    back(page, page.locator(".tabs").get_by_role("link", name="Essays"))
    page.wait_for_url("**/essays/")
    expect(page.locator("#rows .chip-done")).to_have_count(2)
    for key, name in (("j", "Essay 1"), ("j", "Essay 2"), ("k", "Essay 1")):
        page.keyboard.press(key)
        expect(page.get_by_role("link", name=name)).to_be_focused()
    page.keyboard.press("x")
    expect(page.locator("#rows .tick").first).to_have_attribute("aria-pressed", "true")
    sort = page.locator("#rows [data-sort=number]")
    back(page, sort)
    page.wait_for_url("**/essays/?sort=*")
    expect(sort).to_be_focused()
    columns = page.locator(".columns-menu summary")
    back(page, columns)
    press(page, page.locator(".columns-menu").get_by_label("Kind"), "Space")
    expect(page.locator("#rows thead").filter(has_text="Kind")).to_have_count(1)
    at(page)
    page.keyboard.press("Escape")
    expect(columns).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("essay-note.is-live")).to_be_visible()
    check_reader(page)


def check_reader(page: Page) -> None:
    """Marks by N and D and by the list beside, the note, ✓, and the next essay."""
    page.keyboard.press("n")
    expect(page.locator("mark.current")).to_have_count(1)
    before = page.locator("mark").count()
    page.keyboard.press("d")
    expect(page.locator("mark")).to_have_count(before - 1)
    page.keyboard.press("Control+z")
    expect(page.locator("mark")).to_have_count(before)
    line = page.locator(".mark-list li", has_text="freind")
    press(page, line.locator("summary"))
    for scope in ("In this essay", "In this batch", "Always"):
        expect(line.get_by_role("button", name=scope)).to_be_visible()
    press(page, line.get_by_role("button", name="In this batch"))
    expect(page.locator("mark", has_text="freind")).to_have_count(0)
    at(page)
    undo(page)
    expect(page.locator("mark", has_text="freind")).to_have_count(1)
    read = page.locator("[data-read]")
    pressed = read.get_attribute("aria-pressed")
    page.keyboard.press("x")
    expect(read).not_to_have_attribute("aria-pressed", str(pressed))
    typed(page, page.get_by_label("Your note, which only you see"), "Bra")
    expect(page.locator("#essay-note-state")).to_have_text("Saved")
    expect(page.get_by_label("Your note, which only you see")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    heading = page.locator("#essay-title").inner_text()
    page.keyboard.press("j" if page.locator(".pager [rel=next]").count() else "k")
    expect(page.locator("#essay-title")).not_to_have_text(heading)
    with page.expect_download() as started:
        press(page, page.get_by_role("link", name="Open the original"))
    assert started.value.suggested_filename.endswith(".txt")
    at(page)


def test_results_and_exports(visit: Visit) -> None:
    page = new_batch(visit)
    back(page, page.locator(".tabs").get_by_role("link", name="Results"))
    page.wait_for_url("**/results/")
    expect(page.locator("#rows .chip-done")).to_have_count(2)
    press(page, page.locator(".tile").last)
    expect(page.locator("#rows tbody tr")).to_have_count(1)
    press(page, page.locator(".export-menu summary"))
    page.keyboard.press("Escape")
    expect(page.locator(".export-menu summary")).to_be_focused()
    page.keyboard.press("Enter")
    press(page, page.locator(".export-menu").get_by_role("button", name="CSV"))
    page.wait_for_url("**/exports/")
    link = page.get_by_role("link", name="Download")
    expect(link).to_be_visible()
    at(page)
    go(page, link)
    with page.expect_download() as started:
        page.keyboard.press("Enter")
    assert started.value.suggested_filename.endswith(".csv")
    at(page)
    press(page, page.get_by_role("button", name="Erase"))
    expect(page.get_by_text("No longer kept")).to_be_visible()
    at(page)


def test_archive_bin_account_help_and_out(visit: Visit) -> None:
    page = new_batch(visit)
    title = page.get_by_role("heading", level=1).inner_text()
    batch_id = page.url.split("/")[-2]
    chip(page, "Collecting files")
    back(page, page.locator(".site-nav").get_by_role("link", name="Batches"))
    page.wait_for_url(f"{visit.installation.url}/")
    press(page, page.locator(f"#put-{batch_id}"))
    expect(page.get_by_text("The batch is archived.")).to_be_visible()
    at(page)
    press(page, page.locator(".messages").get_by_role("button", name="Bring back"))
    expect(page.get_by_text("The batch is back.")).to_be_visible()
    at(page)
    press(page, page.locator(f"#open-{batch_id}"))
    page.wait_for_url(f"**/batches/{batch_id}/")
    press(page, page.get_by_role("link", name=re.compile("Keep or delete")))
    page.wait_for_url("**/keeping/")
    press(page, page.get_by_role("button", name="Delete the batch"))
    expect(page).not_to_have_url(re.compile("keeping"))
    at(page)
    page.goto("/bin/")
    press(page, page.get_by_role("button", name=f"Restore: {title}"))
    page.wait_for_url("**/batches/*/")
    at(page)
    page.goto("/account/")
    press(page, page.locator(".choice").get_by_role("button", name="Svenska"))
    expect(page.get_by_role("heading", name="Konto", level=1)).to_be_visible()
    at(page)
    press(page, page.locator(".choice").get_by_role("button", name="English"))
    expect(page.get_by_role("heading", name="Account", level=1)).to_be_visible()
    press(page, page.get_by_role("button", name="Dark", exact=True))
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    at(page)
    press(page, page.get_by_role("button", name="As the device"))
    typed(page, page.get_by_label("Name of the new token"), "Tangent")
    page.keyboard.press("Enter")
    expect(page.locator(".secret")).to_be_visible()
    at(page)
    press(page, page.get_by_role("button", name="Revoke: Tangent").first)
    expect(page.get_by_role("button", name="Revoke: Tangent")).to_have_count(0)
    at(page)
    press(page, page.get_by_role("link", name="Show them"))
    page.wait_for_url("**/words/")
    back(page, page.locator(".site-nav").get_by_role("link", name="Help"))
    page.wait_for_url("**/help/")
    press(page, page.locator(".avatar"))
    visit.expected = ("Clear-Site-Data",)  # which the browser tells of itself
    press(page, page.get_by_role("button", name="Sign out"))
    page.wait_for_url("**/accounts/login/**")
    expect(page.locator("[name=username]")).to_be_visible()
