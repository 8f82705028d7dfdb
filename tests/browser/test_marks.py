"""Marks to work with: a box at the word, no error here, in the batch or always; D, N, undo; own words."""

from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Visit
from tests.browser.material import essay, fill, read_batch, register
from tests.browser.test_accessibility import AXE, findings
from tests.installation import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.live]
TEXT = " Becouse of that, and becouse of this, it was a xyzzyq and a qwfpgj."


def reader(visit: Visit, number: int, **options: Any) -> tuple[Page, str]:
    """The page of an essay with marks, and its batch's id."""
    batch_id = register(visit.installation, visit.token, "Marks", 2)
    texts = {f"{each}.txt": (essay(number + each) + TEXT).encode() for each in range(2)}
    fill(visit.installation, visit.token, batch_id, texts)
    finished = "completed"
    wait_until(
        lambda: read_batch(visit.installation, batch_id, visit.token)["status"] == finished, 30, finished
    )
    page = visit.page(f"/batches/{batch_id}/essays/1/", **options)
    return page, batch_id


def words(page: Page) -> list[str]:
    """The words marked in the text."""
    return [word.lower() for word in page.locator(".essay-text mark").all_inner_texts()]


def test_d_says_that_a_mark_is_no_error_and_undo_brings_it_back(visit: Visit) -> None:
    page, _ = reader(visit, 3_000)
    before = words(page)
    assert before.count("becouse") == 2
    page.keyboard.press("n")
    while (page.locator("mark.current").inner_text()).lower() != "becouse":
        page.keyboard.press("n")
    page.keyboard.press("d")
    expect(page.locator(".toast")).to_contain_text("is not marked any more.")
    assert "becouse" not in words(page)
    expect(page.get_by_role("heading", name=f"{len(before) - 2} spelling mark")).to_be_visible()
    expect(page.locator("mark.current")).to_have_count(1)
    page.locator(".toast").get_by_role("button", name="Undo").click()
    expect(page.locator(".essay-text mark")).to_have_count(len(before))


def test_a_box_at_the_word_accepts_it_in_the_whole_batch(visit: Visit) -> None:
    page, batch_id = reader(visit, 3_100)
    page.locator("mark", has_text="becouse").first.click()
    box = page.locator(".mark-box")
    expect(box).to_contain_text("Because")
    page.evaluate(AXE)
    assert findings(page, of_admin=False) == []
    page.keyboard.press("Escape")
    expect(box).to_have_count(0)
    page.locator("mark", has_text="becouse").first.click()
    box.get_by_role("button", name="In this batch").click()
    expect(page.locator("mark", has_text="becouse")).to_have_count(0)
    page.goto(f"/batches/{batch_id}/essays/2/")
    assert "becouse" not in words(page)
    assert "xyzzyq" in words(page)


def test_always_is_listed_and_taken_off_the_list(visit: Visit) -> None:
    page, _ = reader(visit, 3_200, viewport={"width": 390, "height": 844})
    page.locator("mark", has_text="xyzzyq").click()
    page.locator(".mark-box").get_by_role("button", name="Always").click()
    expect(page.locator("mark", has_text="xyzzyq")).to_have_count(0)
    page.goto("/account/")
    page.get_by_role("link", name="Show them").click()
    page.get_by_role("button", name="Mark it again: xyzzyq").click()
    expect(page.get_by_text("“xyzzyq” is marked again.")).to_be_visible()


def test_without_script_a_form_does_the_same(visit: Visit) -> None:
    page, _ = reader(visit, 3_300, java_script_enabled=False)
    line = page.locator(".mark-list li", has_text="xyzzyq")
    line.get_by_text("Not an error").click()
    line.get_by_role("button", name="In this essay").click()
    expect(page.get_by_text("“xyzzyq” is not marked any more.")).to_be_visible()
    expect(page.locator("mark", has_text="xyzzyq")).to_have_count(0)


def stand_on(page: Page, word: str) -> None:
    """Go on to the next mark on ``word``."""
    page.keyboard.press("n")
    while page.locator("mark.current").inner_text().lower() != word:
        page.keyboard.press("n")


class Slow:
    """What is said of words goes no further than to here before ``let_go``, and then the last of it first."""

    def __init__(self, page: Page) -> None:
        self.page, self.kept, self.open = page, list[Route](), False
        page.route("**/accept/", self.take)

    def take(self, route: Route) -> None:
        if self.open:
            route.continue_()
        else:
            self.kept.append(route)

    def let_go(self) -> None:
        self.page.wait_for_timeout(300)
        self.open = True
        for route in reversed(self.kept):
            route.continue_()
            self.page.wait_for_timeout(300)


def test_what_is_said_while_an_answer_is_on_its_way_counts_and_shows(visit: Visit) -> None:
    page, _ = reader(visit, 3_400)
    slow = Slow(page)
    for word in ("becouse", "xyzzyq"):
        stand_on(page, word)
        page.keyboard.press("d")
    slow.let_go()
    expect(page.locator("mark", has_text="becouse")).to_have_count(0)
    expect(page.locator("mark", has_text="xyzzyq")).to_have_count(0)


def test_the_mark_that_is_shown_stays_the_one_when_others_go(visit: Visit) -> None:
    page, _ = reader(visit, 3_500)
    slow = Slow(page)
    stand_on(page, "becouse")
    page.keyboard.press("d")
    page.keyboard.press("n")
    page.keyboard.press("n")
    expect(page.locator("mark.current")).to_have_text("xyzzyq")
    slow.let_go()
    expect(page.locator("mark", has_text="becouse")).to_have_count(0)
    expect(page.locator("mark.current")).to_have_text("xyzzyq")


def test_the_keyboard_stays_in_the_list_of_marks(visit: Visit) -> None:
    page, _ = reader(visit, 3_600)
    line = page.locator(".mark-list li", has_text="becouse").first
    line.get_by_text("Not an error").click()
    line.get_by_role("button", name="In this essay").focus()
    page.keyboard.press("Enter")
    expect(page.locator("mark", has_text="becouse")).to_have_count(0)
    expect(page.locator(".mark-list a:focus, main:focus")).to_have_count(1)


def test_a_refusal_offers_no_undo(visit: Visit) -> None:
    page, _ = reader(visit, 3_700)
    page.locator("[data-accept] input[name=word]").first.evaluate(
        "field => { field.value = 'x'.repeat(201) }"
    )
    line = page.locator(".mark-list li").first
    line.get_by_text("Not an error").click()
    line.get_by_role("button", name="In this essay").click()
    expect(page.locator(".toast")).to_have_count(1)
    expect(page.locator(".toast").get_by_role("button", name="Undo")).to_have_count(0)
