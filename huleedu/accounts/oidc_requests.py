"""Requests to the school's provider go through a door: within a deadline, and not at all while it is away."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from typing import Any

from requests import ConnectionError as NoConnection
from requests import ReadTimeout, RequestException, Response, Session
from requests.exceptions import ContentDecodingError
from urllib3.exceptions import HTTPError

from huleedu.outside.endpoints import Endpoint, Unanswered, budget

SECONDS = 5.0  # for a whole answer; signing in asks three times at most
MOST_BYTES = 1024 * 1024  # of an answer; those that are right have some thousand
PIECE_BYTES = 64 * 1024
REDIRECT, SERVER_ERROR = range(300, 400), 500

SCHOOL = Endpoint("school", 8, lambda error: isinstance(error, RequestException))


@contextmanager
def patience() -> Iterator[None]:
    """Within, a request waits for the provider as long as the door does: else no silence would open it."""
    with budget(SECONDS):
        yield


class ThroughTheDoor(Session):
    """A session for one sign-in. Each request raises ``RequestException`` when the provider is away."""

    def request(self, *arguments: Any, **named: Any) -> Response:
        """The provider's answer, read whole."""
        try:
            return SCHOOL.call(partial(self._ask, *arguments, **named), SECONDS)
        except Unanswered as error:
            raise NoConnection(f"The school's provider is {error}") from error

    def get_redirect_target(self, resp: Response) -> None:
        """None: what is asked stands in the settings and in the provider's own description."""

    def _ask(self, *arguments: Any, **named: Any) -> Response:
        until = time.monotonic() + SECONDS
        with super().request(*arguments, **named | {"timeout": SECONDS, "stream": True}) as answer:
            if answer.status_code in REDIRECT:
                raise NoConnection("The school's provider is elsewhere")
            if answer.status_code >= SERVER_ERROR:
                answer.raise_for_status()
            content = read(answer, until)
        answer.raw = BytesIO(content)
        return answer


def read(answer: Response, until: float) -> bytes:
    """The body of ``answer``, unpacked. Raises ``RequestException`` when it is too large or too late."""
    content = bytearray()
    try:
        while piece := answer.raw.read1(PIECE_BYTES, decode_content=True):
            content += piece
            if len(content) > MOST_BYTES:
                raise ContentDecodingError("The school's provider says too much")
            if time.monotonic() > until:
                raise ReadTimeout("The school's provider is slow")
    except HTTPError as error:
        raise NoConnection("The school's provider broke off") from error
    return bytes(content)
