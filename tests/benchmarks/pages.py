"""A teacher's pages with 200 essays: how long the server takes for each."""

import time
import urllib.request
from itertools import islice
from statistics import median

from playwright.sync_api import sync_playwright

from tests.benchmarks.material import essay_files
from tests.benchmarks.measure import Figure, size
from tests.benchmarks.teacher import Teacher, installation
from tests.browser.conftest import ARGUMENTS, CHROMIUM, sign_in
from tests.installation import Installation

ESSAYS = size(200, 20)
TIMES = size(9, 3)
MOST_MILLISECONDS = 100.0
PLACES = {
    "overview": "/",
    "files": "/batches/{}/",
    "essays": "/batches/{}/essays/",
    "essays by words": "/batches/{}/essays/?sort=-words",
    "an essay": "/batches/{}/essays/7/",
    "results": "/batches/{}/results/",
    "exports": "/batches/{}/exports/",
    "account": "/account/",
}


def main() -> None:
    """Fill a batch, then read each page some times, one after the other."""
    with installation() as at:
        teacher = Teacher(at, at.token())
        batch_id = teacher.register(ESSAYS, "School phones")
        teacher.upload_all(batch_id, list(islice(essay_files(), ESSAYS)))
        teacher.wait_for_results(batch_id)
        cookies = signed_in(at)
        for name, place in PLACES.items():
            took = median(milliseconds(at.url + place.format(batch_id), cookies) for _ in range(TIMES))
            Figure(
                f"{name}, {ESSAYS} essays",
                f"{took:.0f} ms",
                f"median of {TIMES}",
                f"{took / MOST_MILLISECONDS:.2f}",
                f"at most {MOST_MILLISECONDS:.0f} ms",
                took <= MOST_MILLISECONDS,
            ).tell()


def signed_in(at: Installation) -> str:
    """The cookies of a teacher who has signed in, as a header has them."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        context = browser.new_context(base_url=at.url, locale="en-GB")
        sign_in(context.new_page(), at)
        found = "; ".join(f"{each.get('name')}={each.get('value')}" for each in context.cookies())
        browser.close()
    return found


def milliseconds(address: str, cookies: str) -> float:
    """From the request to the last byte of the page."""
    began = time.monotonic()
    request = urllib.request.Request(address, headers={"Cookie": cookies, "Accept-Encoding": "br"})
    with urllib.request.urlopen(request) as answer:
        answer.read()
    return 1000 * (time.monotonic() - began)
