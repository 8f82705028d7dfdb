"""docs/privacy.md names every model that may tell of a person, in both languages, and commands that exist."""

import re
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import get_commands, load_command_class

from tests.huleedu.test_personal import OURS

ROOT = Path(settings.BASE_DIR)
PAGES = ("privacy.md", "privacy.sv.md")
# Kept of teachers, in a form that nobody reads back, or nothing but ids: told although nothing is declared.
BESIDES = {"SignInTally", "FamiliarPlace", "Erasure"}


def text_of(page: str) -> str:
    return (ROOT / "docs" / page).read_text()


@pytest.mark.parametrize("page", PAGES)
def test_every_model_that_may_tell_of_a_person_is_named_and_no_other(page: str) -> None:
    rows = [line for line in text_of(page).splitlines() if line.startswith("| ")]
    named = {name for row in rows for name in re.findall(r"`([A-Z]\w+)`", row)}
    ours = [model for model in apps.get_models() if model._meta.app_label in OURS]
    assert named == {model.__name__ for model in ours if getattr(model, "personal", None)} | BESIDES


@pytest.mark.parametrize("page", PAGES)
def test_every_command_exists_with_its_options(page: str) -> None:
    told = [line.split() for line in re.findall(r"manage\.py (.*)", text_of(page))]
    assert {"repeat_erasures", "account"} == {words[0] for words in told}
    for name, *words in told:
        parser = load_command_class(get_commands()[name], name).create_parser("manage.py", name)
        parser.parse_args(words)  # ends the program over what it does not know


@pytest.mark.parametrize("page", PAGES)
def test_the_times_are_those_that_are_set(page: str) -> None:
    text = text_of(page)
    assert settings.UNDO_SECONDS == 10 * 60 and "10 minut" in text
    assert settings.BIN_SECONDS == 30 * 24 * 60 * 60 and "30 da" in text
    assert settings.RETENTION_MONTHS == 6 and "HULEEDU_RETENTION=6 months" in text
    assert settings.RETENTION_MAX_MONTHS == 36 and "36 m" in text
