"""Archives written file by file, read by the standard library and by what the machine has."""

import io
import shutil
import subprocess
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from results.exports.steps.archive import archive

MOMENT = datetime(2026, 11, 30, 19, 0, tzinfo=UTC)


def written() -> bytes:
    out = io.BytesIO()
    with archive(out, MOMENT) as zipped:
        assert zipped.add("01 Åsa 😀.txt", b"text " * 100) == "01 Åsa 😀.txt"
        assert zipped.add("01 åsa 😀.txt", b"other") == "01 åsa 😀 (2).txt"
        zipped.add("01 a.docx", b"PK" * 100, folder="Åsa_1")
        assert zipped.count == 3
    return out.getvalue()


def test_names_times_and_what_is_packed_already() -> None:
    with zipfile.ZipFile(io.BytesIO(written())) as zipped:
        assert zipped.testzip() is None
        first, second, third = zipped.infolist()
    assert (first.filename, second.filename) == ("01 Åsa 😀.txt", "01 åsa 😀 (2).txt")
    assert third.filename == "Åsa_1/01 a.docx"
    assert first.flag_bits & 0x800, "the name is UTF-8, and says so"
    assert first.date_time == (2026, 11, 30, 19, 0, 0)
    assert (first.compress_type, third.compress_type) == (zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED)


@pytest.mark.skipif(shutil.which("unzip") is None, reason="unzip is not here")
def test_another_program_unpacks_it(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(written())
    subprocess.run(["unzip", "-q", "a.zip", "-d", "out"], cwd=tmp_path, check=True, env={"LC_ALL": "C.UTF-8"})
    assert (tmp_path / "out" / "01 Åsa 😀.txt").read_bytes() == b"text " * 100


def test_a_moment_before_archives_were_invented() -> None:
    out = io.BytesIO()
    with archive(out, datetime(1970, 1, 1, tzinfo=UTC)) as zipped:
        zipped.add("a", b"")
    assert zipfile.ZipFile(io.BytesIO(out.getvalue())).infolist()[0].date_time[0] == 1980
