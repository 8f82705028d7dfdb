"""OpenID Connect with a provider of our own: what is asked, and every answer that must not be believed."""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from allauth.mfa.totp.internal.auth import TOTP
from allauth.socialaccount.models import SocialAccount
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from pytest_django import Settings

from huleedu.accounts import oidc_requests
from huleedu.accounts.credentials import disconnect
from huleedu.accounts.life import close, reopen
from huleedu.machine.school_settings import providers
from huleedu.models import Session
from huleedu.outside import breaker
from huleedu.security_events import SecurityEvent
from tests.installation import wait_until

pytestmark = pytest.mark.django_db
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class School:
    """A provider: what its next ID token says, and what it was asked."""

    server: ThreadingHTTPServer
    claims: dict[str, Any] = field(default_factory=dict)
    key: Any = KEY
    challenge: str = ""
    path: str = ""  # of the issuer, below the server
    refused: bool = False
    status: int = 200
    drips: bool = False
    says: dict[str, bytes] = field(default_factory=dict)  # by the path's end, in place of what is right
    elsewhere: str = ""  # where it sends who asks
    asked: list[str] = field(default_factory=list)
    left: threading.Event = field(default_factory=threading.Event)  # somebody, in the middle of an answer

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}{self.path}"

    def answer(self, path: str, form: dict[str, list[str]]) -> Any:
        """The JSON of one request; None is a failure."""
        if path.endswith("openid-configuration"):
            return {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
                "userinfo_endpoint": f"{self.url}/userinfo",
            }
        if path == f"{self.path}/keys":
            public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key()))
            return {"keys": [{**public, "kid": "one", "alg": "RS256"}]}
        verifier = form.get("code_verifier", [""])[0]
        digest = hashlib.sha256(verifier.encode()).digest()
        if (
            path != f"{self.path}/token"
            or base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != self.challenge
        ):
            self.refused = True
            return None
        token = jwt.encode(self.claims, self.key, algorithm="RS256", headers={"kid": "one"})
        return {"access_token": "a", "token_type": "Bearer", "id_token": token}


@pytest.fixture
def school(settings: Settings) -> Iterator[School]:
    """The provider, configured."""
    cache.clear()
    oidc_requests.SCHOOL.forget()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.reply({})

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            self.reply(parse_qs(self.rfile.read(length).decode()))

        def reply(self, form: dict[str, list[str]]) -> None:
            path = urlsplit(self.path).path
            made.asked.append(path)
            found = made.answer(path, form)
            body = next((said for end, said in made.says.items() if path.endswith(end)), b"")
            body = body or json.dumps(found).encode()
            self.send_response(302 if made.elsewhere else made.status if found is not None else 400)
            if made.elsewhere:
                self.send_header("Location", made.elsewhere)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            try:
                for at in range(len(body) if made.drips else 0):
                    self.wfile.write(body[at : at + 1])
                    time.sleep(0.05)
                self.wfile.write(body[len(body) * made.drips :])
            except OSError:
                made.left.set()

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = School(server)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    settings.OIDC_SERVER = made.url
    settings.SOCIALACCOUNT_PROVIDERS = providers(made.url, "huleedu", "hush")
    yield made
    server.shutdown()
    server.server_close()


def go(school: School, browser: Client, form: dict[str, str] | None = None, **claims: Any) -> dict[str, str]:
    """Go to the provider, which will say ``claims``; what it was asked."""
    said = {"next": "/help/", "auth_params": "nonce=mine", **(form or {})}
    answer = browser.get("/accounts/school/login/", said)
    assert answer.headers["Location"].startswith(f"{school.url}/authorize?")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}
    assert asked["code_challenge_method"] == "S256"
    school.challenge = asked["code_challenge"]
    usual = {
        "iss": school.url,
        "aud": "huleedu",
        "sub": "17",
        "exp": time.time() + 60,
        "iat": time.time(),
        "nonce": asked["nonce"],
        "preferred_username": "teacher",
    }
    school.claims = {name: value for name, value in (usual | claims).items() if value is not None}
    return asked


def come_back(browser: Client, state: str) -> Any:
    return browser.get("/accounts/school/login/callback/", {"code": "c", "state": state})


