"""Sockets and forms asked for by pages of another port or scheme of the same host, and through proxies."""

import json
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.faults.proxies import certificate, nginx
from tests.faults.wire import Hasty, hasty_server
from tests.installation import Installation, free_port

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]
FORWARDS = "proxy_set_header Host $http_host; proxy_set_header X-Forwarded-Proto $scheme;"


def opens(url: str, origin: str, token: str, trust: ssl.SSLContext | None = None, **told: str) -> bool:
    """True when a page of ``origin`` gets a greeting from the socket at ``url``."""
    headers = {name.replace("_", "-"): value for name, value in told.items()}
    try:
        with connect(
            f"{url}/ws/teacher/",
            origin=Origin(origin),
            additional_headers={"Authorization": f"Bearer {token}", **headers},
            ssl=trust,
            open_timeout=10,
        ) as socket:
            return bool(json.loads(socket.recv(10))["type"] == "hello")
    except InvalidStatus as refused:
        assert refused.response.status_code == 403
        return False


def test_only_pages_of_the_same_scheme_host_and_port(hasty: Hasty, token_of_mine: str) -> None:
    here = f"127.0.0.1:{hasty.port}"
    assert opens(f"ws://{here}", f"http://{here}", token_of_mine)
    for origin in (
        f"https://{here}",
        f"http://127.0.0.1:{free_port()}",
        "http://127.0.0.1",
        f"http://localhost:{hasty.port}",
        f"http://[::1]:{hasty.port}",
        f"http://127.0.0.1.:{hasty.port}",
    ):
        assert not opens(f"ws://{here}", origin, token_of_mine), origin
    assert opens(f"ws://localhost:{hasty.port}", f"http://localhost:{hasty.port}", token_of_mine)


def test_nobody_is_believed_who_pretends_to_be_a_proxy(hasty: Hasty, token_of_mine: str) -> None:
    here = f"127.0.0.1:{hasty.port}"
    assert not opens(f"ws://{here}", f"https://{here}", token_of_mine, X_Forwarded_Proto="https")
    assert not opens(f"ws://{here}", "http://localhost", token_of_mine, X_Forwarded_Host="localhost")


@pytest.fixture(scope="module")
def behind(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hasty]:
    """A web server that believes its proxy, and trusts one other origin."""
    variables = {"HULEEDU_BEHIND_PROXY": "1", "HULEEDU_TRUSTED_ORIGINS": "https://school.example"}
    with hasty_server(installation, tmp_path_factory.mktemp("behind"), variables) as found:
        yield found


def test_behind_a_proxy_with_tls(behind: Hasty, token_of_mine: str, tmp_path: Path) -> None:
    secrets = certificate(tmp_path)
    trust = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
    with nginx(tmp_path, behind.port, FORWARDS, secrets, " ssl") as port:
        url = f"wss://127.0.0.1:{port}"
        assert opens(url, f"https://127.0.0.1:{port}", token_of_mine, trust)
        assert opens(url, f"https://127.0.0.1:{port}", token_of_mine, trust, X_Forwarded_Proto="http")
        assert opens(url, "https://school.example", token_of_mine, trust)
        for origin in (
            f"http://127.0.0.1:{port}",
            f"https://127.0.0.1:{behind.port}",
            "https://127.0.0.1",
            "http://school.example",
            "https://school.example:8443",
        ):
            assert not opens(url, origin, token_of_mine, trust), origin


def test_behind_a_proxy_that_asks_under_another_name(
    behind: Hasty, token_of_mine: str, tmp_path: Path
) -> None:
    tells = "proxy_set_header X-Forwarded-Host $http_host; proxy_set_header X-Forwarded-Proto $scheme;"
    with nginx(tmp_path, behind.port, tells) as port:
        assert opens(f"ws://127.0.0.1:{port}", f"http://127.0.0.1:{port}", token_of_mine)
        assert not opens(f"ws://127.0.0.1:{port}", f"http://127.0.0.1:{behind.port}", token_of_mine)
