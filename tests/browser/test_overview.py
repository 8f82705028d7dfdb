"""The overview: what needs her first, filters with addresses, the archive, search; live and by keys."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Visit
from tests.browser.material import essay, fill, register

pytestmark = [pytest.mark.browser, pytest.mark.live, pytest.mark.timeout(300)]


def made(visit: Visit, title: str, count: int = 2, **files: bytes) -> str:
    """A batch with ``files``, by their names without an ending."""
    batch_id = register(visit.installation, visit.token, title, count)
    if files:
        named = {f"{name.replace('_', ' ')}.txt": data for name, data in files.items()}
        fill(visit.installation, visit.token, batch_id, named)
    return batch_id


def card(page: Page, title: str) -> Locator:
    """The row of a batch."""
    return page.locator(".batch-card", has=page.get_by_role("link", name=title, exact=True))


def number(page: Page, show: str) -> int:
    """What a filter says how many it has."""
    return int(page.locator(f"#show-{show} b").inner_text())


def titles(page: Page) -> list[str]:
    return page.locator(".batch-card h2").all_inner_texts()


def search(page: Page, words: str) -> None:
    """Look for ``words``, and wait for what is found."""
    before = page.url
    page.get_by_role("searchbox").fill(words)
    page.wait_for_url(lambda url: url != before)


@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
def test_filters_have_addresses_and_work_by_keyboard(visit: Visit, script: bool) -> None:
    title = f"Filters {script}"
    made(visit, f"{title} quiet")
    made(visit, f"{title} trouble", empty=b"")
    made(visit, f"{title} newer")
    page = visit.page("/", java_script_enabled=script)
    mine = [each for each in titles(page) if each.startswith(title)]
    assert mine == [f"{title} trouble", f"{title} newer", f"{title} quiet"]
    assert number(page, "all") == sum(number(page, show) for show in ("needs_me", "running", "done"))
    page.locator("#show-needs_me").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/?show=needs_me")
    expect(card(page, f"{title} trouble")).to_be_visible()
    expect(card(page, f"{title} quiet")).to_have_count(0)
    expect(page.locator("#filters [aria-current]")).to_have_text(re.compile("Needs me"))
    page.keyboard.press("Tab")
    page.locator("#show-running").press("Enter")
    page.wait_for_url("**/?show=running")
    expect(card(page, f"{title} quiet")).to_be_visible()
    page.go_back()
    expect(card(page, f"{title} trouble")).to_be_visible()


@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
def test_a_batch_is_archived_on_its_row_and_found_and_brought_back(visit: Visit, script: bool) -> None:
    title = f"Put away {script}"
    made(visit, title)
    page = visit.page("/?show=running", java_script_enabled=script)
    archived = number(page, "archived")
    card(page, title).get_by_role("button", name=f"Archive: {title}").press("Enter")
    expect(page.get_by_text("The batch is archived.")).to_be_visible()
    assert page.url.endswith("/?show=running"), "the list stays the one it was"
    expect(card(page, title)).to_have_count(0)
    page.locator(".messages").get_by_role("button", name="Bring back").press("Enter")
    expect(page.get_by_text("The batch is back.")).to_be_visible()
    expect(card(page, title)).to_be_visible()
    card(page, title).get_by_role("button", name="Archive").click()
    page.locator("#show-archived").click()
    page.wait_for_url("**/?show=archived")
    assert number(page, "archived") == archived + 1
    card(page, title).get_by_role("button", name=f"Bring back: {title}").click()
    expect(card(page, title)).to_have_count(0)


def test_rows_and_numbers_are_live(visit: Visit) -> None:
    title = "Live numbers"
    batch_id = made(visit, title)
    page = visit.page("/?show=running")
    other = visit.tab(page.context, "/")
    before = number(page, "needs_me")
    fill(visit.installation, visit.token, batch_id, {"empty.txt": b""})
    expect(card(page, title)).to_contain_text("1 needs attention")
    expect(page.locator("#show-needs_me b")).to_have_text(str(before + 1))
    assert titles(page).count(title) == 1, "it stays where it is until the list is read again"
    new = register(visit.installation, visit.token, "Live and new", 2)
    fill(visit.installation, visit.token, new, {"one.txt": essay(700).encode()})
    expect(card(page, "Live and new")).to_be_visible()
    other.bring_to_front()
    visit.installation.post(f"/v1/batches/{batch_id}/archive", {}, visit.token)
    expect(card(other, title)).to_have_count(0)
    expect(card(page, title)).to_have_count(0)
    expect(page.locator("#show-needs_me b")).to_have_text(str(before))


def test_the_focus_stays_while_the_list_is_read_again(visit: Visit) -> None:
    made(visit, "Focus here")
    page = visit.page("/")
    page.locator("#show-done").focus()
    made(visit, "Focus there", one=essay(710).encode())
    expect(card(page, "Focus there")).to_be_visible()
    assert page.evaluate("document.activeElement.id") == "show-done"


def test_search_goes_word_by_word_and_keeps_the_filter(visit: Visit) -> None:
    made(visit, "Årets höst", Åsa_Öberg=essay(720).encode())
    made(visit, "Årets vår", Bo_Ek=essay(721).encode())
    page = visit.page("/?show=running")
    for words in ("arets oberg", "OBERG host", "A\u030asa", "9b öberg"):
        search(page, words)
        expect(card(page, "Årets höst")).to_be_visible()
        expect(card(page, "Årets vår")).to_have_count(0)
        expect(page.locator("#filters [aria-current]")).to_have_text(re.compile("Running"))
        expect(page.get_by_role("searchbox")).to_be_focused()
    search(page, "nowhere at all")
    expect(page.get_by_text("No batch matches.")).to_be_visible()
    page.get_by_role("link", name="Show all batches").click()
    expect(card(page, "Årets vår")).to_be_visible()


def test_search_without_script(visit: Visit) -> None:
    made(visit, "Ödets lek", Zoë=essay(730).encode())
    page = visit.page("/", java_script_enabled=False)
    page.get_by_role("searchbox").fill("zoe lek")
    page.keyboard.press("Enter")
    expect(card(page, "Ödets lek")).to_be_visible()
    expect(page.locator(".batch-card")).to_have_count(1)
    page.locator("#show-done").click()
    expect(page.get_by_text("No batch matches.")).to_be_visible()
    page.locator("#show-running").click()
    expect(card(page, "Ödets lek")).to_be_visible()


def test_files_of_a_batch_are_searched_as_batches_are(visit: Visit) -> None:
    batch_id = made(visit, "Names", 4, Åsa_Öberg=essay(740).encode(), Bo_Ek=essay(741).encode())
    page = visit.page(f"/batches/{batch_id}/")
    shown = page.locator("[data-list] > [data-key]:visible")
    expect(shown).to_have_count(2)
    for words in ("oberg asa", "A\u030asa", "ÖBERG"):
        page.get_by_role("searchbox").fill(words)
        expect(shown).to_have_count(1)
        expect(shown).to_contain_text("Åsa Öberg.txt")
    page.get_by_role("searchbox").fill("oberg ek")
    expect(shown).to_have_count(0)


def test_what_comes_again_further_down_is_shown_once(visit: Visit) -> None:
    for n in range(52):
        register(visit.installation, visit.token, f"Many {n:02}", 2)
    moving = register(visit.installation, visit.token, "Moving past", 2)
    page = visit.page("/")
    more = page.get_by_role("link", name="Show more")
    expect(card(page, "Moving past")).to_be_visible()
    visit.installation.post(f"/v1/batches/{moving}/cancel", {}, visit.token)
    expect(card(page, "Moving past")).to_contain_text("Cancelled")
    while more.count():
        shown = len(titles(page))
        more.click()
        page.wait_for_function(
            "(shown) => document.querySelectorAll('.batch-card').length > shown", arg=shown
        )
    expect(card(page, "Moving past")).to_have_count(1)
    assert len(titles(page)) == number(page, "all")
    ids = page.locator(".batch-card").evaluate_all("(cards) => cards.map((card) => card.id)")
    assert len(set(ids)) == len(ids)


def test_rows_are_56_pixels_high_and_nothing_is_cut(visit: Visit) -> None:
    made(visit, "As usual", one=essay(750).encode())
    page = visit.page("/")
    box = card(page, "As usual").bounding_box()
    assert box and 55 <= box["height"] <= 57
    for width in (390, 320):
        page.set_viewport_size({"width": width, "height": 844})
        cut = page.locator(".batch-card *, #filters *").evaluate_all(
            "(all) => all.filter((each) => each.scrollWidth > each.clientWidth + 1"
            " && getComputedStyle(each).display !== 'inline').map((each) => each.outerHTML.slice(0, 90))"
        )
        assert cut == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
