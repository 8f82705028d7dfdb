"""Passkeys in a real browser with a virtual authenticator, and the pages of the account."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Visit, sign_in
from tests.browser.test_accessibility import AXE, FINDINGS, RULES
from tests.installation import Installation

pytestmark = [pytest.mark.browser, pytest.mark.live]
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def browser_window(visit: Visit) -> Iterator[BrowserContext]:
    """A window that asks for the installation by name: an address of numbers has no passkeys."""
    named = visit.installation.url.replace("127.0.0.1", "localhost")
    context = visit.browser.new_context(base_url=named, locale="en-GB")
    visit.contexts.append(context)
    yield context


def with_authenticator(page: Page) -> None:
    """Plug in a virtual authenticator that always says yes."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})


def give_password(page: Page, installation: Installation) -> None:
    username, password = installation.accounts["support"]
    page.goto("/accounts/login/")
    page.locator("[name=username]").fill(username)
    page.locator("[name=password]").fill(password)
    page.locator("main form button").click()


def test_a_passkey_is_made_asked_for_and_removed(
    visit: Visit, browser_window: BrowserContext, installation: Installation
) -> None:
    page = browser_window.new_page()
    with_authenticator(page)
    give_password(page, installation)
    page.goto("/account/factors/passkeys/add/")
    page.locator("[name=name]").fill("Key ring")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.locator("h1")).to_have_text("Recovery codes")
    expect(page.locator(".codes code")).to_have_count(10)
    code = page.locator(".codes code").first.inner_text()

    browser_window.clear_cookies()
    give_password(page, installation)
    expect(page.locator("h1")).to_have_text("Second factor")
    page.goto("/admin/")
    expect(page.locator("[name=password]")).to_be_visible()  # a password alone opens nothing
    give_password(page, installation)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.locator("h1")).to_have_text("Batches")

    browser_window.clear_cookies()
    give_password(page, installation)
    page.locator("[name=code]").fill(code)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.locator("h1")).to_have_text("Batches")
    page.goto("/account/factors/")
    page.get_by_role("link", name="Remove: Key ring").click()
    page.locator("main form button").click()
    expect(page.locator("h1")).to_have_text("Second factor")
    expect(page.get_by_text("Key ring")).to_have_count(0)


@pytest.mark.parametrize("locale", ["en-GB", "sv-SE"])
@pytest.mark.parametrize("width", [320, 1280])
def test_the_pages_are_whole_at_every_width(visit: Visit, locale: str, width: int) -> None:
    options: dict[str, Any] = {
        "viewport": {"width": width, "height": 900},
        "locale": locale,
        "color_scheme": "dark",
    }
    page = visit.page("/account/", **options)
    for path in (
        "/account/",
        "/account/password/",
        "/account/factors/",
        "/account/factors/app/",
        "/account/delete/",
    ):
        page.goto(path)
        if "/again/" in page.url:
            page.locator("[name=password]").fill(visit.installation.accounts["teacher"][1])
            page.locator("main form button").click()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        page.evaluate(AXE)
        assert page.evaluate(FINDINGS, RULES) == [], path
    stranger = visit.page("/accounts/login/", signed_in=False, **options)
    assert stranger.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_sessions_are_seen_and_ended(visit: Visit, installation: Installation) -> None:
    other = visit.page(signed_in=False)
    sign_in(other, installation)
    page = visit.page("/account/")
    expect(page.get_by_text("Chrome, Linux").first).to_be_visible()
    page.get_by_role("button", name="Sign out everywhere else").click()
    expect(page.get_by_text("Signed out everywhere else.")).to_be_visible()
    other.goto("/")
    expect(other.locator("[name=password]")).to_be_visible()
