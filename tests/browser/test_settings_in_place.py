"""A batch's settings are changed where they stand, undone, seen by others, and work without script."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.material import essay, register, text_file
from tests.browser.test_accessibility import AXE, findings
from tests.browser.test_teacher import api, chip, choose, headline, new_page

pytestmark = [pytest.mark.browser, pytest.mark.live]


def fact(page: Page, name: str) -> None:
    """Open what is set as ``name``, where it stands."""
    page.locator(f"[data-setting={name}]").click()


def save(page: Page) -> None:
    """Save what is open."""
    page.locator("form.in-place-form").get_by_role("button", name="Save").click()


def test_a_title_is_changed_undone_and_seen_in_another_window(visit: Visit) -> None:
    page = new_page(visit, "Första", 2)
    other = visit.page(page.url)
    expect(other.locator("[data-live]")).to_have_text("Live")
    page.keyboard.press("e")
    field = page.get_by_label("Assignment", exact=False).first
    expect(field).to_be_focused()
    expect(field).to_have_value("Första")
    page.keyboard.type("Andra")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Andra")
    expect(page.locator("[data-setting=title]")).to_be_focused()
    expect(other.get_by_role("heading", level=1)).to_have_text("Andra")
    expect(page.locator(".toast")).to_contain_text("The settings are saved.")
    page.locator(".toast").get_by_role("button", name="Undo").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Första")
    expect(other.get_by_role("heading", level=1)).to_have_text("Första")
    fact(page, "title")
    expect(page.get_by_label("Assignment", exact=False).first).to_be_focused()
    page.keyboard.type("Tredje")
    page.keyboard.press("Escape")
    expect(page.locator("form.in-place-form")).to_have_count(0)
    expect(page.locator("[data-setting=title]")).to_be_focused()
    assert api(visit, page)["title"] == "Första"


def test_what_is_refused_says_why_at_its_field(visit: Visit) -> None:
    page = new_page(visit, "Antal", 2)
    choose(page, *(text_file(f"{number}.txt", essay(100 + number)) for number in range(2)))
    headline(page, "2 of 2 essays ready")
    chip(page, "Finished")
    fact(page, "expected_essay_count")
    field = page.get_by_label("Number of essays")
    field.fill("1")
    save(page)
    expect(page.locator(".in-place-form .field-error")).to_be_visible()
    page.get_by_label("Number of essays").fill("3")
    save(page)
    expect(page.locator("[data-setting=expected_essay_count]")).to_have_text("3 essays expected")
    headline(page, "2 of 3 essays ready")


def test_the_language_says_that_essays_are_checked_again_and_is_undone(visit: Visit) -> None:
    page = new_page(visit, "Språk", 1)
    fact(page, "language")
    page.get_by_label("Language of the batch").select_option("sv")
    save(page)
    expect(page.locator(".toast")).to_contain_text("checked again")
    expect(page.locator("[data-setting=language]")).to_have_text("in Swedish")
    page.locator(".toast").get_by_role("button", name="Undo").click()
    expect(page.locator("[data-setting=language]")).to_have_text("in English")


def test_a_batch_that_waits_is_started_by_its_teacher(visit: Visit) -> None:
    page = new_page(visit, "Vänta", 1)
    fact(page, "auto_start")
    page.get_by_label("starts by itself").uncheck()
    save(page)
    expect(page.locator("[data-setting=auto_start]")).to_have_text("waits for you to start it")
    choose(page, text_file("1.txt", essay(200)))
    chip(page, "Ready to start")
    page.get_by_role("button", name="Start checking").click()
    chip(page, "Finished")


def test_assignment_class_and_deadline(visit: Visit) -> None:
    page = new_page(visit, "Allt", 1)
    fact(page, "assignment")
    page.get_by_label("Assignment text").fill("Skriv om hösten.\nMinst en sida.")
    save(page)
    fact(page, "class_name")
    page.get_by_role("textbox", name="Class").fill("9C")
    save(page)
    expect(page.locator("[data-setting=class_name]")).to_have_text("Class 9C")
    expect(page.locator("[data-deadline-text]")).not_to_contain_text("Dec 2039")
    fact(page, "deadline")
    page.get_by_label("Files can be added until").fill("2020-01-01T10:00")
    save(page)
    expect(page.locator(".in-place-form .field-error")).to_contain_text("still to come")
    page.evaluate(AXE)
    assert findings(page, of_admin=False) == []


def test_a_field_opened_while_another_is_saved_opens(visit: Visit) -> None:
    page = new_page(visit, "Snabbt", 1)
    page.evaluate(
        """() => { const send = window.fetch; window.fetch = async (url, options) => {
        const answer = await send(url, options);
        if (!options?.body) await new Promise((resolve) => setTimeout(resolve, 1500));
        return answer; } }"""
    )
    fact(page, "assignment")
    page.get_by_label("Assignment text").fill("Skriv om hösten.")
    save(page)
    fact(page, "class_name")
    page.get_by_role("textbox", name="Class").fill("9C")
    save(page)
    expect(page.locator("[data-setting=class_name]")).to_have_text("Class 9C")
    fact(page, "assignment")
    expect(page.get_by_label("Assignment text")).to_have_value("Skriv om hösten.")


def test_without_script_a_form_does_the_same(visit: Visit) -> None:
    batch_id = register(visit.installation, visit.token, "Utan skript", 2)
    page = visit.page(f"/batches/{batch_id}/", java_script_enabled=False)
    page.get_by_role("link", name="Utan skript").click()
    expect(page).to_have_url(re.compile(r"/settings/"))
    page.get_by_role("textbox", name="Class").fill("7A")
    page.get_by_label("Number of essays").fill("0")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Write a number from 1 to 200.")).to_be_visible()
    page.get_by_label("Number of essays").fill("5")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The settings are saved.")).to_be_visible()
    expect(page.get_by_role("link", name="Class 7A")).to_be_visible()
    expect(page.get_by_role("link", name="5 essays expected")).to_be_visible()


def test_what_another_window_set_meanwhile_is_told_and_stays(visit: Visit) -> None:
    page = new_page(visit, "Två fönster", 2)
    other = visit.page(page.url)
    fact(page, "title")
    page.get_by_label("Assignment", exact=False).first.fill("Mitt")
    fact(other, "class_name")
    other.get_by_role("textbox", name="Class").fill("8C")
    save(other)
    expect(other.locator("[data-setting=class_name]")).to_have_text("Class 8C")
    page.wait_for_timeout(1000)  # until this window has heard of it, too
    save(page)
    expect(page.locator(".in-place-form .banner-fail")).to_contain_text("changed meanwhile")
    expect(page.locator(".in-place-form [name=title]")).to_have_value("Mitt")
    save(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Mitt")
    expect(page.locator("[data-setting=class_name]")).to_have_text("Class 8C")
    assert api(visit, page)["class_name"] == "8C"


def test_what_can_no_longer_be_undone_says_why(visit: Visit) -> None:
    page = new_page(visit, "Ångra", 1)
    fact(page, "expected_essay_count")
    page.get_by_label("Number of essays").fill("2")
    save(page)
    undo = page.locator(".toast").get_by_role("button", name="Undo")
    expect(undo).to_be_visible()
    choose(page, *(text_file(f"{number}.txt", essay(300 + number)) for number in range(2)))
    headline(page, "2 of 2 essays ready")
    undo.click()
    expect(page.locator(".toast")).to_contain_text("holds more essays")


def test_a_change_is_read_once_and_not_while_a_form_is_open(visit: Visit) -> None:
    page = new_page(visit, "Lugn", 1)
    read: list[str] = []
    page.on("request", lambda request: read.append(request.url) if request.url.endswith("/head/") else None)
    tell = """() => { for (let n = 0; n < 20; n++)
      document.dispatchEvent(new CustomEvent("batch-changed", { detail: { state: "7 sv" } })) }"""
    fact(page, "title")
    expect(page.locator("form.in-place-form")).to_be_visible()
    page.evaluate(tell)
    page.wait_for_timeout(300)
    assert not read
    page.keyboard.press("Escape")
    page.evaluate(tell)
    page.wait_for_timeout(300)
    assert len(read) == 1


def test_on_paper_the_page_has_nothing_to_press(visit: Visit) -> None:
    page = new_page(visit, "Papper", 1)
    fact(page, "title")
    expect(page.locator("form.in-place-form")).to_be_visible()
    page.emulate_media(media="print")
    expect(page.locator("form.in-place-form")).to_be_hidden()
