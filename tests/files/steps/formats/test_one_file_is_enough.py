"""A format is one file: in a copy of the project it is recognised, read, named, filtered by, described."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from files.steps.registry import FORMATS
from tests.faults.ending import database_address
from tests.files.steps.formats import mirror

ROOT = Path(settings.BASE_DIR)
NOT_NEEDED = shutil.ignore_patterns(".*", "var", "node_modules", "docs", "samples", "staticfiles")
ESSAY = "My essay is about a mirror that stands in the hall of my school and shows me late."


@pytest.fixture
def told(transactional_db: None, tmp_path: Path) -> dict[str, Any]:
    """What is told of a file of the made-up format by a project that has one file more."""
    copy, essay = tmp_path / "project", tmp_path / "Anna.mir"
    shutil.copytree(ROOT, copy, ignore=NOT_NEEDED)
    shutil.copy(mirror.__file__, copy / "files" / "steps" / "formats" / "mirror.py")
    essay.write_bytes(mirror.MARK + ESSAY[::-1].encode())
    done = subprocess.run(
        [sys.executable, "-m", "tests.files.steps.formats.walk", essay, "mirror"],
        cwd=copy,
        env={
            **os.environ,
            "DATABASE_URL": database_address(),
            "DJANGO_SETTINGS_MODULE": "huleedu.settings",
            "HULEEDU_STORAGE": str(tmp_path / "content"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.mark.timeout(300)
def test_one_file_is_enough(told: dict[str, Any]) -> None:
    assert (told["status"], told["format"], told["text"]) == ("assigned", "mirror", ESSAY)
    assert told["filtered"] == {"mirror": ["Anna.mir"], "txt": []}
    assert [row["format"] for row in told["counted"]] == ["mirror"]
    parameters = json.loads(told["schema"])["paths"]["/v1/batches/{batch_id}/results"]["get"]["parameters"]
    (of_format,) = [each for each in parameters if each["name"] == "format"]
    assert set(of_format["schema"]["enum"]) == {"mirror", *(each.name for each in FORMATS.read)}
    assert '<option value="mirror" selected>Mirror writing' in told["results"]
    sentences = re.findall(r"[^\">]*, mirror writing, [^<\"]*", told["page"])
    assert any(re.match(r"Word, .* or plain text\. A whole folder", each) for each in sentences)
    assert any(re.match(r"Save the essay as Word \(\.docx\), .*", each) for each in sentences)
