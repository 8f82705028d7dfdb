"""The table of essays: live, sorted, filtered, with chosen columns, by keys, and without script."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Visit
from tests.browser.material import essay, fill, register
from tests.browser.test_accessibility import AXE, findings

pytestmark = [pytest.mark.browser, pytest.mark.live]


def new_batch(visit: Visit, count: int, expected: int = 0) -> str:
    """A batch with so many essays, each longer than the one before: its path."""
    batch_id = register(visit.installation, visit.token, "Rows", expected or count)
    for number in range(1, count + 1):
        text = essay(400 + number) + " And more." * number
        fill(visit.installation, visit.token, batch_id, {f"Pupil {number}.txt": text.encode()})
    return f"/batches/{batch_id}/"


def add(visit: Visit, path: str, name: str, number: int) -> None:
    """One more essay, by a program."""
    batch_id = path.strip("/").split("/")[1]
    visit.installation.upload_until_answered(batch_id, visit.token, name, essay(number).encode())


def lines(page: Page) -> Locator:
    """The rows."""
    return page.locator("#rows tbody tr")


def names(page: Page) -> list[str]:
    """The essays in the order of the table."""
    return page.locator("#rows tbody th").all_inner_texts()


def by(page: Page, column: str) -> None:
    """Sort by a column, from its highest value."""
    for direction in ("ascending", "descending"):
        page.locator(f"#rows [data-sort={column}]").click()
        expect(page.locator(f"#rows th[aria-sort={direction}] [data-sort={column}]")).to_be_visible()


def test_rows_appear_sort_filter_and_are_ticked_by_keys(visit: Visit) -> None:
    path = new_batch(visit, 0, 4)
    page = visit.page(f"{path}essays/")
    expect(page.get_by_text("Essays appear here as soon as their files are read.")).to_be_visible()
    add(visit, path, "Pupil 1.txt", 411)
    expect(lines(page)).to_have_count(1)
    page.evaluate("window.same = document.querySelector('#rows tbody tr')")
    add(visit, path, "Pupil 2.txt", 412)
    add(visit, path, "Pupil 3.txt", 413)
    expect(lines(page)).to_have_count(3)
    assert page.evaluate("window.same.isConnected"), "a row that stays is the same element"
    expect(page.locator("#rows .chip-done")).to_have_count(3)
    page.keyboard.press("j")
    expect(page.get_by_role("link", name="Essay 1")).to_be_focused()
    page.keyboard.press("x")
    ticks = page.locator("#rows .tick")
    expect(ticks.first).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("j")
    expect(page.get_by_role("link", name="Essay 2")).to_be_focused()
    by(page, "number")
    page.wait_for_url("**/essays/?sort=-number")
    assert names(page) == ["Essay 3", "Essay 2", "Essay 1"]
    expect(page.locator("th[aria-sort=descending]")).to_contain_text("Essay")
    page.locator("#filter-read").select_option("no")
    expect(lines(page)).to_have_count(2)
    page.get_by_label("File name").fill("pupil 2")
    expect(lines(page)).to_have_count(1)
    page.reload()
    expect(lines(page)).to_have_count(1)
    expect(page.get_by_label("File name")).to_have_value("pupil 2")
    page.evaluate(AXE)
    assert findings(page, of_admin=False) == []


def test_the_reader_goes_on_in_the_tables_order(visit: Visit) -> None:
    page = visit.page(f"{new_batch(visit, 3)}essays/")
    by(page, "words")
    page.wait_for_url("**/essays/?sort=-words")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Essay 3")).to_be_visible()
    expect(page.locator("essay-note.is-live")).to_be_visible()
    page.keyboard.press("j")
    expect(page.get_by_role("heading", name="Essay 2")).to_be_visible()
    expect(page.locator(".pager span")).to_have_text("2 / 3")
    page.go_back()
    page.go_back()
    page.wait_for_url("**/essays/?sort=-words")
    assert names(page) == ["Essay 3", "Essay 2", "Essay 1"]


def test_columns_are_chosen_and_stay(visit: Visit) -> None:
    path = new_batch(visit, 1)
    page = visit.page(f"{path}essays/")
    heads = page.locator("#rows thead th")
    expect(heads.filter(has_text="Kind")).to_have_count(0)
    page.get_by_text("Columns", exact=True).click()
    page.locator(".columns-menu").get_by_label("Kind").check()
    expect(heads.filter(has_text="Kind")).to_have_count(1)
    page.locator(".columns-menu").get_by_label("Your note").uncheck()
    expect(heads.filter(has_text="Your note")).to_have_count(0)
    page.goto(f"{path}results/")
    expect(heads.filter(has_text="Kind")).to_have_count(1)
    expect(heads.filter(has_text="Your note")).to_have_count(0)


def test_results_follow_what_happens(visit: Visit) -> None:
    path = new_batch(visit, 1, 3)
    page = visit.page(f"{path}results/")
    other = visit.page(f"{path}essays/1/")
    other.get_by_label("Your note, which only you see").fill("Seen at once")
    expect(lines(page).first).to_contain_text("Seen at once")
    add(visit, path, "Pupil 2.txt", 421)
    expect(page.locator(".tile b").first).to_have_text("2")
    visit.installation.upload_until_answered(path.split("/")[2], visit.token, "empty.txt", b"")
    expect(lines(page)).to_have_count(3)
    page.get_by_label("State").select_option("assigned")
    expect(lines(page)).to_have_count(2)
    page.get_by_label("State").select_option("")
    expect(lines(page)).to_have_count(3)


def test_without_script_rows_are_sorted_filtered_and_ticked(visit: Visit) -> None:
    page = visit.page(f"{new_batch(visit, 2)}essays/", java_script_enabled=False)
    by(page, "words")
    assert names(page) == ["Essay 2", "Essay 1"]
    page.get_by_role("button", name="Essay 1: marked as read").click()
    assert page.url.endswith("/essays/?sort=-words")
    expect(page.get_by_role("button", name="Essay 1: marked as read")).to_have_attribute(
        "aria-pressed", "true"
    )
    page.get_by_label("File name").fill("pupil 2")
    page.get_by_role("button", name="Find").click()
    assert names(page) == ["Essay 2"]
    page.get_by_text("Columns", exact=True).click()
    page.locator(".columns-menu").get_by_label("Kind").check()
    page.get_by_role("button", name="Show these").click()
    expect(page.locator("#rows thead")).to_contain_text("Kind")
