"""Files go into the batch that is seen, whatever the browser's history does with pages and addresses."""

import re
from collections.abc import Iterable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Visit, sign_in
from tests.browser.material import essay, read_batch, register
from tests.browser.test_teacher import DROP, headline, row
from tests.installation import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.live]

SENT_BY_PAGE = "**/v1/files/batch"
KEPT = """() => [localStorage, sessionStorage].flatMap((store) => Object.keys(store))"""
LATE_DROP = f"""(files) => {{
  const drop = {DROP};
  addEventListener("popstate", () => drop(files), {{ capture: true }});
  history.back();
}}"""
HELD = """(files) => {
  const carried = new DataTransfer();
  for (const [name, text] of files) carried.items.add(new File([text], name));
  const event = new DragEvent("dragover", { dataTransfer: carried, cancelable: true, bubbles: true });
  document.querySelector("main").dispatchEvent(event);
  return [event.defaultPrevented, event.dataTransfer.dropEffect];
}"""


def drop(page: Page, *names: str) -> None:
    """Drop an essay under each name."""
    page.evaluate(DROP, [[name, essay(sum(name.encode()))] for name in names])


def shown_id(page: Page) -> str:
    """The batch in the page's address."""
    page.wait_for_url(re.compile(r"/batches/[0-9a-f-]{36}/$"))
    return page.url.rstrip("/").rsplit("/", 1)[-1]


def names(visit: Visit, batch_id: str) -> list[str]:
    """The names of the batch's files, as the API tells them."""
    return sorted(file["filename"] for file in read_batch(visit.installation, batch_id, visit.token)["files"])


def expect_names(visit: Visit, batch_id: str, expected: Iterable[str]) -> None:
    """Wait until the batch has exactly these files."""
    wanted = sorted(expected)
    wait_until(lambda: names(visit, batch_id) == wanted, 15, f"{wanted} in {batch_id}")


def expect_seen(page: Page, batch_id: str) -> None:
    """The batch in the address is the one in the page, and the page is alive."""
    assert f"/batches/{batch_id}/" in page.url
    expect(page.locator("#batch-snapshot")).to_be_attached()
    assert batch_id in (page.locator("#batch-snapshot").text_content() or "")
    expect(page.locator("[data-live]")).to_have_text("Live")


