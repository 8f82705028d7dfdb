"""Pages, words, scripts and the description say the limits that are configured."""

import re
from pathlib import Path

import pytest
from django.conf import settings as configured
from django.contrib.auth.models import User
from django.test import Client
from django.utils import translation
from pytest_django import Settings

from batches.models import MAX_ESSAYS
from huleedu.answers import measures
from huleedu.answers.error_words import WORDS
from huleedu.answers.problems import TITLES
from huleedu.failures.errors import ErrorCode
from tests.rows import make_batch

ROOT = Path(configured.BASE_DIR)
# What the defaults are in words: nobody may write them where something else may be configured.
DEFAULTS = re.compile(
    r"\b10 MB\b|\b64 MB\b|\b63 \* 1024\b|\b50,000\b|\b50 characters\b|\b200 files\b|\b20,000 "
)


@pytest.fixture
def others(settings: Settings) -> None:
    """Other limits than usual."""
    settings.MAX_FILE_BYTES = 3 * 1024 * 1024 // 2
    settings.MAX_REQUEST_BYTES = 20 * 1024 * 1024
    settings.MAX_FILES_PER_BATCH = 1234
    settings.MIN_TEXT_CHARACTERS = 17
    settings.MAX_TEXT_CHARACTERS = 98_765


@pytest.mark.parametrize(
    ("size", "english", "swedish"),
    [
        (10 * 1024**2, "10 MB", "10 MB"),
        (3 * 1024**2 // 2, "1.5 MB", "1,5 MB"),
        (64 * 1024, "64 KB", "64 KB"),
        (20 * 1024**3, "20 GB", "20 GB"),
        (1024**4, "1 TB", "1 TB"),
        (100, "100 bytes", "100 byte"),
    ],
)
def test_sizes_in_words(size: int, english: str, swedish: str) -> None:
    for language, words in (("en", english), ("sv", swedish)):
        with translation.override(language):
            assert measures.size_in_words(size) == words


def test_answers_and_errors_say_what_is_configured(others: None) -> None:
    with translation.override("en"):
        assert "at most 1.5 MB" in str(TITLES["FILE_TOO_LARGE"])
        assert "At most 1.5 MB" in str(WORDS[ErrorCode.FILE_TOO_LARGE].help)
        assert "less than 17 characters" in str(WORDS[ErrorCode.CONTENT_TOO_SHORT].help)
        assert "more than 98,765 characters" in str(WORDS[ErrorCode.CONTENT_TOO_LONG].help)
    with translation.override("sv"):
        assert "1,5 MB" in str(TITLES["FILE_TOO_LARGE"])
        assert "98\xa0765" in str(WORDS[ErrorCode.CONTENT_TOO_LONG].help)


@pytest.mark.parametrize("language", ["en", "sv"])
def test_the_batch_page_says_what_is_configured(others: None, teacher: User, language: str) -> None:
    browser = Client()
    browser.force_login(teacher)
    address = f"/batches/{make_batch(teacher).pk}/"
    page, settings_page = (
        browser.get(one, headers={"Accept-Language": language}).content.decode()
        for one in (address, f"{address}settings/")
    )
    size = "1.5 MB" if language == "en" else "1,5 MB"
    number = "1,234" if language == "en" else "1\xa0234"
    assert page.count(size) >= 3  # both ways to add files, and what a browser says of a file too big
    assert page.count(number) >= 3
    assert 'data-limit-files="1234"' in page
    assert f'data-limit-bytes="{19 * 1024 * 1024}"' in page
    assert f'data-limit-essays="{MAX_ESSAYS}"' in page
    assert f'max="{MAX_ESSAYS}"' in settings_page
    assert not DEFAULTS.search(page)


def test_no_page_script_or_word_holds_a_number_that_may_be_another() -> None:
    sources = [
        *(ROOT / "templates").rglob("*.html"),
        *(
            path
            for app in ("batches", "files", "essays", "realtime", "results")
            for path in (ROOT / app).rglob("*.js")
        ),
        ROOT / "docs" / "upload_folder.py",
        ROOT / "huleedu" / "answers" / "problems.py",
        ROOT / "huleedu" / "answers" / "error_words.py",
        ROOT / "locale" / "sv" / "LC_MESSAGES" / "django.po",
        ROOT / "files" / "api.py",
    ]
    assert [str(path) for path in sources if DEFAULTS.search(path.read_text())] == []


def test_the_words_about_fixed_numbers_are_right() -> None:
    """These are not configured, and said in words of their own."""
    assert configured.MAX_READINESS_SECONDS == 90 * 24 * 60 * 60
    with translation.override("en"):
        assert "90 days" in str(TITLES["DEADLINE_TOO_FAR"])
    assert MAX_ESSAYS == 200  # as the form for a new batch says
