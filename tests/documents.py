"""What the documents tell people to type: their fenced blocks, by name, and how to run them."""

import os
import re
import shlex
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from huleedu.machine import places
from tests import guard

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"^```sh(?: (?P<name>[a-z0-9-]+))?\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
VALUE = re.compile(r"^export (?P<name>[A-Z_0-9]+)=(?P<value>\S*)", re.MULTILINE)


def blocks(document: str) -> dict[str, str]:
    """The named blocks of a document (its path below the root), in order."""
    found = BLOCK.finditer((ROOT / document).read_text(encoding="utf-8"))
    return {match["name"]: match["text"] for match in found if match["name"]}


@dataclass
class Shell:
    """A person who follows docs/operations.md in ``bash`` with addresses of her own."""

    values: dict[str, str]
    blocks: dict[str, str] = field(default_factory=lambda: blocks("docs/operations.md"))
    environment: dict[str, str] = field(default_factory=dict)

    def where(self) -> str:
        """Step 1 with our values; everything else in it stays as written."""
        written = {match["name"]: match["value"] for match in VALUE.finditer(self.blocks["where"])}
        assert self.values.keys() <= written.keys(), self.values.keys() - written.keys()
        assert all(value or name in self.values for name, value in written.items())

        def ours(match: re.Match[str]) -> str:
            return f"export {match['name']}={shlex.quote(self.values.get(match['name'], match['value']))}"

        return VALUE.sub(ours, self.blocks["where"])

    def script(self, *names: str) -> list[str]:
        """The command line that runs the blocks ``names`` in one shell."""
        text = "\n".join([self.where(), *(self.blocks[name] for name in names)])
        return ["bash", "-euo", "pipefail", "-c", text]

    def variables(self) -> dict[str, str]:
        """A bare environment: what the blocks need besides, they must say."""
        postgres = places.binaries(places.service_account()).postgres
        path = [os.environ["PATH"], "/usr/sbin", *([] if shutil.which("psql") else [str(postgres)])]
        return {
            "PATH": ":".join(path),
            "HOME": os.environ.get("HOME", "/"),
            "LANG": "C.UTF-8",
            guard.VARIABLE: os.environ.get(guard.VARIABLE, ""),
            # Where this machine finds packages, and whom it trusts for them, no document can know.
            **{name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_CERT_"))},
            **self.environment,
        }
