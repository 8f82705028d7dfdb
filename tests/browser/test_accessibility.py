"""WCAG 2.2 AA as far as a machine can tell, in both themes and sizes; and the keyboard alone."""

from pathlib import Path
from typing import Any, Literal

import axe_playwright_python
import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.conftest import Visit
from tests.browser.material import Showcase, essay, text_file

pytestmark = [pytest.mark.browser, pytest.mark.live]

AXE = next(Path(axe_playwright_python.__file__).parent.rglob("axe.min.js")).read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SIZES: list[ViewportSize] = [{"width": 1280, "height": 900}, {"width": 390, "height": 844}]
THEMES: list[Literal["light", "dark"]] = ["light", "dark"]
FINDINGS = """async (rules) => {
  const { violations, passes } = await axe.run({ runOnly: rules });
  const lines = violations.map((found) => `${found.id}: ${found.nodes[0].html.slice(0, 160)}`);
  return passes.length > 5 ? lines : ["axe found nothing to check"];
}"""
# Links within a sentence or a table cell may be as high as their line (WCAG 2.5.8).
SMALL_TARGETS = """() => [...document.querySelectorAll("a, button, input, summary, select")]
  .filter((element) => element.checkVisibility() && !element.closest("p, li, td, th, .prose")
    && !element.matches(".skip-link, [type=file], [type=hidden]"))
  .map((element) => [element.outerHTML.slice(0, 100), element.getBoundingClientRect()])
  .filter(([, box]) => box.width && (box.height < 24 || box.width < 24))
  .map(([html, box]) => `${html} ${box.width}x${box.height}`)"""
FOCUS = """() => {
  const element = document.activeElement;
  const seen = [element, element.closest("label"), element.parentElement].filter(Boolean)
    .map((part) => getComputedStyle(part))
    .some((style) => (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2)
      || style.boxShadow !== "none");
  const label = element.closest("label");
  return { name: element.getAttribute("aria-label") || label?.textContent || element.textContent,
    field: element.id || element.name || "", seen, html: element.outerHTML.slice(0, 120) };
}"""
PLACES = [
    "overview", "no match", "new", "empty", "empty essays", "empty results", "open", "done",
    "essays", "essay", "results", "keeping", "removed", "bin", "trace", "account", "help", "login", "missing",
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(PLACES)), ids=PLACES)
def test_every_page_in_every_size_and_theme(visit: Visit, showcase: Showcase, number: int) -> None:
    visit.expected = ("404",) if PLACES[number] == "missing" else ()
    path = [*showcase.pages(), "/accounts/login/", "/nowhere/"][number]
    page = visit.page(path, signed_in=PLACES[number] != "login")
    if page.locator("[data-live]").count():
        expect(page.locator("[data-live]")).to_have_text("Live")
    page.evaluate(AXE)
    for size in SIZES:
        page.set_viewport_size(size)
        for theme in THEMES:
            page.emulate_media(color_scheme=theme)
            assert page.evaluate(FINDINGS, RULES) == [], (size, theme)
        assert page.evaluate(SMALL_TARGETS) == []
    for language in ("EN, English", "SV, svenska"):
        page.set_viewport_size({"width": 320, "height": 700})
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, language
        if language.startswith("EN"):
            page.get_by_role("button", name="SV, svenska").click()


def tab_to(page: Page, words: str) -> dict[str, Any]:
    """Press Tab until the element named ``words`` has the focus, and see the focus at every step."""
    for _ in range(60):
        page.keyboard.press("Tab")
        place: dict[str, Any] = page.evaluate(FOCUS)
        if place["html"].startswith("<body"):
            continue
        assert place["seen"], f"the focus cannot be seen: {place['html']}"
        if words in place["name"] or words == place["field"]:
            return place
    raise AssertionError(f"Tab does not reach {words!r}")


def test_a_whole_batch_with_the_keyboard_alone(visit: Visit) -> None:
    page = visit.page("/accounts/login/", signed_in=False)
    username, password = visit.installation.accounts["teacher"]
    assert page.evaluate("document.activeElement.name") == "username"
    page.keyboard.type(username)
    tab_to(page, "id_password")
    page.keyboard.type(password)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{visit.installation.url}/")
    tab_to(page, "New batch")
    page.keyboard.press("Enter")
    page.wait_for_url("**/batches/new/")
    tab_to(page, "id_title")
    page.keyboard.type("By keyboard")
    tab_to(page, "id_expected_essay_count")
    page.keyboard.type("2")
    page.keyboard.press("Enter")
    page.wait_for_url("**/batches/*-*/")
    expect(page.locator("[data-live]")).to_have_text("Live")
    fill_and_mend(page)
    change_language(page)


def fill_and_mend(page: Page) -> None:
    """Choose two empty files; one is replaced, one removed, and the focus stays in the list."""
    tab_to(page, "Choose files")
    page.locator(":focus").set_input_files(text_file("empty.txt", ""))
    expect(page.locator(".file-row")).to_contain_text("No text found")
    tab_to(page, "Replace file: empty.txt")
    page.locator(":focus").set_input_files(text_file("whole.txt", essay(301)))
    expect(page.locator(".file-row")).to_contain_text("Ready")
    page.locator("[data-drop-zone] input").focus()
    page.locator(":focus").set_input_files(text_file("second.txt", ""))
    expect(page.locator(".file-row").first).to_contain_text("No text found")
    tab_to(page, "Remove: second.txt")
    page.keyboard.press("Enter")
    expect(page.locator(".file-row")).to_have_count(1)
    assert "whole.txt" in page.evaluate(FOCUS)["name"]


def change_language(page: Page) -> None:
    """The header's buttons, reached from the page's start."""
    page.reload()
    tab_to(page, "SV, svenska")
    page.keyboard.press("Enter")
    expect(page.locator(".headline")).to_have_text("1 av 2 uppsatser klara")
