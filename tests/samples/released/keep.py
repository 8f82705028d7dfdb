"""Keep the state of a stopped installation of a release, for the test that upgrades it.

``python -m tests.samples.released.keep STATE_FOLDER VERSION PG_DUMP`` writes ``VERSION.zip`` with the
database's rows, the stored files and the first accounts. ``PG_DUMP`` is that program, of the server's version
or later. Sessions, tokens and rows that a start makes are left out.
"""

import subprocess
import sys
import zipfile
from pathlib import Path

from huleedu.embedded import PostgresServer, running

FOLDER = Path(__file__).parent
LEFT_OUT = (
    "django_session",
    "huleedu_session",
    "huleedu_apitoken",
    "auth_permission",
    "django_content_type",
    "auth_group_permissions",
    "huleedu_relaypresence",
    "django_q_*",
)


def dumped(url: str, program: str) -> bytes:
    """The database as SQL that any client can carry out."""
    left_out = [f"--exclude-table-data={table}" for table in LEFT_OUT]
    options = ["--no-owner", "--no-privileges", "--inserts", "--rows-per-insert=50", *left_out]
    done = subprocess.run([program, *options, url], capture_output=True, check=True)
    lines = done.stdout.splitlines(keepends=True)
    return b"".join(line for line in lines if not line.startswith((b"\\", b"--")) and line.strip())


def main(state: Path, version: str, program: str) -> None:
    """Write the archive."""
    with (
        zipfile.ZipFile(FOLDER / f"{version}.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive,
        running(PostgresServer(state)) as url,
    ):
        archive.writestr("dump.sql", dumped(url, program))
        for path in [state / "first-sign-in.txt", *(state / "content").rglob("*")]:
            if path.is_file():
                archive.write(path, path.relative_to(state))


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), *sys.argv[2:4])
