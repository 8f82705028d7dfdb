"""The account page's choices for this browser."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.material import Showcase

pytestmark = [pytest.mark.browser, pytest.mark.live, pytest.mark.timeout(300)]

THEME = "document.documentElement.dataset.theme || ''"
PAGE = "getComputedStyle(document.documentElement).backgroundColor"


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
