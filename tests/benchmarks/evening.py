"""A teacher's evening in the browser, from thirty dropped files to thirty PDFs, calm and disturbed."""

from playwright.sync_api import sync_playwright

from tests.benchmarks.measure import Figure
from tests.benchmarks.teacher import installation
from tests.browser.conftest import ARGUMENTS, CHROMIUM, sign_in
from tests.browser.evening import ESSAYS, MOST_CLICKS, MOST_SECONDS, cuts, nothing, spend


def main() -> None:
    """Spend both evenings with an installation of their own."""
    for name, disturbed in (("calm", False), ("network cut twice, server stopped once", True)):
        with installation() as at, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            page = browser.new_context(base_url=at.url, locale="en-GB").new_page()
            sign_in(page, at)
            evening = spend(page, cuts(at) if disturbed else nothing)
            browser.close()
        assert len(evening.handed_back) == ESSAYS
        Figure(
            f"{ESSAYS} files to {ESSAYS} PDFs: {name}",
            f"{evening.seconds:.0f} s, {evening.clicks} clicks",
            f"at most {MOST_SECONDS:.0f} s, {MOST_CLICKS} clicks",
            f"{evening.seconds / MOST_SECONDS:.2f}",
            "at most 1",
            evening.seconds <= MOST_SECONDS and evening.clicks <= MOST_CLICKS,
        ).tell()
