"""The installation's key: recorded once, changed only by those who knew the last one."""

import re

import pytest
from django.core import signing
from django.core.exceptions import ImproperlyConfigured
from django_q.signing import BadSignature, SignedPackage
from pytest_django import Settings

from huleedu.failures.errors import Unfit
from huleedu.fit.fingerprint import key_fingerprint
from huleedu.fit.installation import check_key, current
from huleedu.models import Installation

pytestmark = pytest.mark.django_db
FIRST, SECOND, THIRD = ("first " * 12, "second " * 12, "third " * 12)


def use(settings: Settings, key: str, *former: str) -> None:
    settings.SECRET_KEY = key
    settings.SECRET_KEY_FALLBACKS = list(former)


def test_the_first_key_becomes_the_installations_and_is_not_kept(settings: Settings) -> None:
    use(settings, FIRST)
    identity = check_key()
    row = Installation.objects.get()
    assert row.key == key_fingerprint(FIRST, identity)
    assert re.fullmatch("[0-9a-f]{16}", row.key)
    assert check_key() == identity


def test_another_key_is_refused_in_words_and_changes_nothing(settings: Settings) -> None:
    use(settings, FIRST)
    check_key()
    before = current().key
    use(settings, SECOND)
    with pytest.raises(Unfit, match="SECRET_KEY is not the key of this installation") as refused:
        check_key()
    assert "secret-key" in str(refused.value)
    assert SECOND not in str(refused.value)
    assert current().key == before


def test_no_key_at_all_is_refused(settings: Settings) -> None:
    use(settings, "")
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY"):
        check_key()


def test_a_key_is_changed_step_by_step_without_a_process_that_is_refused(settings: Settings) -> None:
    for key, *former in [
        (FIRST,),
        (FIRST, SECOND),
        (SECOND, FIRST),
        (FIRST, SECOND),
        (SECOND, FIRST),
        (SECOND,),
    ]:
        use(settings, key, *former)
        check_key()
    use(settings, FIRST)
    with pytest.raises(Unfit):
        check_key()
    use(settings, THIRD, FIRST)
    with pytest.raises(Unfit):
        check_key()


def test_looking_records_nothing(settings: Settings) -> None:
    use(settings, FIRST)
    check_key(record=False)
    assert current().key == ""


def test_a_lost_key_can_be_replaced(settings: Settings) -> None:
    use(settings, FIRST)
    check_key()
    use(settings, SECOND)
    check_key(adopt=True)
    check_key()
    use(settings, FIRST)
    with pytest.raises(Unfit):
        check_key()


def test_fingerprints_of_two_installations_differ(settings: Settings) -> None:
    use(settings, FIRST)
    one = key_fingerprint(FIRST, check_key())
    Installation.objects.all().delete()
    assert key_fingerprint(FIRST, check_key()) != one


def test_tokens_signed_with_a_former_key_are_read(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django_q.conf.Conf.SECRET_KEY", FIRST)
    token = SignedPackage.dumps({"func": "x"})
    monkeypatch.setattr("django_q.conf.Conf.SECRET_KEY", SECOND)
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(BadSignature):
        SignedPackage.loads(token)
    settings.SECRET_KEY_FALLBACKS = [FIRST]
    assert SignedPackage.loads(token) == {"func": "x"}
    assert issubclass(BadSignature, signing.BadSignature)
