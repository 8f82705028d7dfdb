"""Every door where a password is tried: one count, waits that grow and end, nobody locked out by others.

A test is one transaction, in which the database's time stands still unless ``pass_time`` moves it.
"""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as configured
from django.contrib.auth.models import User
from django.core import signing
from django.db import connection
from django.db.models import F
from django.db.models.functions import Now
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from pytest_django import Settings
from rest_framework.test import APIClient

from huleedu.accounts import doors, passwords
from huleedu.accounts.devices import SALT, digest
from huleedu.accounts.life import create_account
from huleedu.accounts.waiting import WaitMiddleware, time_in_words
from huleedu.failures.errors import MustWait
from huleedu.http.networks import client_network
from huleedu.models import FamiliarPlace, SignInTally
from huleedu.outside.metrics import SIGN_IN_TRIES
from huleedu.relay import maintenance
from huleedu.watching.collector import sign_in_metrics
from tests.log_capture import captured_logs, lines_of

pytestmark = pytest.mark.django_db
GOOD = "correct horse battery"
HOME, SCHOOL, CAFE = "198.51.100.7", "203.0.113.1", "192.0.2.99"
Door = Callable[..., Any]


@pytest.fixture(autouse=True)
def quick_passwords(settings: Settings) -> None:
    """Hashing is looked at in a few tests only."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def helper(quick_passwords: None) -> User:
    """Somebody for whom every door opens."""
    return create_account("support", "helper", GOOD)


def page(name: str, password: str, address: str = HOME, client: Client | None = None) -> Any:
    form = {"username": name, "password": password}
    return (client or Client()).post("/accounts/login/", form, REMOTE_ADDR=address)


def admin(name: str, password: str, address: str = HOME, client: Client | None = None) -> Any:
    form = {"username": name, "password": password, "next": "/admin/"}
    return (client or Client()).post("/admin/login/", form, REMOTE_ADDR=address)


def token(name: str, password: str, address: str = HOME, client: Client | None = None) -> Any:
    form = {"username": name, "password": password}
    return APIClient(REMOTE_ADDR=address).post("/v1/auth/token", form, format="json")


def change(name: str, password: str, address: str = HOME, client: Client | None = None) -> Any:
    """The change of password by the admin's address, on a session that somebody else has got hold of."""
    client = Client()
    client.force_login(User.objects.get(username=name))
    form = {"old_password": password, "new_password1": f"{GOOD}!", "new_password2": f"{GOOD}!"}
    return client.post("/admin/password_change/", form, REMOTE_ADDR=address)


DOORS: list[tuple[Door, int]] = [(page, 302), (admin, 302), (token, 201), (change, 303)]


def pass_time(**time: float) -> None:
    """As if all that was counted had been counted earlier."""
    earlier = timedelta(**time)
    SignInTally.objects.update(failed_at=F("failed_at") - earlier, opens_at=F("opens_at") - earlier)


@pytest.mark.parametrize(("door", "opened"), DOORS)
def test_forty_wrong_passwords_and_then_the_right_one(helper: User, door: Door, opened: int) -> None:
    answers = [door("helper", f"wrong {number}") for number in range(40)]
    assert [answer.status_code for answer in answers[10:]] == [429] * 30
    refused = door("helper", GOOD)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 15
    pass_time(seconds=int(refused.headers["Retry-After"]))
    assert door("helper", GOOD).status_code == opened
    assert not SignInTally.objects.filter(kind="pair").exists()


@pytest.mark.parametrize(("last", "opened"), DOORS)
def test_all_doors_count_together(helper: User, last: Door, opened: int) -> None:
    for door in (page, admin, token, change, page, admin, token, change, page, admin):
        assert door("helper", "wrong").status_code in {200, 401}
    assert last("helper", GOOD).status_code == 429


def test_any_spelling_of_a_name_is_the_same(helper: User) -> None:
    for name in ("helper", "HELPER", " helper ", "ｈｅｌｐｅｒ", "Helper") * 2:
        token(name, "wrong")
    assert token("helper", GOOD).status_code == 429


def test_waits_double_up_to_five_minutes_and_end(teacher: User) -> None:
    for _ in range(9):
        token("teacher", "wrong")
    waits = []
    for _ in range(8):
        assert token("teacher", "wrong").status_code == 401
        waits.append(int(token("teacher", GOOD).headers["Retry-After"]))
        pass_time(seconds=waits[-1])
    assert waits == [15, 30, 60, 120, 240, 300, 300, 300]
    assert token("teacher", GOOD).status_code == 201
    assert token("teacher", "wrong").status_code == 401


