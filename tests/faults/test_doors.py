"""Passwords at two web servers and through a proxy, and the headers of what the web server says itself."""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from huleedu.http.headers import FIXED, FIXED_OF_PARTS
from tests.faults.proxies import nginx
from tests.faults.wire import LIMIT, Hasty, hasty_server, head
from tests.installation import Answer, Installation, send

pytestmark = [pytest.mark.live, pytest.mark.timeout(180)]


def guess(port: int, name: str, **told: str) -> int:
    """The status of a wrong password at the web server on ``port``."""
    body = json.dumps({"username": name, "password": "wrong wrong wrong"}).encode()
    request = urllib_request(port, body, {key.replace("_", "-"): value for key, value in told.items()})
    return send(request).status


def urllib_request(port: int, body: bytes, headers: dict[str, str]) -> urllib.request.Request:
    """A request for a token."""
    told = {"Content-Type": "application/json", **headers}
    return urllib.request.Request(f"http://127.0.0.1:{port}/v1/auth/token", body, told)


def test_two_web_servers_count_together(hasty: Hasty, installation: Installation) -> None:
    name = f"nobody-{uuid4()}"
    ports = (hasty.port, installation.port)
    assert [guess(ports[number % 2], name) for number in range(10)] == [401] * 10
    assert [guess(port, name) for port in ports] == [429, 429]


@pytest.fixture(scope="module")
def behind(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hasty]:
    """A web server that is told of two proxies: ours, and one that the tests play."""
    variables = {"HULEEDU_BEHIND_PROXY": "1", "HULEEDU_TRUSTED_PROXIES": "2"}
    with hasty_server(installation, tmp_path_factory.mktemp("behind"), variables) as found:
        yield found


def test_through_proxies_each_client_is_itself(behind: Hasty, tmp_path: Path) -> None:
    adds = "proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;"
    name = f"nobody-{uuid4()}"
    with nginx(tmp_path, behind.port, adds) as port:
        lies = [guess(port, name, X_Forwarded_For=f"10.0.0.{number}, 192.0.2.1") for number in range(12)]
        assert lies == [401] * 10 + [429] * 2
        assert guess(port, name, X_Forwarded_For="10.0.0.1, 192.0.2.2") == 401


def test_what_the_web_server_says_itself_has_the_headers(hasty: Hasty) -> None:
    answers = {
        "nonsense": hasty.say(b"NONSENSE\r\n\r\n"),
        "too large": hasty.say(head("POST", "/v1/content", Content_Length=LIMIT + 1)),
        "a body that is packed": hasty.say(
            head("POST", "/", Content_Encoding="gzip", Content_Length=0, Connection="close")
        ),
        "static": hasty.say(head("GET", "/static/huleedu/js/theme.js", Connection="close")),
        "page": hasty.say(head("GET", "/accounts/login/", Connection="close")),
        "not a socket": hasty.say(head("GET", "/ws/teacher/", Connection="close")),
    }
    for kind, answer in answers.items():
        expect_headers(kind, answer, tuple(FIXED_OF_PARTS if kind == "static" else FIXED))
    assert [answer.status for answer in answers.values()] == [400, 413, 415, 200, 200, 404]


def expect_headers(kind: str, answer: Answer, names: tuple[str, ...]) -> None:
    """Every header that never changes is there."""
    missing = {name for name in names if name.title() not in answer.headers}
    assert not missing, (kind, answer.status, missing)


@pytest.mark.parametrize("origin", ["http://evil.example", "null"])
def test_a_refused_socket_has_the_headers(hasty: Hasty, origin: str) -> None:
    with (
        pytest.raises(InvalidStatus) as refused,
        connect(f"ws://127.0.0.1:{hasty.port}/ws/teacher/", origin=Origin(origin), open_timeout=10),
    ):
        pass
    assert refused.value.response.status_code == 403
    assert not [name for name in FIXED if name not in refused.value.response.headers]
