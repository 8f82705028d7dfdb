"""Which HuleEdu this is."""

import tomllib
from functools import cache

from huleedu.machine.programs import BASE_DIR


@cache
def release() -> str:
    """The version of this code; empty where the project's own file is not there with it."""
    try:
        text = (BASE_DIR / "pyproject.toml").read_text()
    except FileNotFoundError:
        return ""
    return str(tomllib.loads(text)["project"]["version"])