def is_in(browser: Client) -> bool:
    return browser.get("/").status_code == 200


def test_a_teacher_comes_in_and_is_known_by_number_afterwards(
    school: School, client: Client, teacher: User
) -> None:
    asked = go(school, client)
    assert come_back(client, asked["state"]).headers["Location"] == "/help/"
    assert is_in(client)
    assert SocialAccount.objects.get().extra_data["id_token"]["sub"] == "17"
    other = Client()
    come_back(other, go(school, other, preferred_username="colleague")["state"])
    assert is_in(other)
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"aud": "somebody-else"},
        {"exp": 1},
        {"nonce": "mine"},
        {"nonce": None},
        {"sub": None},
        {"exp": None},
    ],
    ids=["issuer", "audience", "over", "nonce", "no-nonce", "no-number", "no-end"],
)
def test_a_token_that_is_not_for_us_opens_nothing(
    school: School, client: Client, teacher: User, claims: dict[str, Any]
) -> None:
    asked = go(school, client, **claims)
    assert come_back(client, asked["state"]).headers["Location"] == "/accounts/login/"
    assert not is_in(client)
    assert not SocialAccount.objects.exists()


def test_the_same_number_at_another_provider_is_another_person(
    school: School, client: Client, settings: Settings, teacher: User
) -> None:
    come_back(client, go(school, client)["state"])
    moved = Client()
    cache.clear()
    school.path = "/moved"
    settings.SOCIALACCOUNT_PROVIDERS = providers(school.url, "huleedu", "hush")
    come_back(moved, go(school, moved, iss=school.url)["state"])
    assert not is_in(moved)


def test_of_what_the_provider_says_only_what_is_needed_is_kept(
    school: School, client: Client, teacher: User
) -> None:
    come_back(client, go(school, client, name="Alma Berg", picture="https://school.example/a.png")["state"])
    assert is_in(client)
    kept = str(SocialAccount.objects.values().get())
    assert "Alma Berg" not in kept
    assert "picture" not in kept


def test_another_key_opens_nothing(school: School, client: Client, teacher: User) -> None:
    school.key = OTHER_KEY
    asked = go(school, client)
    come_back(client, asked["state"])
    assert not is_in(client)


def test_another_state_or_session_opens_nothing(school: School, client: Client, teacher: User) -> None:
    asked = go(school, client)
    come_back(client, "0" * 16)
    assert not is_in(client)
    stranger = Client()
    come_back(stranger, asked["state"])
    assert not is_in(stranger)


def test_a_code_of_another_session_is_refused_by_pkce(school: School, client: Client, teacher: User) -> None:
    asked = go(school, client)
    school.challenge = "of somebody else"
    come_back(client, asked["state"])
    assert school.refused
    assert not is_in(client)


def test_unknown_people_are_refused_or_made_by_setting(
    school: School, client: Client, settings: Settings
) -> None:
    come_back(client, go(school, client, preferred_username="alma.berg")["state"])
    assert not is_in(client)
    assert not User.objects.exists()
    settings.OIDC_CREATE = True
    come_back(client, go(school, client, preferred_username="alma.berg")["state"])
    assert is_in(client)
    made = User.objects.get()
    assert (made.username, made.is_staff, made.has_usable_password()) == ("alma.berg", False, False)


def test_an_address_must_be_verified(
    school: School, client: Client, settings: Settings, teacher: User
) -> None:
    settings.OIDC_CLAIM = "email"
    User.objects.update(email="Teacher@school.example")
    come_back(client, go(school, client, email="teacher@school.example")["state"])
    assert not is_in(client)
    said: dict[str, Any] = {"email": "teacher@school.example", "email_verified": True}
    come_back(client, go(school, client, **said)["state"])
    assert is_in(client)


def test_a_closed_account_stays_closed(school: School, client: Client, teacher: User) -> None:
    close(teacher)
    come_back(client, go(school, client)["state"])
    assert not is_in(client)


def test_a_closed_account_is_connected_to_nobody(school: School, client: Client, teacher: User) -> None:
    close(teacher)
    come_back(client, go(school, client, sub="18")["state"])
    assert not SocialAccount.objects.exists()
    reopen(teacher)
    come_back(client, go(school, client, sub="17")["state"])
    assert is_in(client)


