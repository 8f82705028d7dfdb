"""Requests to the school's provider go through a door: within a deadline, and not at all while it is away."""

from functools import partial
from typing import Any

from requests import ConnectionError as NoConnection
from requests import RequestException, Response, Session

from huleedu.endpoints import Endpoint, Unanswered

SECONDS = 5.0  # for a whole answer; signing in asks three times at most
SERVER_ERROR = 500

SCHOOL = Endpoint("school", 8, lambda error: isinstance(error, RequestException))


class ThroughTheDoor(Session):
    """A session for one sign-in. Each request raises ``RequestException`` when the provider is away."""

    def request(self, *arguments: Any, **named: Any) -> Response:
        """The provider's answer, read whole."""
        try:
            return SCHOOL.call(partial(self._ask, *arguments, **named), SECONDS)
        except Unanswered as error:
            raise NoConnection(f"The school's provider is {error}") from error

    def _ask(self, *arguments: Any, **named: Any) -> Response:
        answer = super().request(*arguments, **named | {"timeout": SECONDS})
        if answer.status_code >= SERVER_ERROR:
            answer.raise_for_status()
        return answer