def test_refused_tries_make_no_wait_longer(teacher: User) -> None:
    for _ in range(200):
        token("teacher", "wrong")
    pass_time(seconds=15)
    assert token("teacher", GOOD).status_code == 201


def test_an_hour_without_a_failure_forgets(teacher: User) -> None:
    for _ in range(9):
        token("teacher", "wrong")
    pass_time(minutes=61)
    assert [token("teacher", "wrong").status_code for _ in range(10)] == [401] * 10


def test_strangers_elsewhere_make_nobody_wait(teacher: User) -> None:
    for _ in range(50):
        token("teacher", "wrong", CAFE)
    assert token("teacher", GOOD, HOME).status_code == 201


def test_a_device_that_knows_the_teacher_does_not_wait_for_a_pupil_in_the_same_network(teacher: User) -> None:
    own = Client()
    assert page("teacher", GOOD, SCHOOL, own).status_code == 302
    own.post("/accounts/logout/", REMOTE_ADDR=SCHOOL)
    for _ in range(50):
        page("teacher", "guessed by a pupil", SCHOOL)
    assert page("teacher", GOOD, SCHOOL).status_code == 429
    assert page("teacher", GOOD, SCHOOL, own).status_code == 302


def test_a_device_may_not_guess_without_end_either(teacher: User) -> None:
    own = Client()
    page("teacher", GOOD, HOME, own)
    own.post("/accounts/logout/")
    assert [page("teacher", "wrong", HOME, own).status_code for _ in range(12)] == [200] * 10 + [429] * 2
    assert page("teacher", "wrong", SCHOOL, own).status_code == 429  # it is the device that counts


def test_a_device_is_known_for_its_own_names_only(teacher: User, colleague: User) -> None:
    pupil = Client()
    page("colleague", GOOD, SCHOOL, pupil)
    pupil.post("/accounts/logout/")
    for _ in range(10):
        page("teacher", "wrong", SCHOOL, pupil)
    assert page("teacher", GOOD, SCHOOL, pupil).status_code == 429


@pytest.mark.parametrize(
    "forged",
    ["", "x", signing.dumps(["n", "x"], salt="other"), signing.dumps({}, salt=SALT)],
    ids=["empty", "no signature", "signed for something else", "without a name"],
)
def test_a_forged_device_is_none(teacher: User, forged: str) -> None:
    pupil = Client()
    pupil.cookies[configured.DEVICE_COOKIE_NAME] = forged
    for _ in range(10):
        page("teacher", "wrong", HOME, pupil)
    assert page("teacher", GOOD, HOME, Client()).status_code == 429


def test_guessing_from_everywhere_slows_strangers_only(teacher: User) -> None:
    own = Client()
    page("teacher", GOOD, HOME, own)
    token("teacher", GOOD, SCHOOL)
    for number in range(100):
        assert token("teacher", "wrong", f"10.0.{number}.1").status_code == 401
    assert gauges()["sign_in_names_guessed"] == 1
    strange = token("teacher", GOOD, CAFE)
    assert strange.status_code == 429
    assert int(strange.headers["Retry-After"]) <= 5
    assert token("teacher", GOOD, SCHOOL).status_code == 201
    assert page("teacher", GOOD, CAFE, own).status_code == 302
    pass_time(seconds=5)
    assert token("teacher", GOOD, CAFE).status_code == 201


def test_slowing_never_takes_longer_than_a_minute(teacher: User) -> None:
    for number in range(100):
        token("teacher", "wrong", f"10.0.{number}.1")
    for number in range(10):
        pass_time(seconds=60)
        assert token("teacher", "wrong", f"10.1.{number}.1").status_code == 401
    assert 30 < int(token("teacher", GOOD, CAFE).headers["Retry-After"]) <= 60


def test_many_names_from_one_network_are_noticed(teacher: User, colleague: User) -> None:
    token("colleague", GOOD, SCHOOL)
    with captured_logs() as text:
        answers = [token(f"pupil.guesses.{number}", "Sommar2026", SCHOOL).status_code for number in range(40)]
    assert answers == [401] * 20 + [429] * 20
    (told,) = lines_of(text, "sign_in.many_names")
    assert told["names"] == 20
    assert "pupil" not in text.getvalue()
    assert gauges()["sign_in_networks_guessing"] == 1
    assert token("teacher", GOOD, SCHOOL).status_code == 429
    assert token("colleague", GOOD, SCHOOL).status_code == 201
    assert token("teacher", GOOD, HOME).status_code == 201
    pass_time(seconds=5)
    assert token("teacher", GOOD, SCHOOL).status_code == 201


