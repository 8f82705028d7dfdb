"""Do this code and the database's tables belong to the same release?"""

import pkgutil
from collections.abc import Collection
from hashlib import sha256
from importlib import import_module

from django.apps import apps
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from huleedu.failures.errors import Unfit
from huleedu.postgres.standstill import check_standstill

Name = tuple[str, str]  # app label, migration
NAMED = 3  # of the migrations that are missing or unknown, in a sentence


def check_schema() -> str:
    """The state of the database, which this code fits. Raises Unfit with what to do, DatabaseError.

    A database that is being restored, or was left for another, fits nothing.
    """
    check_standstill()
    applied = applied_migrations()
    # The files' names are enough as long as all is well; reading them takes a tenth of a second.
    if applied != known_migrations():
        compare(applied)
    return describe(applied)


def applied_migrations() -> set[Name]:
    """What the database has been through."""
    return set(MigrationRecorder(connection).applied_migrations())


def known_migrations() -> set[Name]:
    """What this code has migrations for, by their files' names."""
    found = set()
    for app in apps.get_app_configs():
        module, _explicit = MigrationLoader.migrations_module(app.label)
        if module is not None and app.module is not None:
            found |= {(app.label, name) for name in file_names(module)}
    return found


def file_names(module: str) -> list[str]:
    """The migrations in a package; none when there is no such package."""
    try:
        package = import_module(module)
    except ModuleNotFoundError:
        return []
    modules = pkgutil.iter_modules(package.__path__)
    return [each.name for each in modules if not each.ispkg and each.name[0] not in "_~"]


def compare(applied: set[Name]) -> None:
    """As the migrations themselves say, those that replace others included. Raises Unfit."""
    loader = MigrationLoader(connection)
    known = set(loader.disk_migrations)
    known |= {name for migration in loader.disk_migrations.values() for name in migration.replaces}
    if unknown := applied - known:
        raise Unfit(
            f"The database has migrations that this code does not know ({listed(unknown)}): this HuleEdu is "
            "older than the database. Start the newer HuleEdu that the database belongs to."
        )
    # Not a plan: that looks only below the last one that was applied, and one may be missing in the middle.
    if missing := set(loader.graph.nodes) - set(loader.applied_migrations):
        raise Unfit(
            f"The database lacks migrations of this code ({listed(missing)}): this HuleEdu is newer than the "
            "database. Run: python manage.py migrate"
        )


def listed(names: Collection[Name]) -> str:
    """The first few names, and how many more there are."""
    first = [".".join(name) for name in sorted(names)[:NAMED]]
    more = len(names) - len(first)
    return ", ".join(first) + (f" and {more} more" if more else "")


def describe(applied: set[Name]) -> str:
    """A state of the database in a few characters: how many migrations, and which."""
    text = "\n".join(".".join(name) for name in sorted(applied))
    return f"{len(applied)}-{sha256(text.encode()).hexdigest()[:12]}"
