"""How old the last backup is, as the command that takes backups has noted it."""

from django.db import connection

TABLE = "huleedu_backup"
OLD_SECONDS = 172_800.0  # two nights without one
IS_NOTED = "SELECT to_regclass(%s) IS NOT NULL"
AGE = f"SELECT extract(epoch FROM clock_timestamp() - max(moment))::float8 FROM {TABLE}"  # noqa: S608


def backup_age() -> float | None:
    """Seconds since the moment that the newest backup holds, infinite when there is none.

    None where this database has no place for the note. Raises ``DatabaseError``.
    """
    with connection.cursor() as cursor:
        cursor.execute(IS_NOTED, [TABLE])
        if not cursor.fetchone()[0]:
            return None
        cursor.execute(AGE)
        (seconds,) = cursor.fetchone()
        return float("inf") if seconds is None else max(0.0, float(seconds))