def expect_overview(page: Page) -> None:
    """The overview is in the page as in the address."""
    page.wait_for_url(re.compile(r":\d+/$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Batches")
    expect(page.locator("batch-page")).to_have_count(0)


def dropped_batch(visit: Visit, page: Page, *files: str) -> str:
    """The id of the batch that dropping ``files`` on the overview makes."""
    drop(page, *files)
    made = shown_id(page)
    headline(page, f"{len(files)} of {len(files)} essays ready")
    expect_names(visit, made, files)
    return made


def make_room(visit: Visit, batch_id: str) -> None:
    """Let a full batch take two more files."""
    body = {"expected_essay_count": 3}
    assert visit.installation.post(f"/v1/batches/{batch_id}/expect", body, visit.token).status == 200


def open_essay(page: Page) -> None:
    """Go on to the batch's first essay, which is another document."""
    page.locator("[data-part=essay]:visible").first.click()
    expect(page.locator("essay-reader")).to_be_visible()


def test_back_from_an_essay_to_the_overview_shows_it_and_a_drop_makes_a_new_batch(visit: Visit) -> None:
    page = visit.page("/")
    first = dropped_batch(visit, page, "Class A one.txt", "Class A two.txt")
    open_essay(page)
    page.go_back()
    expect_seen(page, first)
    page.go_back()
    expect_overview(page)
    second = dropped_batch(visit, page, "Class B.txt")
    assert second != first
    assert names(visit, first) == ["Class A one.txt", "Class A two.txt"]


def test_a_drop_before_the_page_has_noticed_goes_nowhere(visit: Visit) -> None:
    """Between the traversal and the reload that follows it nothing is taken."""
    page = visit.page("/")
    first = dropped_batch(visit, page, "Only this.txt")
    open_essay(page)
    page.go_back()
    expect_seen(page, first)
    page.evaluate(LATE_DROP, [["Late.txt", essay(1)]])
    expect_overview(page)
    page.reload()
    assert names(visit, first) == ["Only this.txt"]


def test_forward_shows_the_batch_of_the_address(visit: Visit) -> None:
    page = visit.page("/")
    first = dropped_batch(visit, page, "A.txt")
    page.go_back()
    expect_overview(page)
    page.go_forward()
    expect_seen(page, first)
    page.go_back()
    expect_overview(page)
    second = dropped_batch(visit, page, "B.txt")
    page.go_back()
    expect_overview(page)
    make_room(visit, second)
    page.go_forward()
    expect_seen(page, second)
    drop(page, "B too.txt")
    expect_names(visit, second, ["B.txt", "B too.txt"])
    assert names(visit, first) == ["A.txt"]


def test_back_while_files_are_being_sent_stays_and_says_so(visit: Visit) -> None:
    page = visit.page("/")
    held: list[Route] = []
    page.route(SENT_BY_PAGE, lambda route: held.append(route))
    drop(page, "Slow one.txt", "Slow two.txt")
    made = shown_id(page)
    wait_for(page, lambda: len(held) == 2)
    page.evaluate("history.back()")
    expect(page.locator(".toast", has_text="Files are still being sent")).to_be_visible()
    assert shown_id(page) == made
    for route in held:
        route.continue_()
    headline(page, "2 of 2 essays ready")
    expect_names(visit, made, ["Slow one.txt", "Slow two.txt"])
    page.go_back()
    expect_overview(page)


def wait_for(page: Page, condition: Any) -> None:
    """Let the browser go on until ``condition`` holds."""
    for _ in range(200):
        if condition():
            return
        page.wait_for_timeout(50)
    raise AssertionError("it never came true")


def test_a_search_that_is_still_asked_cannot_change_the_address_of_the_new_batch(visit: Visit) -> None:
    page = visit.page("/")
    held: list[Route] = []
    page.route("**/search/", lambda route: held.append(route))
    page.get_by_role("searchbox").fill("Slow search")
    wait_for(page, lambda: len(held) == 1)
    drop(page, "While searching.txt")
    made = shown_id(page)
    for route in held:
        route.continue_()
    headline(page, "1 of 1 essays ready")
    make_room(visit, made)
    page.wait_for_timeout(500)
    assert shown_id(page) == made
    drop(page, "And one more.txt")
    expect_names(visit, made, ["While searching.txt", "And one more.txt"])


def test_a_page_that_was_kept_is_read_again(visit: Visit) -> None:
    """As after a return from the back-forward cache, which hands the page over as it was left."""
    batch_id = register(visit.installation, visit.token, "Kept", 3)
    page = visit.page(f"/batches/{batch_id}/")
    page.evaluate("document.title = 'As it was left'")
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    expect(page).to_have_title(re.compile("^Kept"))
    expect_seen(page, batch_id)


def test_a_restored_tab_takes_files_for_what_it_shows(visit: Visit) -> None:
    """A tab that comes back has the old entries, but its document is new; so has a duplicated one."""
    page = visit.page("/")
    first = dropped_batch(visit, page, "Before.txt")
    page.reload()
    expect_seen(page, first)
    page.evaluate("history.back()")
    expect_overview(page)
    second = dropped_batch(visit, page, "After.txt")
    assert second != first
    assert names(visit, first) == ["Before.txt"]


def test_two_tabs_fill_a_batch_each(visit: Visit) -> None:
    one = visit.page("/")
    other = visit.tab(one.context, "/")
    first, second = dropped_batch(visit, one, "One.txt"), dropped_batch(visit, other, "Other.txt")
    assert first != second
    for made in (first, second):
        make_room(visit, made)
    other.goto(f"/batches/{first}/")
    other.go_back()
    expect_seen(other, second)
    drop(one, "One more.txt")
    drop(other, "Other more.txt")
    expect_names(visit, first, ["One.txt", "One more.txt"])
    expect_names(visit, second, ["Other.txt", "Other more.txt"])


def test_another_teacher_signed_in_meanwhile_gets_no_files(visit: Visit) -> None:
    """The page is still the first teacher's; what is dropped on it must not land in the other's account."""
    visit.expected = ("403", "404")
    batch_id = register(visit.installation, visit.token, "Mine", 3)
    batch = visit.page(f"/batches/{batch_id}/")
    overview = visit.tab(batch.context, "/")
    elsewhere = visit.tab(batch.context)
    elsewhere.context.clear_cookies()
    sign_in(elsewhere, visit.installation, "support")
    before = visit.installation.get("/v1/batches", visit.installation.token("support")).body
    drop(batch, "Not hers.txt")
    expect(row(batch, "Not hers.txt")).to_contain_text("You have been signed out")
    drop(overview, "Nor this.txt")
    expect(overview.locator(".toast", has_text="You have been signed out")).to_be_visible()
    assert visit.installation.get("/v1/batches", visit.installation.token("support")).body == before
    assert names(visit, batch_id) == []


def test_pages_without_a_place_for_files_are_not_left_for_one(visit: Visit, showcase: Any) -> None:
    for path in (f"/batches/{showcase.done}/essays/1/", f"/batches/{showcase.done}/results/", "/help/"):
        page = visit.page(path)
        assert page.evaluate(HELD, [["Lost.txt", "x"]]) == [True, "none"]
    assert visit.page("/").evaluate(HELD, [["Taken.txt", "x"]])[0] is True


def test_the_header_belongs_to_the_page_that_is_seen(visit: Visit) -> None:
    page = visit.page("/")
    made = dropped_batch(visit, page, "Header.txt")
    page.get_by_role("button", name="SV, svenska").click()
    expect(page.locator("html")).to_have_attribute("lang", "sv")
    assert shown_id(page) == made


def test_nothing_that_was_seen_is_kept_in_the_browser(visit: Visit, showcase: Any) -> None:
    page = visit.page("/")
    page.get_by_role("searchbox").fill("School")
    page.wait_for_url("**/?s=*")
    page.goto(f"/batches/{showcase.done}/results/")
    page.get_by_label("File name").fill("Two")
    page.wait_for_url("**/?s=*")
    page.go_back()
    assert page.evaluate(KEPT) == ["htmx-current-path-for-history"]


def test_search_words_are_in_no_address_and_come_back_with_back_and_reload(
    visit: Visit, showcase: Any
) -> None:
    page = visit.page("/")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_role("searchbox").fill("School phones")
    page.wait_for_url("**/?s=*")
    expect(page.locator(".batch-list > li")).to_have_count(1)
    page.reload()
    expect(page.get_by_role("searchbox")).to_have_value("School phones")
    expect(page.locator(".batch-list > li")).to_have_count(1)
    page.goto(f"/batches/{showcase.done}/results/")
    page.get_by_label("File name").fill("Two")
    page.wait_for_url("**/results/?s=*")
    expect(page.locator("#rows tbody tr")).to_have_count(1)
    page.go_back()
    page.go_back()
    expect(page.get_by_role("searchbox")).to_have_value("School phones")
    page.goto(f"/batches/{showcase.open}/")
    page.get_by_role("searchbox").fill("Essay 12")
    expect(page.locator("[data-list] > [data-key]:visible")).to_have_count(1)
    page.reload()
    expect(page.get_by_role("searchbox")).to_have_value("Essay 12")
    expect(page.locator("[data-list] > [data-key]:visible")).to_have_count(1)
    assert not [url for url in asked if "School" in url or "Two" in url or "Essay" in url]
