"""WCAG 2.2 AA as far as a machine can tell, in both themes and sizes; and the keyboard alone."""

from pathlib import Path
from typing import Any, Literal

import axe_playwright_python
import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.conftest import Visit
from tests.browser.material import TEACHERS, Showcase, essay, text_file
from tests.browser.places import GONE, NO_PAGES, OTHERS, Office, names_of_addresses

pytestmark = [pytest.mark.browser, pytest.mark.live, pytest.mark.timeout(300)]

AXE = next(Path(axe_playwright_python.__file__).parent.rglob("axe.min.js")).read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SIZES: list[ViewportSize] = [{"width": 1280, "height": 900}, {"width": 390, "height": 844}]
THEMES: list[Literal["light", "dark"]] = ["light", "dark"]
FINDINGS = """async (rules) => {
  const { violations, passes } = await axe.run({ runOnly: rules, preload: false });  // it would write styles
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
# What can be clicked and lies outside the window, whose words are broken or run out, or that is a block.
OUT_OF_SIGHT = """() => [...document.querySelectorAll("main button, main .button, .file-essay, .site-nav a")]
  .filter((element) => element.checkVisibility() && (element.getBoundingClientRect().right > innerWidth
    || element.scrollWidth > element.clientWidth + 1
    || element.getBoundingClientRect().height > (element.closest(".site-nav") ? 50 : 80)))
  .map((element) => element.outerHTML.slice(0, 100))"""
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
# Django's own pages: a search field named by a picture, paths whose links only colour tells.
STOCK = [
    "target-size",
    "region",
    "label",
    "aria-allowed-attr",
    "scrollable-region-focusable",
    "label-title-only",
    "link-in-text-block",
]


def test_no_page_is_forgotten() -> None:
    """What the URL configuration has is looked at, or said to be no page."""
    looked_at = {label.split(",")[0] for label in (*TEACHERS, *OTHERS)} - {"missing"}
    none = {name for names in NO_PAGES.values() for name in names}
    assert looked_at & none == set()
    assert looked_at | none == names_of_addresses()


def findings(page: Page, of_admin: bool) -> list[str]:
    """What axe finds; in the admin without what Django's own pages lack."""
    lines: list[str] = page.evaluate(FINDINGS, RULES)
    return [line for line in lines if not of_admin or line.split(":")[0] not in STOCK]


def arrive(visit: Visit, office: Office, showcase: Showcase, label: str) -> Page:
    """The page called ``label``, as whoever it is for; a password that it asks for first is given."""
    who, path = OTHERS.get(label) or ("teacher", showcase.places()[label])
    page = visit.page(
        "",
        signed_in=who == "teacher",
        **({"storage_state": office.states[who]} if who in office.states else {}),
    )
    page.goto(path)
    if page.url.split("?")[0].endswith("/account/again/") and not path.endswith("/again/"):
        password = office.password if who == "office" else visit.installation.accounts["teacher"][1]
        page.locator("[name=password]").fill(password)
        page.locator("main form button").click()
        page.wait_for_load_state()
    assert page.url.split("?")[0].endswith(path.split("?")[0])
    return page


@pytest.mark.parametrize("label", [*TEACHERS, *OTHERS])
def test_every_page_in_every_size_and_theme(
    visit: Visit, showcase: Showcase, office: Office, label: str
) -> None:
    visit.expected = ("404",) if label in GONE else ()
    page = arrive(visit, office, showcase, label)
    if page.locator("[data-live]").count():
        expect(page.locator("[data-live]")).to_have_text("Live")
    page.evaluate(AXE)
    for size, theme in zip(SIZES, THEMES, strict=True):  # colours are the theme's, places the size's
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=theme)
        assert findings(page, label == "well") == [], (size, theme)
        assert page.evaluate(OUT_OF_SIGHT) == [], size
        assert label == "well" or page.evaluate(SMALL_TARGETS) == []
    page.set_viewport_size({"width": 320, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320, "English"
    page.get_by_role("button", name="SV, svenska").click()
    page.wait_for_load_state()
    assert page.evaluate("document.documentElement.scrollWidth") <= 320, "Swedish"
    for size in SIZES:
        page.set_viewport_size(size)
        assert page.evaluate(OUT_OF_SIGHT) == [], ("Swedish", size)


def test_pages_of_the_admin(visit: Visit, showcase: Showcase, office: Office) -> None:
    """Each list and the first row of it; what Django's own pages lack is named in ``STOCK``."""
    page = visit.page("/admin/", storage_state=office.states["office"])
    found = [link.get_attribute("href") or "" for link in page.locator("#content-main th a").all()]
    lists = sorted({path for path in found if path.count("/") == 4})
    assert {"/admin/auth/user/", "/admin/huleedu/securityevent/"} <= set(lists)
    assert len(lists) > 12
    left: dict[str, list[str]] = {}
    for path in lists:
        page.goto(path)
        row = page.locator("#result_list tbody th a").first
        addresses = [path, str(row.get_attribute("href")) if row.count() else path]
        if "/fileupload/" in path:
            addresses.append(f"{path}{showcase.failed_file}/trace/")
        for address in addresses:
            page.goto(address)
            page.evaluate(AXE)
            left[address] = findings(page, True)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
    assert not any(left.values()), left


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
    page.locator("[data-drop-zone] [multiple]").focus()
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
