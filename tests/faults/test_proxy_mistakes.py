"""The mistakes that people make with a proxy, one after the other, behind a real nginx with a certificate."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.browser import NAME, Browser
from tests.faults.proxies import certificate, nginx
from tests.faults.wire import Form, Hasty, beside
from tests.installation import Installation

pytestmark = [pytest.mark.live, pytest.mark.timeout(180)]
PASSES_HOST = "proxy_set_header Host $http_host;"
TELLS_SCHEME = "proxy_set_header X-Forwarded-Proto $scheme;"


@contextmanager
def web(installation: Installation, folder: Path, **variables: str) -> Iterator[Hasty]:
    """A web server with these settings; its log tells what it says."""
    with beside(installation, folder, "huleedu.server", variables) as found:
        yield found


@contextmanager
def browser(folder: Path, server: Hasty, location: str) -> Iterator[Browser]:
    """A browser in front of nginx with these lines, in front of the server."""
    lines = certificate(folder)
    trust = ssl.create_default_context(cafile=str(folder / "cert.pem"))
    trust.check_hostname = False
    with nginx(folder, server.port, location, lines, " ssl") as port:
        yield Browser(port, trust)


def test_no_allowed_hosts(installation: Installation, tmp_path: Path) -> None:
    with web(installation, tmp_path) as server, browser(tmp_path, server, PASSES_HOST) as found:
        status, page = found.open("/")
        assert status == 400
        assert "HULEEDU_ALLOWED_HOSTS" in page
        assert NAME not in page
        assert '"mistake": "unknown host"' in server.log()
        assert NAME not in server.log()


@pytest.mark.parametrize("location", [PASSES_HOST, PASSES_HOST + TELLS_SCHEME], ids=["silent", "telling"])
def test_https_without_the_proxy_setting(installation: Installation, tmp_path: Path, location: str) -> None:
    variables = {"HULEEDU_ALLOWED_HOSTS": NAME, "HULEEDU_HTTPS": "1"}
    with web(installation, tmp_path, **variables) as server, browser(tmp_path, server, location) as found:
        status, page = found.open("/accounts/login/")
        assert status == 500
        assert "HULEEDU_BEHIND_PROXY=1" in page
        assert found.redirects <= 2
        assert '"mistake": "unseen https"' in server.log()


def test_neither(installation: Installation, tmp_path: Path) -> None:
    with (
        web(installation, tmp_path, HULEEDU_ALLOWED_HOSTS=NAME) as server,
        browser(tmp_path, server, PASSES_HOST) as found,
    ):
        status, page = found.sign_in(*installation.accounts["teacher"])
        assert status == 403
        assert "HULEEDU_BEHIND_PROXY=1" in page
        assert "HULEEDU_HTTPS=1" in page
        assert '"mistake": "https not set"' in server.log()


def test_a_name_that_the_proxy_keeps_to_itself(installation: Installation, tmp_path: Path) -> None:
    variables = {"HULEEDU_ALLOWED_HOSTS": NAME, "HULEEDU_HTTPS": "1", "HULEEDU_BEHIND_PROXY": "1"}
    with web(installation, tmp_path, **variables) as server, browser(tmp_path, server, TELLS_SCHEME) as found:
        status, page = found.sign_in(*installation.accounts["teacher"])
        assert status == 403
        assert "proxy_set_header Host" in page
        assert '"mistake": "host not passed"' in server.log()


def test_the_usual_size_of_a_body(installation: Installation, tmp_path: Path, form: Form) -> None:
    """nginx answers by itself; the page's script tells it in words (``tests/browser/js``)."""
    variables = {"HULEEDU_ALLOWED_HOSTS": NAME, "HULEEDU_HTTPS": "1", "HULEEDU_BEHIND_PROXY": "1"}
    small = f"{PASSES_HOST} {TELLS_SCHEME} client_max_body_size 1m;"
    big = Form(form.batch_id, form.token, (("a.txt", b"x" * 2 * 1024 * 1024),))
    told = {
        "Authorization": f"Bearer {form.token}",
        "Content_Type": f"multipart/form-data; boundary={big.boundary}",
    }
    with web(installation, tmp_path, **variables) as server, browser(tmp_path, server, small) as found:
        status, _, page = found.ask("POST", "/v1/files/batch", big.body, **told)
        assert (status, page[:6]) == (413, "<html>")


def test_all_is_set(installation: Installation, tmp_path: Path, form: Form) -> None:
    variables = {"HULEEDU_ALLOWED_HOSTS": NAME, "HULEEDU_HTTPS": "1", "HULEEDU_BEHIND_PROXY": "1"}
    with (
        web(installation, tmp_path, **variables) as server,
        browser(tmp_path, server, PASSES_HOST + TELLS_SCHEME) as found,
    ):
        status, page = found.sign_in(*installation.accounts["teacher"])
        assert status == 302, page
        assert "proxy.mistake" not in server.log()
