"""Only actions open transactions: whoever looks for what changes rows finds it in ``<app>/actions/``.

Below and above the apps some rooms open their own; they are named here, each with its reason.
"""

import ast
from pathlib import Path

import pytest

from tests.documents import ROOT

APPS = ("batches", "files", "essays", "results", "realtime")
OPENERS = {"django.db.transaction.atomic", "huleedu.events.following.followed"}
MAY_OPEN = {
    "huleedu/accounts": "deeds on accounts, each with its line in the security log",
    "huleedu/api/idempotency": "an effect and the answer that is kept of it are one",
    "huleedu/backup/restoring": "a restored installation begins its new life whole",
    "huleedu/events/following": "it is what opens them for actions",
    "huleedu/fit": "one process takes the installation's key and marks its store",
    "huleedu/forgetting": "what is erased, and the ledger of it",
    "huleedu/management/commands/first_start": "the first accounts, all or none",
    "huleedu/office/deletion_views": "an account is closed and its session ends with it",
    "huleedu/postgres/moments": "reading at one moment, which writes nothing",
    "huleedu/relay": "reactions, in the relay's transaction",
    "huleedu/security/recorded": "what the admin's own forms change, with its line in the security log",
    "huleedu/support": "deeds of support, each with its line in the security log",
    "huleedu/work": "work that failed, timers that ring: what they cause, and what becomes of them",
}


def opens(text: str) -> bool:
    """True when the source ``text`` opens a transaction, by whichever name it knows that."""
    tree = ast.parse(text)
    known: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            known |= {each.asname or each.name: f"{node.module}.{each.name}" for each in node.names}
        elif isinstance(node, ast.Import):
            known |= {each.asname: each.name for each in node.names if each.asname}
    names = (ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Name | ast.Attribute))
    split = (name.partition(".") for name in names)
    return any(known.get(head, head) + dot + rest in OPENERS for head, dot, rest in split)


def modules() -> list[Path]:
    """Every module of the product."""
    return [path for room in (*APPS, "huleedu") for path in (ROOT / room).rglob("*.py")]


def place_of(path: Path) -> str:
    """Which of the places that may open a transaction ``path`` is, or lies in; empty for none."""
    module = path.relative_to(ROOT).with_suffix("")
    above = {str(each) for each in (module, *module.parents)}
    places = {*MAY_OPEN, *(f"{app}/actions" for app in APPS)}
    return next(iter(above & places), "")


def test_only_actions_open_transactions() -> None:
    opening = [path for path in modules() if opens(path.read_text(encoding="utf-8"))]
    astray = sorted(str(path.relative_to(ROOT)) for path in opening if not place_of(path))
    assert not astray, "What these do in a transaction is an action of its app: move it there."
    assert MAY_OPEN.keys() <= {place_of(path) for path in opening}, "Take off the list what opens none."


@pytest.mark.parametrize(
    "text",
    [
        "from django.db import transaction\n@transaction.atomic\ndef act(): ...",
        "from django.db import transaction\nwith open('x'), transaction.atomic(): ...",
        "from django.db import transaction as one\nact = one.atomic(act)",
        "from django.db.transaction import atomic\n@atomic\ndef act(): ...",
        "import django.db\nwith django.db.transaction.atomic(): ...",
        "from huleedu.events.following import followed\n@followed\ndef act(): ...",
        "from huleedu.events import following\n@following.followed\ndef act(): ...",
    ],
)
def test_every_way_to_open_one_is_seen(text: str) -> None:
    assert opens(text)


@pytest.mark.parametrize(
    "text",
    [
        "from django.db import transaction\ntransaction.on_commit(act)",
        "class Migration:\n    atomic = False",
        "from tests.faults.test_bad_sockets import followed\nfollowed()",
    ],
)
def test_what_opens_none_is_left_alone(text: str) -> None:
    assert not opens(text)


@pytest.mark.parametrize(
    ("module", "place"),
    [
        ("files/actions/removing.py", "files/actions"),
        ("files/api.py", ""),
        ("huleedu/events/following.py", "huleedu/events/following"),
        ("huleedu/events/outbox.py", ""),
    ],
)
def test_a_place_is_known_by_its_room(module: str, place: str) -> None:
    assert place_of(ROOT / module) == place
