"""The scripts' own tests, run by node."""

import shutil
import subprocess
from pathlib import Path

import pytest

NODE = shutil.which("node")


@pytest.mark.skipif(NODE is None, reason="node is not installed")
def test_scripts() -> None:
    tests = sorted(str(path) for path in (Path(__file__).parent / "js").glob("*.test.mjs"))
    assert tests
    done = subprocess.run(
        [str(NODE), "--test", *tests], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout
