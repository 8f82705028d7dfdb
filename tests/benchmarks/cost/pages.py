"""A teacher who opens her page again and again, as a browser does."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, Request, build_opener

from tests.benchmarks.measure import seconds_of
from tests.installation import Installation

PAUSE_SECONDS = 0.2
PAGE = "/"


@contextmanager
def opening(at: Installation, seconds: list[float]) -> Iterator[None]:
    """Open the first teacher's page until the block ends, and note how long it takes each time."""
    browser, over = signed_in(at), threading.Event()

    def look() -> None:
        while not over.wait(PAUSE_SECONDS):
            seconds.append(seconds_of(lambda: page(browser, Request(f"{at.url}{PAGE}"))))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def signed_in(at: Installation) -> OpenerDirector:
    """A browser in which the first teacher has signed in."""
    browser = build_opener(HTTPCookieProcessor(CookieJar()))
    address = f"{at.url}/accounts/login/"
    token = page(browser, Request(address)).split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    username, password = at.accounts["teacher"]
    form = urlencode({"username": username, "password": password, "csrfmiddlewaretoken": token})
    shown = page(browser, Request(address, form.encode(), {"Origin": at.url}))
    assert "csrfmiddlewaretoken" in shown and 'name="password"' not in shown, shown
    return browser


def page(browser: OpenerDirector, request: Request) -> str:
    """The page where redirects end."""
    with browser.open(request, timeout=60) as answer:
        return str(answer.read().decode())
