"""The account page's choices for this browser, and pages in browsers of some years ago."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Visit
from tests.browser.material import Showcase
from tests.browser.test_accessibility import AXE, findings

pytestmark = [pytest.mark.browser, pytest.mark.live, pytest.mark.timeout(300)]

THEME = "document.documentElement.dataset.theme || ''"
PAGE = "getComputedStyle(document.documentElement).backgroundColor"
WITHOUT_POPOVERS = "delete HTMLElement.prototype.popover; delete HTMLElement.prototype.showPopover;"
WITHOUT_SIZE = "delete URLSearchParams.prototype.size;"


def test_colours_are_chosen_and_given_back_to_the_device(visit: Visit) -> None:
    page = visit.page("/account/")
    page.emulate_media(color_scheme="light")
    light = page.evaluate(PAGE)
    dark, device = (page.get_by_role("button", name=name, exact=True) for name in ("Dark", "As the device"))
    expect(device).to_have_attribute("aria-pressed", "true")
    dark.click()
    expect(dark).to_have_attribute("aria-pressed", "true")
    assert page.evaluate(PAGE) != light
    page.goto("/")
    assert page.evaluate(THEME) == "dark"
    page.goto("/account/")
    page.get_by_role("button", name="Switch between light and dark").click()
    expect(page.get_by_role("button", name="Light", exact=True)).to_have_attribute("aria-pressed", "true")
    device.click()
    assert page.evaluate(THEME) == "" and page.evaluate(PAGE) == light
    page.reload()
    expect(device).to_have_attribute("aria-pressed", "true")


def test_the_language_is_chosen_on_the_page(visit: Visit) -> None:
    page = visit.page("/account/")
    page.get_by_role("button", name="Svenska", exact=True).click()
    expect(page.get_by_role("heading", name="I den här webbläsaren")).to_be_visible()
    expect(page.get_by_role("button", name="Svenska", exact=True)).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="English", exact=True).click()
    expect(page.get_by_role("heading", name="In this browser")).to_be_visible()


def test_single_keys_can_be_switched_off(visit: Visit, showcase: Showcase) -> None:
    page = visit.page(f"/batches/{showcase.done}/")
    title = page.locator(".in-place-form #id_title")
    page.keyboard.press("e")
    expect(title).to_be_focused()
    page.goto("/account/")
    page.get_by_label("Single keys do things").uncheck()
    page.goto(f"/batches/{showcase.done}/essays/1/")
    expect(page.locator(".keys")).to_be_hidden()
    for key in ("n", "N", "d"):
        page.keyboard.press(key)
    expect(page.locator("mark.current")).to_have_count(0)
    page.goto(f"/batches/{showcase.done}/")
    page.keyboard.press("e")
    page.keyboard.press("Tab")  # whatever a key does it has done by now
    expect(title).to_have_count(0)
    page.locator("[data-setting=title]").click()
    expect(title).to_be_focused()
    page.keyboard.type("ee")  # fields still get what is written
    expect(title).to_have_value("ee")
    page.keyboard.press("Escape")
    page.goto("/account/")
    page.get_by_label("Single keys do things").check()
    page.goto(f"/batches/{showcase.done}/")
    page.keyboard.press("e")
    expect(title).to_be_focused()


def old(visit: Visit, path: str, script: str) -> Page:
    """A page whose browser lacks what ``script`` takes away."""
    page = visit.page("", signed_in=True)
    page.add_init_script(script)
    page.goto(path)
    return page


def test_the_account_menu_without_popovers(visit: Visit) -> None:
    page = old(visit, "/help/", WITHOUT_POPOVERS)
    button = page.get_by_role("button", name="Account menu")
    menu = page.locator("#account-menu")
    ways: list[Callable[[], None]] = [
        button.click,
        lambda: page.keyboard.press("Escape"),
        page.locator("h1").click,
    ]
    for close in ways:
        expect(menu).to_be_hidden()
        button.click()
        expect(menu).to_be_visible()
        expect(button).to_have_attribute("aria-expanded", "true")
        close()
    expect(menu).to_be_hidden()
    button.click()
    menu.get_by_role("link", name="Account and API tokens").focus()
    page.keyboard.press("Escape")
    expect(button).to_be_focused()
    button.click()
    menu.get_by_role("link", name="Account and API tokens").click()
    expect(page.locator("h1")).to_have_text("Account")


def test_a_list_is_filtered_without_the_size_of_parameters(visit: Visit, showcase: Showcase) -> None:
    page = old(visit, f"/batches/{showcase.open}/", WITHOUT_SIZE)
    page.get_by_role("group", name="Show").get_by_role("button").nth(1).click()
    expect(page).to_have_url(re.compile(r"\?show=\w+$"))
    page.reload()
    expect(page.get_by_role("group", name="Show").get_by_role("button").nth(1)).to_have_attribute(
        "aria-pressed", "true"
    )


def without_new_colours(route: Route) -> None:
    """A style sheet with functions that no browser knows instead of ``light-dark`` and ``color-mix``."""
    answer = route.fetch()
    text = answer.text().replace("light-dark(", "no-such-thing(").replace("color-mix(", "no-such-thing(")
    route.fulfill(response=answer, body=text)


@pytest.mark.parametrize("path", ["/", "batch", "/account/", "/help/"])
def test_pages_are_legible_without_new_colours(visit: Visit, showcase: Showcase, path: str) -> None:
    page = visit.page("", signed_in=True)
    page.route("**/*.css", without_new_colours)
    page.emulate_media(color_scheme="dark")
    page.goto(f"/batches/{showcase.open}/" if path == "batch" else path)
    assert page.evaluate(PAGE) == "rgb(247, 245, 240)"
    page.evaluate(AXE)
    assert findings(page, of_admin=False) == []
