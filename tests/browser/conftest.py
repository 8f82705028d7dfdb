"""A real browser in front of a whole installation, and what pages must never do meanwhile."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Page,
    StorageState,
    expect,
    sync_playwright,
)

from tests.browser.material import Showcase, make_showcase
from tests.browser.places import Office, make_office
from tests.installation import Installation, running

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
# The browser's own word on a page that is left before its socket is open: nothing is wrong with it.
LEFT_AT_ONCE = "WebSocket is closed before the connection is established"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--font-render-hinting=none",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Nobody listens there; with a mail server there is a page for a forgotten password.
MAIL = {"EMAIL_URL": "smtp+plain://127.0.0.1:9", "EMAIL_FROM": "huleedu@school.example"}
PATIENCE = 20_000  # milliseconds an expectation waits
TELL_VIOLATIONS = """addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`));"""


@dataclass
class Visit:
    """Opens pages as somebody, and writes down whatever a page should not have done."""

    browser: Browser
    installation: Installation
    state: StorageState
    token: str
    complaints: list[str] = field(default_factory=list)
    expected: tuple[str, ...] = ()
    contexts: list[BrowserContext] = field(default_factory=list)

    def page(self, path: str = "", *, signed_in: bool = True, **options: Any) -> Page:
        """A page in a browser window of its own, at ``path`` if one is given."""
        settings: dict[str, Any] = {
            "base_url": self.installation.url,
            "viewport": {"width": 1280, "height": 900},
            "reduced_motion": "reduce",
            "locale": "en-GB",
            "storage_state": self.state if signed_in else None,
        }
        context = self.browser.new_context(**(settings | options))
        context.set_default_timeout(PATIENCE)
        self.contexts.append(context)
        return self.tab(context, path)

    def tab(self, context: BrowserContext, path: str = "") -> Page:
        """One more page in ``context``."""
        page = context.new_page()
        page.add_init_script(TELL_VIOLATIONS)
        page.on("console", self.hear)
        page.on("pageerror", lambda error: self.complain(f"script: {error}"))
        page.on("dialog", self.close_dialog)
        page.on("request", lambda request: self.check_host(request.url))
        if path:
            page.goto(path)
        return page

    def hear(self, message: ConsoleMessage) -> None:
        """Complain about whatever is said on the console."""
        self.complain(f"{message.text} {message.location['url']}")

    def close_dialog(self, dialog: Dialog) -> None:
        """Complain about a dialog, except the browser's own question before leaving."""
        if dialog.type != "beforeunload":
            self.complain(f"dialog: {dialog.message}")
        dialog.accept()

    def check_host(self, address: str) -> None:
        """Complain about a request that leaves the installation."""
        parts = urlsplit(address)
        if parts.scheme not in {"blob", "data"} and parts.netloc != urlsplit(self.installation.url).netloc:
            self.complain(f"foreign: {address}")

    def complain(self, text: str) -> None:
        """Write a complaint down, unless the test expects it."""
        if not any(words in text for words in (LEFT_AT_ONCE, *self.expected)):
            self.complaints.append(text)

    def close(self) -> None:
        """Close every window."""
        for context in self.contexts:
            context.close()


@pytest.fixture(scope="package")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One running installation for all browser tests."""
    if not Path(CHROMIUM).exists():
        pytest.skip(f"{CHROMIUM} is missing; set CHROMIUM to where it is")
    with running(tmp_path_factory.mktemp("browser"), **MAIL) as found:
        yield found


# Package scope: playwright's event loop must be gone before tests that use the database in this thread.
@pytest.fixture(scope="package")
def browser(installation: Installation) -> Iterator[Browser]:
    """Debian's Chromium."""
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield started
        started.close()


def sign_in(page: Page, installation: Installation, role: str = "teacher") -> None:
    """Sign in through the form."""
    username, password = installation.accounts[role]
    page.goto("/accounts/login/" if role == "teacher" else "/accounts/login/?next=/admin/")
    page.locator("[name=username]").fill(username)
    page.locator("[name=password]").fill(password)
    page.locator("main form button").click()
    page.wait_for_url(f"{installation.url}/admin/" if role == "support" else f"{installation.url}/")


def state_of(browser: Browser, installation: Installation, role: str) -> StorageState:
    """The cookies of somebody who has signed in."""
    context = browser.new_context(base_url=installation.url)
    sign_in(context.new_page(), installation, role)
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture(scope="package")
def teacher_state(browser: Browser, installation: Installation) -> StorageState:
    """The teacher's cookies."""
    return state_of(browser, installation, "teacher")


@pytest.fixture(scope="package")
def token(installation: Installation) -> str:
    """The teacher's API token; one, because asking for many is refused."""
    return installation.token()


@pytest.fixture
def visit(
    browser: Browser, installation: Installation, teacher_state: StorageState, token: str
) -> Iterator[Visit]:
    """The teacher at her computer; no page may complain while she works."""
    made = Visit(browser, installation, teacher_state, token)
    yield made
    made.close()
    assert made.complaints == []


@pytest.fixture(scope="package")
def showcase(installation: Installation, token: str) -> Showcase:
    """Batches in every state, with names and texts that try to be markup."""
    return make_showcase(installation, token)


@pytest.fixture(scope="package")
def office(browser: Browser, installation: Installation) -> Office:
    """An administrator with a second factor, and others whose pages a teacher does not see."""
    return make_office(browser, installation)