def gauges() -> dict[str, float]:
    """The metrics of guessing."""
    return {family.name: family.samples[0].value for family in sign_in_metrics()}


def test_a_school_that_mistypes_in_the_morning_is_no_attack(quick_passwords: None) -> None:
    names = [f"teacher{number}" for number in range(60)]
    for name in names:
        User.objects.create_user(name, password=GOOD)
        assert token(name, "mistyped", SCHOOL).status_code == 401
        assert token(name, GOOD, SCHOOL).status_code == 201
    assert SignInTally.objects.get(kind="network").failures == 0
    assert gauges()["sign_in_networks_guessing"] == 0


def test_one_pupil_with_one_name_does_not_slow_the_school(teacher: User, colleague: User) -> None:
    for _ in range(200):
        token("colleague", "wrong", SCHOOL)
        pass_time(seconds=300)
    assert token("teacher", GOOD, SCHOOL).status_code == 201


def test_success_under_ones_own_name_buys_no_guesses(teacher: User, colleague: User) -> None:
    for number in range(20):
        token("colleague", GOOD, SCHOOL)
        token(f"other.{number}", "wrong", SCHOOL)
    assert token("yet.another", "wrong", SCHOOL).status_code == 429


def test_nothing_is_kept_in_the_process(teacher: User) -> None:
    """What another process, or this one after a restart, would find: the rows."""
    for _ in range(10):
        token("teacher", "wrong")
    rows = list(SignInTally.objects.all())
    SignInTally.objects.all().delete()
    assert token("teacher", "wrong").status_code == 401
    SignInTally.objects.all().delete()
    SignInTally.objects.bulk_create(rows)
    assert token("teacher", GOOD).status_code == 429


