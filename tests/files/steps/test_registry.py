import subprocess
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from django.conf import settings

from files.models import FileUpload
from files.steps import formats, registry
from files.steps.format import Format, Signs
from files.steps.registry import FORMATS, Formats, WrongFormat, declared_in
from tests.files.steps.formats.mirror import FORMAT

PLAIN = FORMATS.plain


def test_every_format_that_is_read_has_a_reader() -> None:
    names = [each.name for each in FORMATS.read]
    assert names[0] == "txt" and {"docx", "pdf"} <= set(names)
    assert all(callable(each.load()) for each in FORMATS.read)


def test_rows_keep_the_longest_name() -> None:
    assert FileUpload._meta.get_field("format").max_length == registry.LONGEST_NAME


def test_every_file_has_a_test() -> None:
    here = Path(__file__).parent / "formats"
    modules = {name.rpartition(".")[2] for name, _ in declared_in(formats)}
    assert {f"test_{module}.py" for module in modules} <= {path.name for path in here.iterdir()}


@pytest.mark.parametrize(
    ("declared", "fault"),
    [
        (replace(FORMAT, name="Mirror"), "'Mirror' must be called otherwise"),
        (replace(FORMAT, name="unknown"), "'unknown' must be called otherwise"),
        (replace(FORMAT, name="mirrorwriting"), "'mirrorwriting' has a name of more than 10"),
        (replace(FORMAT, label=""), "'mirror' has no label"),
        (replace(FORMAT, endings=(".mir",)), "'mirror' has the ending '.mir'"),
        (replace(FORMAT, reader="files.steps.package"), "'mirror' has a reader that is not there"),
        (replace(FORMAT, reader="files.steps.no_such"), "'mirror' has a reader that is not there"),
        (replace(FORMAT, reader="no.such"), "'mirror' has a reader that is not there"),
    ],
)
def test_what_is_forgotten_or_wrong_is_told_by_name(declared: Format, fault: str) -> None:
    with pytest.raises(WrongFormat, match=rf"^some\.module: the format {fault}"):
        Formats([("txt", PLAIN), ("some.module", declared)])


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (replace(FORMAT, endings=(), signs=Signs(roots=("a",))), "name 'mirror'"),
        (replace(FORMAT, name="b", signs=Signs(roots=("a",))), "ending 'mir'"),
        (replace(FORMAT, name="b", endings=()), r"beginning b'\\x89MIRROR\\n'"),
    ],
)
def test_two_of_one_kind_are_told_by_name(other: Format, told: str) -> None:
    with pytest.raises(
        WrongFormat, match=f"^The {told} is of two formats: 'mirror' in one and '.*' in other"
    ):
        Formats([("txt", PLAIN), ("one", FORMAT), ("other", other)])


@pytest.mark.parametrize("signs", [Signs(members=("x",)), Signs(streams=("x",)), Signs(roots=("x",))])
def test_two_of_one_sign_are_told(signs: Signs) -> None:
    first, second = (Format(name=name, signs=signs) for name in ("a", "b"))
    with pytest.raises(WrongFormat, match="'x' is of two formats: 'a' in one and 'b' in other"):
        Formats([("txt", PLAIN), ("one", first), ("other", second)])


def test_forgotten_signs_are_told() -> None:
    with pytest.raises(WrongFormat, match=r"Exactly one format has no signs.*here: 'txt', 'mirror'"):
        Formats([("txt", PLAIN), ("mirror", replace(FORMAT, signs=Signs()))])
    with pytest.raises(WrongFormat, match="here: none"):
        Formats([("mirror", FORMAT)])


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("", "declares no FORMAT"),
        ("from files.steps.format import Format\nFORMAT = Format(name='a')", "the format 'a' has no reader"),
    ],
)
def test_a_file_that_declares_none_is_told(
    source: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "made_up").mkdir()
    (tmp_path / "made_up" / "__init__.py").touch()
    (tmp_path / "made_up" / "broken.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    try:
        package: ModuleType = import_module("made_up")
        with pytest.raises(WrongFormat, match=rf"^made_up\.broken:? {told}"):
            list(declared_in(package))
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == "made_up"]:
            del sys.modules[name]


def test_whoever_only_asks_for_a_name_does_not_load_pdfium() -> None:
    asked = "import files.sandbox, files.format_name, sys; sys.exit('pypdfium2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asked], cwd=settings.BASE_DIR, check=False).returncode == 0
