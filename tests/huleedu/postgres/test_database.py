"""What every session with PostgreSQL begins with."""

import pytest
from django.db import connection

from huleedu.postgres.database import session_options


@pytest.mark.django_db
def test_no_plan_is_compiled_whatever_the_server_does() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT setting, source FROM pg_settings WHERE name = 'jit'")
        assert cursor.fetchone() == ("off", "client")


@pytest.mark.parametrize("serving", [True, False])
def test_the_address_has_the_last_word(serving: bool) -> None:
    asked = "-c statement_timeout=300 -c jit=on"
    options = session_options(asked, serving=serving)
    assert options.endswith((f"-c jit=off {asked}", f"=20000 {asked}"))
    assert ("idle_in_transaction_session_timeout" in options) is serving
    assert session_options(None, serving=serving) + f" {asked}" == options
