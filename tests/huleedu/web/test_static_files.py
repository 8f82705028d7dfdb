"""Static files: collected once for each release, right under every name that an open page may ask for."""

import gzip
import json
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import brotli
import pytest
from django.contrib.staticfiles import finders
from django.http import HttpResponse
from django.test import RequestFactory
from pytest_django import Settings

from huleedu.machine.migrated import STAMP
from huleedu.web import static_files
from huleedu.web.static_files import HashedFiles, StaticFilesMiddleware, collect

MODULE = "files/batch-page.js"


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for everything collected, made once."""
    return tmp_path_factory.mktemp("static")


@pytest.fixture
def storage(collected: Path, settings: Settings) -> Iterator[HashedFiles]:
    """The storage over the collected files."""
    settings.STATIC_ROOT = collected
    collect()
    yield HashedFiles()


@pytest.fixture
def web(storage: HashedFiles, monkeypatch: pytest.MonkeyPatch) -> StaticFilesMiddleware:
    """A web server with these files in front of nothing."""
    monkeypatch.setattr("whitenoise.middleware.staticfiles_storage", storage)
    return StaticFilesMiddleware(lambda _: HttpResponse(status=404))


def get(web: StaticFilesMiddleware, path: str, **headers: str) -> tuple[int, bytes, dict[str, str]]:
    response = web(RequestFactory().get(path, headers=headers))
    with closing(response):
        return response.status_code, response.getvalue(), dict(response.headers)


def test_a_second_start_has_nothing_to_do(storage: HashedFiles) -> None:
    assert collect() is False


def test_every_import_of_a_module_leads_to_a_file(web: StaticFilesMiddleware, storage: HashedFiles) -> None:
    """All modules, from the names in the manifest on: no import is left that has no hash."""
    ours = [
        name for name in storage.hashed_files if re.match(r"(batches|files|essays|huleedu|realtime)/", name)
    ]
    modules = [name for name in ours if name.endswith(".js")]
    assert len(modules) > 15
    found = 0
    for name in modules:
        address = storage.url(name)
        _, body, _ = get(web, address)
        code = re.sub(r"(?s)/\*.*?\*/", "", body.decode())
        for target in re.findall(r"""(?:from\s*|\bimport\s*\(?\s*)["']([^"']+)["']""", code):
            found += 1
            assert re.search(r"\.[0-9a-f]{12}\.js$", target), (name, target)
            base = address.rsplit("/", 1)[0]
            path = str(Path(f"{base}/{target}").resolve()) if target.startswith(".") else target
            assert get(web, path)[0] == 200, (name, target)
    assert found > 25


def test_hashed_files_are_kept_for_good_and_come_compressed(
    web: StaticFilesMiddleware, storage: HashedFiles
) -> None:
    address = storage.url(MODULE)
    _, plain, _ = get(web, address)
    for encoding, decompress in (("gzip", gzip.decompress), ("br", brotli.decompress)):
        status, body, headers = get(web, address, **{"Accept-Encoding": encoding})
        assert (status, headers["Content-Encoding"]) == (200, encoding)
        assert decompress(body) == plain
        assert int(headers["Content-Length"]) == len(body)
        assert "immutable" in headers["Cache-Control"]
        assert headers["Vary"] == "Accept-Encoding"


def test_a_plain_name_is_not_kept_long(web: StaticFilesMiddleware) -> None:
    status, _, headers = get(web, f"/static/{MODULE}")
    assert status == 200
    assert headers["Cache-Control"] == "max-age=60, public"


def test_a_hash_of_another_release_gets_this_releases_file_for_now(
    web: StaticFilesMiddleware, storage: HashedFiles
) -> None:
    status, body, headers = get(web, "/static/files/batch-page.0123456789ab.js")
    assert status == 200
    assert headers["Cache-Control"] == "no-store"
    assert body == Path(str(finders.find(MODULE))).read_bytes()
    assert get(web, "/static/files/nothing.0123456789ab.js")[0] == 404
    assert get(web, "/elsewhere/batch-page.0123456789ab.js")[0] == 404


def test_the_last_release_stays_and_the_one_before_goes(
    storage: HashedFiles, collected: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def release(mark: str) -> None:
        """Another release: its manifest also knows a file that only it has."""
        monkeypatch.setattr(static_files, "RECIPE", mark.encode())
        assert collect() is True
        manifest = collected / "staticfiles.json"
        told = json.loads(manifest.read_text())
        told["paths"][f"{mark}.js"] = f"{mark}.0123456789ab.js"
        manifest.write_text(json.dumps(told))
        for ending in ("", ".gz", ".br"):
            (collected / f"{mark}.0123456789ab.js{ending}").write_text(mark)

    release("one")
    release("two")
    assert (collected / "one.0123456789ab.js.br").exists()
    release("three")
    assert not list(collected.glob("one.*"))
    assert (collected / "two.0123456789ab.js").exists()
    monkeypatch.undo()


@pytest.mark.parametrize("harm", ["stamp", "manifest", "source"])
def test_what_does_not_fit_is_not_used(
    storage: HashedFiles, collected: Path, monkeypatch: pytest.MonkeyPatch, harm: str
) -> None:
    """Half written, or made from other files: pages name what is here, and the next start mends it."""
    if harm == "stamp":
        (collected / STAMP).unlink()
    elif harm == "source":
        monkeypatch.setattr(static_files, "RECIPE", b"newer")
    else:
        (collected / "staticfiles.json").unlink()
    assert HashedFiles().url(MODULE) == f"/static/{MODULE}"
    collect()
    assert HashedFiles().url(MODULE) != f"/static/{MODULE}"


def test_without_any_folder_all_is_served_as_it_is(settings: Settings, tmp_path: Path) -> None:
    settings.STATIC_ROOT = tmp_path / "none"
    assert HashedFiles().url(MODULE) == f"/static/{MODULE}"
    web = StaticFilesMiddleware(lambda _: HttpResponse(status=404))
    assert get(web, f"/static/{MODULE}")[0] == 200
