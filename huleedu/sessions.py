"""Sessions in the database that begin and end by the database's clock, whatever a web server's own says."""

from datetime import timedelta
from typing import Any

from django.contrib.sessions.backends import db
from django.contrib.sessions.base_session import AbstractBaseSession
from django.contrib.sessions.models import Session
from django.db.models.functions import Now

from huleedu.clock import database_now


class SessionStore(db.SessionStore):
    """As Django's, which asks the clock of the process."""

    def _get_session_from_db(self) -> Session | None:
        session = Session.objects.filter(session_key=self.session_key, expire_date__gt=Now()).first()
        if session is None:
            self._session_key = None
        return session

    def create_model_instance(self, data: Any) -> AbstractBaseSession:
        """The row of this session with ``data``."""
        session = super().create_model_instance(data)
        session.expire_date = database_now() + timedelta(seconds=self.get_expiry_age())
        return session
