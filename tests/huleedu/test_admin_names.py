"""What models and apps are called in the admin: in words, in both languages, whatever is registered."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils.translation import override
from lxml import html

from batches.models import Batch
from huleedu.accounts.permissions import VIEWED
from huleedu.models import ApiToken
from huleedu.support.field_names import NAMES

SHOWN = sorted(admin.site._registry, key=lambda model: model._meta.label)
PLACES = "//title | //h1 | //*[@class='breadcrumbs']//a | //*[@id='nav-sidebar'] | //*[@class='paginator']"
PLACES += " | //*[contains(@class, 'app-list')] | //table/caption"
PLACES += " | //thead//th | //*[@id='changelist-filter']//summary | //form//label"
ALIKE = {"HuleEdu", "id", "ID", "format", "version", "status", "sha256", "SHA-256", "original", "text"}
ALIKE |= {"export"}
OURS = [model for model in SHOWN if not model._meta.label.startswith("auth.")]


def names(language: str) -> set[str]:
    """What the models that the admin shows, and their apps, are called in ``language``."""
    with override(language):
        found = {str(name) for model in SHOWN for name in (model._meta.verbose_name_plural,)}
        found |= {str(field.verbose_name) for model in OURS for field in shown_fields(model)}
        found |= {str(model._meta.verbose_name) for model in SHOWN}
        return found | {str(apps.get_app_config(model._meta.app_label).verbose_name) for model in SHOWN}


@pytest.mark.parametrize("model", SHOWN, ids=lambda model: str(model._meta.label))
def test_models_and_apps_have_swedish_names(model: Any) -> None:
    options, config = model._meta, apps.get_app_config(model._meta.app_label)
    asked: list[Callable[[], Any]] = [
        lambda: options.verbose_name,
        lambda: options.verbose_name_plural,
        lambda: config.verbose_name,
    ]
    for ask in asked:
        with override("en"):
            english = str(ask())
        with override("sv"):
            assert str(ask()) != english or english in ALIKE, english


@pytest.mark.parametrize("model", OURS, ids=lambda model: str(model._meta.label))
def test_fields_choices_and_explanations_are_swedish(model: Any) -> None:
    asked: list[Any] = []
    for field in shown_fields(model):
        asked += [field.verbose_name, field.help_text, *(label for _value, label in field.choices or ())]
    for words in filter(None, asked):
        with override("en"):
            english = str(words)
        with override("sv"):
            assert str(words) != english or english in ALIKE, english


def shown_fields(model: Any) -> list[Any]:
    """The model's own fields that its list, its filters or the page of a row show."""
    page = admin.site._registry[model]
    shown = {
        *page.list_display,
        *page.list_filter,
        *(page.fields or [each.name for each in model._meta.fields]),
    }
    found = [field for field in model._meta.fields if {field.name, field.attname} & shown]
    assert found
    return found


def test_the_names_of_fields_are_those_of_fields() -> None:
    with override("en"):
        assert {str(field.verbose_name) for model in OURS for field in model._meta.fields} >= NAMES


def test_no_page_of_the_admin_in_swedish_has_an_english_name(batch: Batch, teacher: User) -> None:
    client = Client(headers={"Accept-Language": "sv"})
    client.force_login(User.objects.create_superuser("chief", password="correct horse battery"))
    english = [re.compile(rf"\b{re.escape(name)}\b", re.I) for name in names("en") - names("sv")]
    assert len(english) > 20
    for address, row in addresses():
        answer = client.get(address)
        assert answer.status_code == 200, address
        page = html.fromstring(answer.content)
        said = [" ".join(part.text_content().split()).replace(row, "") for part in page.xpath(PLACES)]
        assert len(said) > 3, address
        wrong = [text for text in said for name in english if name.search(text)]
        assert wrong == [], address


def addresses() -> list[tuple[str, str]]:
    """The index, and of each model its app, its list and the page of one row, each with the row's name."""
    found = [(reverse("admin:index"), "-"), (reverse("well"), "-")]
    for model in SHOWN:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        row = model._default_manager.first()
        lists = (reverse("admin:app_list", args=[model._meta.app_label]), reverse(f"{name}_changelist"))
        found += [(address, "-") for address in lists]
        found += (
            [(reverse(f"{name}_change", args=[row.pk]), str(row))] if row and model is not ApiToken else []
        )
    return found


def test_permissions_are_called_as_before(transactional_db: None) -> None:
    for label in VIEWED:
        options = apps.get_model(label)._meta
        found = Permission.objects.get(
            content_type__app_label=options.app_label, codename=f"view_{options.model_name}"
        )
        words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", options.object_name or "").lower()
        assert found.name == f"Can view {words}"