def test_a_name_that_another_person_has_now_opens_nothing(
    school: School, client: Client, teacher: User
) -> None:
    come_back(client, go(school, client, sub="17")["state"])
    stranger = Client()
    come_back(stranger, go(school, stranger, sub="18")["state"])
    assert not is_in(stranger)
    assert SocialAccount.objects.get().extra_data["id_token"]["sub"] == "17"
    disconnect(teacher)
    assert not is_in(client)
    come_back(stranger, go(school, stranger, sub="18")["state"])
    assert is_in(stranger)


def test_an_address_that_only_looks_alike_is_another(
    school: School, client: Client, settings: Settings, teacher: User
) -> None:
    settings.OIDC_CLAIM = "email"
    User.objects.update(email="mike@school.example")
    said: dict[str, Any] = {"email": "m\u0131ke@school.example", "email_verified": True}
    come_back(client, go(school, client, **said)["state"])
    assert not is_in(client)


def test_a_superuser_is_connected_to_nobody(school: School, client: Client) -> None:
    User.objects.create_superuser("teacher", password="correct horse battery")
    come_back(client, go(school, client)["state"])
    assert not is_in(client)


def kinds() -> list[tuple[str, bool]]:
    """What the security log tells, and whether of an account, but how it was made."""
    told = SecurityEvent.objects.exclude(kind="account_made").order_by("pk")
    return [(event.kind, event.account_id is not None) for event in told]


def test_what_comes_by_the_school_is_in_the_security_log(
    school: School, client: Client, teacher: User
) -> None:
    come_back(client, go(school, client, preferred_username="nobody")["state"])
    come_back(client, go(school, client)["state"])
    come_back(Client(), "0" * 16)
    browser = Client()
    come_back(browser, go(school, browser, nonce="mine")["state"])
    close(teacher)
    come_back(browser, go(school, browser)["state"])
    assert kinds() == [
        ("sign_in_failed", False),
        ("account_connected", True),
        ("signed_in", True),
        ("sign_in_failed", False),
        ("sign_in_failed", False),
        ("session_ended", True),
        ("account_closed", True),
        ("sign_in_failed", True),
    ]


def test_a_shared_computer_is_one_for_the_school_too(school: School, client: Client, teacher: User) -> None:
    assert "shared" in client.get("/accounts/login/").content.decode().partition('action="')[2]
    come_back(client, go(school, client, {"shared": "on"})["state"])
    assert is_in(client)
    assert Session.objects.get(user=teacher).shared
    assert client.cookies[django_settings.SESSION_COOKIE_NAME]["expires"] == ""


def test_who_is_signed_in_stays_who_she_is(school: School, client: Client, colleague: User) -> None:
    client.force_login(colleague)
    assert client.get("/accounts/school/login/").headers["Location"] == "/"
    client.get("/accounts/school/login/callback/", {"code": "c", "state": "s"})
    assert is_in(client)


