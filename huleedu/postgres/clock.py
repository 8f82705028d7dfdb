"""The time that counts: machines disagree, so whatever several processes compare is the database's."""

from datetime import datetime

from django.db import connection


def database_now() -> datetime:
    """The database's time, at the start of the running transaction if there is one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        found: datetime = cursor.fetchone()[0]
        return found
