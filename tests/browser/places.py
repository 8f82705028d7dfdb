"""Every page that the URL configuration has, and who looks at it: what is new there must be named here."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.urls import URLPattern, URLResolver, get_resolver
from playwright.sync_api import Browser, Page, StorageState

from tests.installation import ROOT, Installation

# Pages of the teacher are named in ``material.Showcase.places``. These are others', with who looks at them.
OTHERS = {
    "login": ("nobody", "/accounts/login/"),
    "forgotten": ("nobody", "/accounts/forgotten/"),
    "password-link": ("nobody", "/accounts/link/spent/"),
    "set-password": ("invited", "/accounts/set-password/"),
    "mfa_authenticate": ("halfway", "/accounts/login/factor/"),
    "mfa_index, set up": ("office", "/account/factors/"),
    "mfa_deactivate_totp": ("office", "/account/factors/app/remove/"),
    "mfa_view_recovery_codes": ("office", "/account/factors/codes/"),
    "mfa_generate_recovery_codes": ("office", "/account/factors/codes/anew/"),
    "mfa_reauthenticate": ("office", "/account/again/code/"),
    "well": ("office", "/admin/well/"),
    "support-desk": ("office", "/admin/"),
    "help, signed out": ("nobody", "/help/"),
    "missing": ("teacher", "/nowhere/"),
}
NO_PAGES = {
    "machines ask": {"healthz", "readyz", "metrics"},
    "forms and redirects": {
        *("logout", "set_language", "search", "batch-extend", "batch-expect", "batch-cancel", "batch-resume"),
        *("batch-upload", "file-replace", "file-remove", "file-restore", "file-reprocess", "batch-start"),
        *("batch-language", "essay-language", "accept-word", "essay-note", "table-columns"),
        *("forget-word", "batch-delete"),
        *("bin-restore", "bin-erase", "batch-archive", "batch-unarchive", "export-remove", "export-retry"),
        *("account_login", "mfa_list_webauthn", "school-login", "openid_connect_login"),
        *(
            "openid_connect_callback",
            "files-replace-several",
            "files-remove-several",
        ),
    },
    "a piece of a page, a file": {
        *("batch-card", "batch-head", "overview-filters", "export-list", "export-file"),
        *("batch-troubles", "file-original-shown", "file-original-saved"),
        *("mfa_download_recovery_codes",),
    },
    "looked at in test_passkeys": {"mfa_remove_webauthn", "mfa_reauthenticate_webauthn"},
}
GONE = {"missing", "password-link"}  # answered with 404


def names_of_addresses() -> set[str]:
    """The names of all addresses, without the API's and the admin's own."""

    def walk(patterns: list[Any], prefix: str = "") -> Iterator[str]:
        for pattern in patterns:
            route = prefix + str(pattern.pattern)
            if isinstance(pattern, URLResolver) and not pattern.namespace and not route.startswith("v1/"):
                yield from walk(pattern.url_patterns, route)
            elif isinstance(pattern, URLPattern) and pattern.name:
                yield pattern.name

    return set(walk(get_resolver().url_patterns))


@dataclass(frozen=True)
class Office:
    """Who else looks at pages: an administrator with an app, one halfway in, and somebody invited."""

    password: str
    states: dict[str, StorageState]


def make_office(browser: Browser, installation: Installation) -> Office:
    """Make the accounts, and bring each to where its pages are."""
    password = account(installation, "create", "administrator", "office", "--password").split()[-1]
    link = re.search(r"/accounts/link/\S+", account(installation, "create", "teacher", "invited"))
    assert link
    invited = window(browser, installation, link[0])
    page = window(browser, installation, "/accounts/login/?next=/account/factors/app/")
    give_password(page, password)
    secret = page.locator("code.secret").inner_text()
    page.locator("[name=code]").fill(format_hotp_value(hotp_value(secret, int(time.time()) // 30)))
    page.locator("main form button").click()
    page.wait_for_url("**/account/factors/codes/")
    halfway = window(browser, installation, "/accounts/login/")
    give_password(halfway, password)
    halfway.wait_for_url("**/accounts/login/factor/")
    pages = {"invited": invited, "office": page, "halfway": halfway}
    states = {name: each.context.storage_state() for name, each in pages.items()}
    for each in pages.values():
        each.context.close()
    return Office(password, states)


def account(installation: Installation, *words: str) -> str:
    """What ``manage.py account`` says, without its log."""
    done = subprocess.run(
        [sys.executable, "manage.py", "account", *words],
        cwd=ROOT,
        env=installation.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    return "\n".join(line for line in done.stdout.splitlines() if not line.startswith("{"))


def window(browser: Browser, installation: Installation, path: str) -> Page:
    """A page in a browser window of its own."""
    page = browser.new_context(base_url=installation.url, locale="en-GB").new_page()
    page.goto(path)
    return page


def give_password(page: Page, password: str) -> None:
    """Fill in the sign-in page for the office."""
    page.locator("[name=username]").fill("office")
    page.locator("[name=password]").fill(password)
    page.locator("main form button").click()
    page.wait_for_load_state()