def test_the_second_factor_is_asked_for(school: School, client: Client, teacher: User) -> None:
    TOTP.activate(teacher, "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
    answer = come_back(client, go(school, client)["state"])
    assert answer.headers["Location"] == "/accounts/login/factor/"
    assert not is_in(client)


def test_a_provider_that_is_away_is_told(school: School, client: Client) -> None:
    school.server.shutdown()
    school.server.server_close()
    assert client.get("/accounts/school/login/").headers["Location"] == "/accounts/login/"


def test_a_provider_that_is_silent_keeps_one_person_waiting_and_then_nobody(
    school: School, client: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oidc_requests, "SECONDS", 1.0)
    settings.STORE_SECONDS = 0.25  # as in service, where a request waits shorter for the store
    answers = school.answer
    silence = threading.Event()
    monkeypatch.setattr(school, "answer", lambda path, form: silence.wait(20) and answers(path, form))
    waited = []
    for _ in range(4):
        began = time.monotonic()
        assert client.get("/accounts/school/login/").headers["Location"] == "/accounts/login/"
        waited.append(time.monotonic() - began)
    assert oidc_requests.SCHOOL.breaker.is_open
    assert max(waited[1:]) < 0.9
    silence.set()
    monkeypatch.setattr(breaker, "PAUSE_SECONDS", 0.0)
    wait_until(
        lambda: client.get("/accounts/school/login/").headers["Location"].startswith(school.url),
        10,
        "the provider is asked again",
    )


def test_a_provider_that_drips_is_given_up(
    school: School, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each byte comes in time, the answer never."""
    monkeypatch.setattr(oidc_requests, "SECONDS", 0.5)
    monkeypatch.setattr(school, "drips", True)
    began = time.monotonic()
    assert client.get("/accounts/school/login/").headers["Location"] == "/accounts/login/"
    assert time.monotonic() - began < 2
    assert school.left.wait(5), "a thread goes on listening"


@pytest.mark.parametrize("step", ["openid-configuration", "/token", "/keys"])
def test_a_provider_that_says_too_much_is_not_heard_out(
    school: School, client: Client, teacher: User, step: str
) -> None:
    state = go(school, client)["state"]
    school.says[step] = b'{"a": "' + b"a" * 50_000_000
    assert come_back(client, state).headers["Location"] == "/accounts/login/"
    assert school.left.wait(5)
    assert not is_in(client)


def test_a_provider_that_sends_elsewhere_is_not_followed(
    school: School, client: Client, teacher: User
) -> None:
    state = go(school, client)["state"]
    school.elsewhere = f"{school.url}/elsewhere"
    assert client.get("/accounts/school/login/").headers["Location"] == "/accounts/login/"
    assert come_back(client, state).headers["Location"] == "/accounts/login/"
    assert "/elsewhere" not in school.asked


DEEP = b"[" * 100_000 + b"]" * 100_000


@pytest.mark.parametrize(
    ("step", "said"),
    [
        *(
            (step, said)
            for step in ("openid-configuration", "/token", "/keys")
            for said in (b"[]", b"5", DEEP)
        ),
        ("openid-configuration", b'{"authorization_endpoint": "javascript:alert(1)", "token_endpoint": ""}'),
        (
            "openid-configuration",
            b'{"authorization_endpoint": "", "token_endpoint": "",'
            b' "token_endpoint_auth_methods_supported": 5}',
        ),
        ("/token", b'{"access_token": "a", "expires_in": [1]}'),
        ("/token", b'{"access_token": "a", "expires_in": 1e999}'),
        ("/token", b'{"access_token": "a", "expires_in": 1e30}'),
        ("/keys", b'{"keys": [5]}'),
    ],
)
def test_an_answer_of_another_shape_leads_back_to_signing_in(
    school: School, client: Client, teacher: User, step: str, said: bytes
) -> None:
    state = go(school, client)["state"]
    school.says[step] = said
    assert come_back(client, state).headers["Location"] == "/accounts/login/"
    if step == "openid-configuration":
        assert client.get("/accounts/school/login/").headers["Location"] == "/accounts/login/"
    assert not is_in(client)


@pytest.mark.parametrize("name", ["sub", "email", "preferred_username"])
def test_what_the_database_cannot_keep_opens_nothing(
    school: School, client: Client, teacher: User, name: str
) -> None:
    said: dict[str, Any] = {name: "teacher\0"}
    asked = go(school, client, **said)
    assert come_back(client, asked["state"]).headers["Location"] == "/accounts/login/"
    assert not is_in(client)


def test_failures_of_the_provider_are_told(
    school: School, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(school, "status", 503)
    assert client.get("/accounts/school/login/").headers["Location"] == "/accounts/login/"
    monkeypatch.setattr(school, "status", 200)
    state = go(school, client)["state"]
    monkeypatch.setattr(school, "status", 503)
    assert come_back(client, state).headers["Location"] == "/accounts/login/"


def test_without_configuration_there_is_nothing(client: Client) -> None:
    assert client.get("/accounts/school/login/").status_code == 404
    assert client.get("/accounts/school/login/callback/", {"code": "c", "state": "s"}).status_code == 404


def test_a_server_that_does_not_know_us_is_a_mistake() -> None:
    with pytest.raises(ImproperlyConfigured, match="HULEEDU_OIDC_CLIENT"):
        providers("https://login.school.se", "", "")
