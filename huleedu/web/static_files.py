"""Static files under names with a hash, compressed beforehand: sent once, and kept by browsers for good.

``collect`` makes them in ``STATIC_ROOT`` from the files of the apps. A process uses them only when they were
made from exactly the files it has itself; otherwise it serves those, under plain names and uncompressed.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import brotli
from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import HashedFilesMixin
from django.core.management import call_command
from django.http import HttpRequest, HttpResponseBase
from whitenoise.compress import Compressor
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.storage import CompressedManifestStaticFilesStorage

from huleedu.machine.migrated import STAMP
from huleedu.web.used_static_files import UsedStaticFiles

RECIPE = b"1"  # of hashing and compressing: another one makes all files again
SMALL = 64 * 1024  # bytes
NO_NAMES = '{"version": "1.1", "paths": {}}'
HASH = re.compile(r"\.[0-9a-f]{12}(\.\w+)$")
# A module's import of another one. Comments that name types do so without ``.js``, or do not mind.
IMPORT = (
    r"""(?P<matched>(?P<before>\bfrom\s*|\bimport\s*\(?\s*)["'](?P<url>\.{1,2}/[^"'\n]+\.js)["'])""",
    '%(before)s"%(url)s"',
)


def made_from() -> str:
    """What tells the apps' static files, and how they are compressed, from others."""
    digest = hashlib.sha256(RECIPE)
    ignored = UsedStaticFiles.ignore_patterns
    found = {path: storage for finder in finders.get_finders() for path, storage in finder.list(ignored)}
    for path in sorted(found):
        content = Path(found[path].path(path)).read_bytes()
        digest.update(f"{path} {len(content)} ".encode() + content)
    return digest.hexdigest()


class FittingCompressor(Compressor):
    """Best where pages of teachers gain; libraries of the support pages would take seconds for a few kB."""

    @staticmethod
    def compress_brotli(data: bytes) -> bytes:
        """``data`` in brotli."""
        return brotli.compress(data, quality=11 if len(data) <= SMALL else 5)


class HashedFiles(CompressedManifestStaticFilesStorage):
    """Knows the names with hashes; without whole and present ones the plain name is the name."""

    patterns = (*HashedFilesMixin.patterns, ("*.js", (IMPORT,)))

    def create_compressor(self, **options: Any) -> Compressor:
        """What compresses each file."""
        return FittingCompressor(**options)

    def stamp(self) -> Path:
        """The file that says what the collected files were made from, written last."""
        return Path(self.path(STAMP))

    def is_current(self) -> bool:
        """Whether the collected files are whole and made from the files that are here."""
        try:
            return self.exists(self.manifest_name) and self.stamp().read_text() == made_from()
        except OSError:
            return False

    def read_manifest(self) -> str:
        """The manifest, if it holds for the files that are here; else one without names."""
        return super().read_manifest() if self.is_current() else NO_NAMES

    def stored_name(self, name: str) -> str:
        """The name with its hash."""
        return str(self.hashed_files.get(self.hash_key(self.clean_name(name)), name))

    def post_process(self, *arguments: Any, **options: Any) -> Iterator[Any]:
        """Hash, compress, forget what the last two collections do not know, and say that all is there."""
        before = self.names_on_disk()
        self.stamp().unlink(missing_ok=True)
        yield from super().post_process(*arguments, **options)
        self.prune({*before, *self.hashed_files.values(), self.manifest_name, STAMP})
        self.stamp().write_text(made_from())

    def names_on_disk(self) -> list[str]:
        """The names of the last collection, for pages that were opened before this one."""
        try:
            return list(json.loads(Path(self.path(self.manifest_name)).read_text())["paths"].values())
        except (OSError, ValueError, KeyError):
            return []

    def prune(self, kept: set[str]) -> None:
        """Delete every file but ``kept`` and their compressed forms."""
        root = Path(self.location)
        for path in [path for path in root.rglob("*") if path.is_file()]:
            name = path.relative_to(root).as_posix()
            if name not in kept and name.removesuffix(".gz").removesuffix(".br") not in kept:
                path.unlink()


def collect() -> bool:
    """Make the hashed, compressed files, unless they are there. Returns whether it had to.

    Raises ``OSError`` when ``STATIC_ROOT`` cannot be written.
    """
    if HashedFiles().is_current():
        return False
    call_command("collectstatic", interactive=False, verbosity=0)
    return True


class StaticFilesMiddleware(WhiteNoiseMiddleware):
    """Serves static files; for a hash of another release, ours, which nobody may keep under that name.

    While releases change, a page of one asks a web server of the other: better the neighbouring version
    than a page without style and script.
    """

    def add_files(self, root: str, prefix: str | None = None) -> None:
        """Files below ``root``, if it is there."""
        if Path(root).is_dir():
            super().add_files(root, prefix)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The static file, or what the rest makes of the request."""
        path = request.path_info
        other = None if path in self.files else self.files.get(HASH.sub(r"\1", path))
        if other is None or not path.startswith(settings.STATIC_URL):
            return super().__call__(request)
        response = self.serve(other, request)
        response.headers["Cache-Control"] = "no-store"
        return response
