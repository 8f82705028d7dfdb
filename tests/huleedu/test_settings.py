"""Settings as a process reads them: names of cookies, strict transport, and what makes no sense."""

import os
import subprocess
import sys

import pytest
from django.conf import settings as configured

SECURE = {"HULEEDU_HTTPS": "1"}
COOKIES = ("SESSION", "CSRF", "LANGUAGE", "MESSAGE", "DEVICE")


def told(expression: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """What a process with these variables makes of an expression about its settings."""
    program = f"from huleedu import settings; print({expression})"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HULEEDU_")}
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=configured.BASE_DIR,
        env=environment | {"SECRET_KEY": "x" * 50} | variables,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    ("variables", "named"),
    [({"HULEEDU_PORT": "8123"}, "{}_8123"), (SECURE, "__Host-{}")],
)
def test_every_cookie_has_a_name_of_its_own_copy(variables: dict[str, str], named: str) -> None:
    names = told(
        f"*(getattr(settings, each + '_COOKIE_NAME') for each in {COOKIES})", **variables
    ).stdout.split()
    words = ("sessionid", "csrftoken", "language", "messages", "device")
    assert names == [named.format(word) for word in words]


@pytest.mark.parametrize(
    ("variables", "seconds", "subdomains", "preload"),
    [
        ({}, "0", "False", "False"),
        (SECURE, "31536000", "False", "False"),
        ({**SECURE, "HULEEDU_HSTS_SUBDOMAINS": "1"}, "31536000", "True", "False"),
        ({**SECURE, "HULEEDU_HSTS_SUBDOMAINS": "1", "HULEEDU_HSTS_PRELOAD": "1"}, "31536000", "True", "True"),
    ],
)
def test_other_hosts_are_bound_only_when_asked(
    variables: dict[str, str], seconds: str, subdomains: str, preload: str
) -> None:
    names = ("SECONDS", "INCLUDE_SUBDOMAINS", "PRELOAD")
    done = told(f"*(getattr(settings, 'SECURE_HSTS_' + each) for each in {names})", **variables)
    assert done.stdout.split() == [seconds, subdomains, preload], done.stderr


@pytest.mark.parametrize(
    ("variables", "word"),
    [
        ({**SECURE, "HULEEDU_HSTS_PRELOAD": "1"}, "HULEEDU_HSTS_SUBDOMAINS=1"),
        ({"HULEEDU_TRUSTED_PROXIES": "-1"}, "HULEEDU_TRUSTED_PROXIES"),
        ({"HULEEDU_PASSWORD_CHECKS": "0"}, "HULEEDU_PASSWORD_CHECKS"),
        ({"HULEEDU_PROCESS": "web", "HULEEDU_HOST": "192.0.2.1"}, "HULEEDU_PLAIN_HTTP=1"),
    ],
)
def test_settings_that_make_no_sense_are_refused_by_name(variables: dict[str, str], word: str) -> None:
    done = told("''", **variables)
    assert done.returncode == 1
    assert word in done.stderr.splitlines()[-1]