@pytest.mark.django_db(transaction=True)
def test_guesses_at_once_are_counted_one_by_one(teacher: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "PAIR", replace(doors.PAIR, first=3600, longest=3600))  # however slow this is
    answers: list[int] = []

    def guess() -> None:
        answers.append(token("teacher", "wrong").status_code)
        connection.close()

    threads = [threading.Thread(target=guess) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (answers.count(401), answers.count(429)) == (10, 20)


def test_who_began_before_the_last_guess_ended_waits_too(teacher: User) -> None:
    """Counted after it, but with an earlier time: the wait then seems longer than the longest."""
    for _ in range(10):
        token("teacher", "wrong")
    SignInTally.objects.update(opens_at=Now() + timedelta(seconds=doors.PAIR.longest + 5))
    assert token("teacher", GOOD).status_code == 429
    assert doors.count(doors.PAIR, SignInTally.objects.get(kind="pair").pk, obeying=True) is None


def test_a_clock_that_was_set_back_keeps_nobody_out(teacher: User) -> None:
    for _ in range(10):
        token("teacher", "wrong")
    pass_time(days=-30)
    assert token("teacher", GOOD).status_code == 201


def test_names_are_not_kept_as_they_were_typed(teacher: User) -> None:
    token("my secret password", "wrong")
    token("teacher", GOOD)
    rows = [
        *SignInTally.objects.values_list("subject", flat=True),
        *FamiliarPlace.objects.values_list("pk", flat=True),
    ]
    assert len(rows) == 4
    assert all(len(row) == 64 and set(row) <= set("0123456789abcdef") for row in rows)


def test_unknown_and_known_names_are_alike(
    teacher: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same words and statuses, as many hashes and as many queries, before and after the waits begin."""
    settings.PASSWORD_HASHERS = ["huleedu.accounts.passwords.BoundedHasher"]
    monkeypatch.setattr(passwords.BoundedHasher, "iterations", 10)
    User.objects.create_user("known", password=GOOD)
    User.objects.create_user("closed", password=GOOD, is_active=False)
    hashed: list[str] = []
    encode = passwords.BoundedHasher.encode

    def noted(*values: Any) -> str:
        hashed.append(values[1])
        return encode(*values)

    monkeypatch.setattr(passwords.BoundedHasher, "encode", noted)

    def seen(name: str) -> list[object]:
        found: list[object] = []
        for number in range(12):
            hashed.clear()
            with CaptureQueriesContext(connection) as captured:
                answer = token(name, GOOD if name == "closed" else "wrong", f"10.9.{len(name)}.1")
            found.append((answer.status_code, answer.json()["title"], len(hashed), len(captured)))
            assert len(hashed) == (1 if number < 10 else 0)
        return found

    assert seen("known") == seen("not.known") == seen("closed")


def busy_places(monkeypatch: pytest.MonkeyPatch, settings: Settings, waiting: int) -> passwords.Places:
    settings.PASSWORD_HASHERS = ["huleedu.accounts.passwords.BoundedHasher"]
    places = passwords.Places(1, waiting, 0.05)
    monkeypatch.setattr(passwords, "PLACES", places)
    monkeypatch.setattr(passwords.BoundedHasher, "iterations", 10)
    return places


@pytest.mark.parametrize(("door", "opened"), DOORS)
@pytest.mark.parametrize("waiting", [0, 3])
def test_only_so_many_passwords_are_looked_at_at_once(
    helper: User, door: Door, opened: int, waiting: int, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    places = busy_places(monkeypatch, settings, waiting)
    helper.set_password(GOOD)
    helper.save()
    with places.taken():
        for _ in range(20):
            answer = door("helper", "wrong")
            assert answer.status_code == 503
            assert answer.headers["Retry-After"] == "5"
    assert door("helper", GOOD).status_code == opened  # none of these tries has counted


def test_who_waits_for_a_place_gets_it() -> None:
    places = passwords.Places(2, 10, 5.0)
    inside: list[int] = []
    most: list[int] = []
    lock = threading.Lock()

    def look() -> None:
        with places.taken():
            with lock:
                inside.append(1)
                most.append(len(inside))
            threading.Event().wait(0.01)
            with lock:
                inside.pop()

    threads = [threading.Thread(target=look) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(most), max(most)) == (12, 2)


def test_who_waits_holds_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[bool] = []
    monkeypatch.setattr(passwords, "give_back", lambda: given.append(True))
    places = passwords.Places(1, 10, 0.01)
    with places.taken(), pytest.raises(MustWait), places.taken():
        pass
    assert given == [True]


@pytest.mark.parametrize("language", ["en", "sv"])
@pytest.mark.parametrize("path", ["/accounts/login/", "/admin/login/"])
def test_the_page_says_how_long_and_what_to_do(helper: User, path: str, language: str) -> None:
    client = Client(headers={"Accept-Language": language})
    form = {"username": "helper", "password": "wrong"}
    pages = [client.post(path, form).content.decode() for _ in range(11)]
    words = {"en": ("Wait 15 seconds", "signed in before"), "sv": ("Vänta 15 sekunder", "loggat in förut")}
    for word in words[language]:
        assert word in pages[-1]
        assert word not in pages[0]


@pytest.mark.parametrize(
    ("seconds", "told"), [(1, "1 second"), (60, "60 seconds"), (91, "2 minutes"), (300, "5 minutes")]
)
def test_time_in_words(seconds: int, told: str) -> None:
    with translation.override("en"):
        assert time_in_words(seconds) == told


def test_a_view_that_knows_of_no_waits_gets_a_page() -> None:
    middleware = WaitMiddleware(lambda request: HttpResponse())
    with translation.override("en"):
        response = middleware.process_exception(RequestFactory().get("/"), MustWait(40))
    assert response is not None
    assert (response.status_code, response.headers["Retry-After"]) == (429, "40")
    assert "40 seconds" in response.content.decode()


def test_tries_are_counted_by_how_they_ended(teacher: User) -> None:
    before = outcomes()
    for password in ["wrong"] * 11:
        token("teacher", password)
    token("teacher", GOOD, SCHOOL)
    after = outcomes()
    assert {name: after[name] - before[name] for name in after} == {
        "right": 1,
        "wrong": 10,
        "waiting": 1,
        "busy": 0,
    }


def outcomes() -> dict[str, float]:
    """How many tries ended how, in this process."""
    return {
        outcome: SIGN_IN_TRIES.labels(outcome)._value.get()
        for outcome in ("right", "wrong", "waiting", "busy")
    }


@pytest.mark.django_db(transaction=True)
def test_old_counts_are_tidied_and_young_ones_stay(teacher: User) -> None:
    token("teacher", GOOD)
    token("old", "wrong")
    pass_time(minutes=61)
    token("young", "wrong", SCHOOL)
    done = maintenance.tidy()
    assert done is not None
    assert (done.sign_in_tallies, done.familiar_places) == (3, 0)
    assert SignInTally.objects.count() == 3
    FamiliarPlace.objects.update(seen_at=F("seen_at") - timedelta(days=91))
    done = maintenance.tidy()
    assert done is not None and done.familiar_places == 1


def test_our_own_code_is_no_door(teacher: User) -> None:
    client = Client()
    for _ in range(20):
        assert not client.login(username="teacher", password="wrong")
    assert client.login(username="teacher", password=GOOD)
    assert not SignInTally.objects.exists()


@pytest.mark.parametrize(
    ("proxies", "connected", "forwarded", "network"),
    [
        (0, "198.51.100.7", None, "198.51.100.7/32"),
        (0, "198.51.100.7", "192.0.2.1", "198.51.100.7/32"),
        (1, "10.0.0.1", "192.0.2.1", "192.0.2.1/32"),
        (1, "10.0.0.1", "203.0.113.66, 192.0.2.1", "192.0.2.1/32"),
        (1, "10.0.0.1", " 203.0.113.66 ,192.0.2.1 ", "192.0.2.1/32"),
        (2, "10.0.0.1", "203.0.113.66, 192.0.2.1, 10.0.0.2", "192.0.2.1/32"),
        (2, "10.0.0.1", "192.0.2.1", "192.0.2.1/32"),
        (1, "10.0.0.1", None, "10.0.0.1/32"),
        (1, "10.0.0.1", "", "10.0.0.1/32"),
        (1, "10.0.0.1", "unknown", "10.0.0.1/32"),
        (1, "10.0.0.1", "192.0.2.1:4711", "192.0.2.1/32"),
        (1, "10.0.0.1", "[2001:db8:1:2:3:4:5:6]:4711", "2001:db8:1:2::/64"),
        (1, "10.0.0.1", '"[2001:db8:1:2::9]"', "2001:db8:1:2::/64"),
        (0, "2001:db8:1:2:3:4:5:6", None, "2001:db8:1:2::/64"),
        (0, "::ffff:198.51.100.7", None, "198.51.100.7/32"),
        (0, "fe80::1%eth0", None, "fe80::/64"),
        (0, "", None, ""),
        (1, "", "", ""),
    ],
)
def test_the_clients_network(
    settings: Settings, proxies: int, connected: str, forwarded: str | None, network: str
) -> None:
    settings.TRUSTED_PROXIES = proxies
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    request = RequestFactory().get("/", REMOTE_ADDR=connected, headers=headers)
    assert client_network(request) == network


def test_nobody_is_believed_without_the_setting(teacher: User) -> None:
    client = APIClient(REMOTE_ADDR=HOME)
    form = {"username": "teacher", "password": "wrong"}
    answers = [
        client.post(
            "/v1/auth/token", form, format="json", headers={"X-Forwarded-For": f"10.0.0.{number}"}
        ).status_code
        for number in range(12)
    ]
    assert answers == [401] * 10 + [429] * 2


def test_behind_a_proxy_that_nobody_told_of_no_network_waits(teacher: User, settings: Settings) -> None:
    """All the world seems to be one network then: only pairs and names may wait."""
    settings.BEHIND_PROXY = True
    for number in range(40):
        assert token(f"name.{number}", "wrong", "10.0.0.1").status_code == 401
    assert token("teacher", GOOD, "10.0.0.1").status_code == 201


@pytest.fixture
def https(settings: Settings) -> Iterator[None]:
    settings.SESSION_COOKIE_SECURE = True
    yield


def test_the_cookie_of_a_device(teacher: User, https: None) -> None:
    client = Client()
    page("teacher", GOOD, HOME, client)
    cookie = client.cookies[configured.DEVICE_COOKIE_NAME]
    assert (cookie["httponly"], cookie["secure"], cookie["samesite"], cookie["path"]) == (
        True,
        True,
        "Lax",
        "/",
    )
    assert "teacher" not in cookie.value
    assert int(cookie["max-age"]) == 90 * 24 * 60 * 60


def test_many_may_share_a_device(quick_passwords: None) -> None:
    shared = Client()
    for number in range(7):
        User.objects.create_user(f"teacher{number}", password=GOOD)
        page(f"teacher{number}", GOOD, SCHOOL, shared)
        shared.post("/accounts/logout/")
    number, *names = signing.loads(shared.cookies[configured.DEVICE_COOKIE_NAME].value, salt=SALT)
    assert names == [digest("name", f"teacher{each}") for each in range(2, 7)]
