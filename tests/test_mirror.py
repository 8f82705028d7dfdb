"""Tests stand where their modules stand, and which modules have no test of their own is written down.

``huleedu/relay/loop.py`` is tested in ``tests/huleedu/relay/test_loop.py``, an aspect of it in
``test_loop_<aspect>.py``. What is too small for a file of its own is at least imported by a test of its room.
Tests that follow a deed through several rooms stand in ``docs``, ``end_to_end``, ``faults`` and ``browser``,
which mirror nothing.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.documents import ROOT

ROOMS = ("batches", "essays", "files", "huleedu", "realtime", "results")
WHOLE_TREE = {
    "tests/files/steps/formats/test_one_file_is_enough.py": "a made-up format, from its upload to its words",
    "tests/huleedu/test_origins.py": "what a page of another port may do, at any address",
    "tests/huleedu/test_patterns.py": "every regular expression",
    "tests/huleedu/test_translations.py": "every sentence",
}
WITHOUT = {
    "Django loads it by name, and nothing works without it": """
        batches/apps batches/urls essays/apps essays/urls files/apps files/urls huleedu/alive
        huleedu/apps huleedu/asgi huleedu/templatetags/version huleedu/urls huleedu/urls_account
        realtime/apps realtime/routing results/apps results/urls
    """,
    "a command, run as a program where it is needed": """
        huleedu/management/commands/account huleedu/management/commands/backup
        huleedu/management/commands/check_installation huleedu/management/commands/create_account
        huleedu/management/commands/create_bucket huleedu/management/commands/make_backup_key
        huleedu/management/commands/makemessages huleedu/management/commands/move_database
        huleedu/management/commands/qcluster huleedu/management/commands/relay
        huleedu/management/commands/repeat_erasures huleedu/management/commands/restore
        huleedu/management/commands/run huleedu/management/commands/security_log
        huleedu/management/commands/tidy huleedu/management/commands/verify_store
    """,
    "it is asked by its addresses, and tested where they are": """
        batches/admin batches/forms essays/admin essays/forms files/admin files/limits_api
        huleedu/accounts/account_forms huleedu/accounts/account_views huleedu/accounts/code_stage
        huleedu/accounts/factor_gate huleedu/accounts/link_views huleedu/answers/pages
        huleedu/api/parsers huleedu/api/schema huleedu/http/middleware huleedu/office/account_admin
        huleedu/support/account_deeds huleedu/watching/well_page realtime/guard realtime/push
        results/admin results/api_actions results/api_bin results/bin_views results/overview
    """,
    "it is a part of what its neighbours do, and tested through them": """
        batches/actions/deciding batches/actions/places batches/actions/progress
        batches/configuration batches/reactions essays/actions/assignment essays/actions/concluding
        essays/actions/readiness essays/actions/rechecking essays/actions/repeating
        essays/actions/repeating_all essays/actions/repeating_batch_wide essays/actions/requesting
        essays/dead_letters essays/queries essays/reactions essays/steps/budget
        essays/steps/checking essays/steps/costs essays/steps/judging essays/tasks
        files/actions/erasing files/actions/handing_over files/actions/reading
        files/actions/receiving files/actions/reports files/actions/room files/actions/storing
        files/actions/too_large files/carrying files/damage files/dead_letters files/form files/mark
        files/reactions files/records files/s3_answers files/steps/child files/steps/content
        files/steps/kernel files/steps/nursery files/steps/pdf_integrity files/steps/reading
        files/steps/rights files/steps/xml files/undo files/upload files/verification
        huleedu/accounts/adapters huleedu/accounts/erasures huleedu/accounts/permissions
        huleedu/answers/language_names huleedu/api/quotas huleedu/backup/backup_words
        huleedu/backup/last_backup huleedu/backup/restoring huleedu/events/event_log
        huleedu/events/redaction huleedu/failures/states huleedu/fit/wall_report huleedu/fit/warming
        huleedu/http/header_parameters huleedu/http/networks huleedu/machine/mounts
        huleedu/machine/new_file huleedu/machine/own_hosts huleedu/machine/school_settings
        huleedu/machine/wall_words huleedu/outside/recent
        huleedu/outside/threads huleedu/postgres/clock huleedu/postgres/counting
        huleedu/postgres/moments huleedu/postgres/presence
        huleedu/postgres/snapshots huleedu/postgres/standstill huleedu/relay/overseeing
        huleedu/relay/processes huleedu/security/recorded huleedu/security/refusals
        huleedu/security/security_export huleedu/security_events huleedu/security_kinds
        huleedu/steps huleedu/subscriptions huleedu/support/field_names huleedu/support/reasons
        huleedu/templatetags/servers
        huleedu/web/door huleedu/web/draining huleedu/web/form_type huleedu/web/line_ends
        huleedu/web/secure huleedu/web/serving huleedu/web/used_static_files huleedu/web/web_request
        huleedu/work/leaving huleedu/work/timers results/bin results/filters
        results/tasks results/dead_letters results/export_records results/exports/kind
        results/exports/making results/exports/papers
        results/exports/steps/word_comments
        results/exports/steps/word_places
        results/reactions essays/phases/spellcheck
        files/format_name files/steps/not_read files/steps/package files/steps/word_text
        huleedu/failures/words huleedu/postgres/held
    """,
}


def modules() -> set[str]:
    """Every module, as a path without its ending."""
    found = (path.relative_to(ROOT) for room in ROOMS for path in (ROOT / room).rglob("*.py"))
    return {
        str(each.with_suffix(""))
        for each in found
        if "migrations" not in each.parts and each.stem != "__init__"
    }


def files_of_tests() -> list[Path]:
    """The files that mirror a module, or ought to."""
    return [path for room in ROOMS for path in sorted((ROOT / "tests" / room).rglob("test_*.py"))]


def mirrored(test: Path) -> str:
    """The module or package that a file of tests is about; empty when there is none of that name."""
    place = test.relative_to(ROOT / "tests").parent
    words = test.stem.removeprefix("test_").split("_")
    for length in range(len(words), 0, -1):
        target = place / "_".join(words[:length])
        if (ROOT / f"{target}.py").exists() or (ROOT / target / "__init__.py").exists():
            return str(target)
    return ""


@cache
def imported(folder: Path) -> set[str]:
    """What the tests of a folder import, as paths."""
    return {name.replace(".", "/") for path in folder.glob("*.py") for name in imports(path)}


def imports(path: Path) -> Iterator[str]:
    """The names of modules that a file imports, and of what may be modules."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{each.name}" for each in node.names)


def test_every_file_of_tests_mirrors_a_module() -> None:
    found = {str(path.relative_to(ROOT)) for path in files_of_tests() if not mirrored(path)}
    assert found == WHOLE_TREE.keys()


def test_modules_without_tests_of_their_own_are_known() -> None:
    own = {mirrored(path) for path in files_of_tests()}
    listed = [name for names in WITHOUT.values() for name in names.split()]
    found = {name for name in modules() - own if name not in imported((ROOT / "tests" / name).parent)}
    assert not found - set(listed), "Give these a test of their own, or say here why they have none."
    assert not set(listed) - found, "These have one by now, or are gone: take them off the list."
    assert len(listed) == len(set(listed))
