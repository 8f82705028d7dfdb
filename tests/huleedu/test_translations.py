"""Every sentence of pages and code has its Swedish, and the compiled catalogue is the written one."""

import ast
import gettext
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.utils.translation.template import templatize

ROOT = Path(settings.BASE_DIR)
FOLDER = ROOT / "locale" / "sv" / "LC_MESSAGES"
APPS = ("huleedu", "batches", "files", "essays", "results", "realtime")
PYTHON = sorted(path for app in APPS for path in (ROOT / app).rglob("*.py") if "migrations" not in path.parts)
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
SINGULAR = {"_", "gettext", "gettext_lazy", "gettext_noop"}
PLURAL = {"ngettext", "ngettext_lazy"}
PLACES = re.compile(r"%\(\w+\)[sd]|\{\w*\}|<[^>]+>")


def calls(source: str) -> Iterator[tuple[str, ...]]:
    """The constant sentences of every call of gettext in Python ``source``: one, or singular and plural."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        wanted = 1 if node.func.id in SINGULAR else 2 if node.func.id in PLURAL else 0
        texts = [argument.value for argument in node.args[:wanted] if isinstance(argument, ast.Constant)]
        if texts:
            yield tuple(str(text) for text in texts)


def template_calls(source: str) -> Iterator[tuple[str, ...]]:
    """The sentences of a template, found as ``makemessages`` finds them."""
    for name, rest in re.findall(r"\b(_|n?gettext)\((.*?)\) ", templatize(source)):
        yield from calls(f"{name}({rest})")


def written() -> dict[str, list[str]]:
    """The catalogue as people write it: sentence → its Swedish forms."""
    found: dict[str, list[str]] = {}
    sentence, field = "", ""
    for line in (FOLDER / "django.po").read_text().splitlines():
        match = re.match(r'(msgid|msgid_plural|msgstr(?:\[\d\])?)? ?(".*")$', line)
        if match is None:
            continue
        field, text = match[1] or field, ast.literal_eval(match[2])
        if field == "msgid":
            sentence = text if match[1] else sentence + text
        elif field.startswith("msgstr"):
            forms = found.setdefault(sentence, [])
            forms[-1:] = (
                [text] if match[1] and not forms else [*forms[-1:], text] if match[1] else [forms[-1] + text]
            )
    return found


CATALOGUE = written()


@pytest.mark.parametrize("path", PYTHON + TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_sentence_has_its_swedish(path: Path) -> None:
    find = calls if path.suffix == ".py" else template_calls
    for sentence in find(path.read_text()):
        forms = CATALOGUE.get(sentence[0], [])
        assert len(forms) == len(sentence), sentence
        assert all(forms), sentence


def test_the_search_for_sentences_finds_them() -> None:
    assert len({sentence for path in PYTHON for sentence in calls(path.read_text())}) > 100
    assert len({sentence for path in TEMPLATES for sentence in template_calls(path.read_text())}) > 200


@pytest.mark.parametrize("path", PYTHON, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_translates_has_a_name_that_the_search_knows(path: Path) -> None:
    imports = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom))
    names = (name for node in imports if node.module == "django.utils.translation" for name in node.names)
    called = {name.asname or name.name for name in names if "gettext" in name.name}
    assert called <= SINGULAR | PLURAL


def test_nothing_is_guessed_or_left_over() -> None:
    text = (FOLDER / "django.po").read_text()
    assert "fuzzy" not in text
    assert "#~" not in text
    used = {s[0] for path in PYTHON for s in calls(path.read_text())}
    used |= {s[0] for path in TEMPLATES for s in template_calls(path.read_text())}
    assert set(CATALOGUE) - {""} == used


@pytest.mark.parametrize("sentence", [sentence for sentence in CATALOGUE if sentence])
def test_places_for_values_are_the_same(sentence: str) -> None:
    for form in CATALOGUE[sentence]:
        assert set(PLACES.findall(form)) <= set(PLACES.findall(sentence)) | {"%(n)d"}
        assert set(PLACES.findall(CATALOGUE[sentence][-1])) == set(PLACES.findall(sentence))


def test_the_compiled_catalogue_is_the_written_one() -> None:
    with (FOLDER / "django.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for sentence, forms in CATALOGUE.items():
        if not sentence:
            continue
        if len(forms) == 1:
            assert compiled.gettext(sentence) == forms[0]
        else:
            assert [compiled.ngettext(sentence, sentence, n) for n in (1, 2)] == forms
