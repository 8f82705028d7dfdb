"""What only an S3 server answers: whatever else comes back is no answer of the store, which is away then.

A captive portal, a proxy's error page or a server of another kind says 200, 302 or 404 as well.
"""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError
from botocore.response import StreamingBody
from urllib3.exceptions import HTTPError

from files.store import StoreAway

OK, NO_CONTENT, REDIRECT, NOT_FOUND, SERVER_ERROR = 200, 204, 300, 404, 500
WITH_ETAG = frozenset({"PutObject", "GetObject", "HeadObject"})
LISTS = frozenset({"ListObjects", "ListObjectsV2"})
EMPTY = frozenset({"DeleteObject"})
# Of answers that are read as a whole: lists and errors. A thousand entries are half a megabyte.
ANSWER_BYTES = 8 * 1024 * 1024
ANSWER_SECONDS = 30.0
PIECE = 64 * 1024
BEGINNING = 1024
NO_KEY = "NoSuchKey"
HEAD_NOT_FOUND = "404"  # botocore's code where no body tells one
ELEMENT = re.compile(rb"<([\w:]+)")


def check_answer(*, operation_model: Any, response_dict: dict[str, Any], **_more: object) -> None:
    """Look at botocore's answer before it is read. Raises ``StoreAway`` for what no S3 server says.

    Failures from 500 on are left to botocore, which tries again.
    """
    name, status = str(operation_model.name), int(response_dict["status_code"])
    headers, body = response_dict["headers"], response_dict["body"]
    if status >= SERVER_ERROR:
        return
    kind = str(headers.get("content-type", "")).lower()
    if status >= REDIRECT:
        if not (is_signed(kind, headers) if name.startswith("Head") else root_of(body) == b"Error"):
            raise StoreAway(f"{name}: {status} without an error of S3's")
    elif status not in {OK, NO_CONTENT} or not is_complete(name, kind, headers, body):
        if isinstance(body, StreamingBody):
            body.close()  # nobody will read it, and it may have no end
        raise StoreAway(f"{name}: {status} without what S3 tells")


def is_signed(kind: str, headers: Any) -> bool:
    """True for an error without a body that an S3 server may have answered."""
    return "xml" in kind or any(str(name).lower().startswith("x-amz") for name in headers)


def is_complete(name: str, kind: str, headers: Any, body: Any) -> bool:
    """True for a good answer that has what every S3 server gives. What was put is judged by its tag."""
    if name in WITH_ETAG:
        told = headers.get("last-modified")
        return bool(headers.get("etag")) and (
            name == "PutObject" or ("html" not in kind and (told is None or is_date(told)))
        )
    if name in LISTS:
        return root_of(body) == b"ListBucketResult"
    return name not in EMPTY or not body.strip()


def is_date(told: str) -> bool:
    """Whether ``told`` is a time as HTTP writes it; botocore would fail over another."""
    try:
        parsedate_to_datetime(told)
    except ValueError:
        return False
    return True


def root_of(body: bytes) -> bytes:
    """The name of an XML document's first element; empty without one."""
    start = body[:BEGINNING].removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"<?xml"):
        start = start.partition(b"?>")[2].lstrip()
    found = ELEMENT.match(start)
    return found[1] if found else b""


@contextmanager
def told(name: str) -> Iterator[None]:
    """Raise ``FileNotFoundError`` for what is not there, as every store does, ``StoreAway`` for nonsense."""
    try:
        yield
    except ClientError as error:
        if error.response["ResponseMetadata"].get("HTTPStatusCode") == NOT_FOUND:
            if error.response.get("Error", {}).get("Code") in {NO_KEY, HEAD_NOT_FOUND}:
                raise FileNotFoundError(name) from error
            raise StoreAway("no such bucket") from error
        raise
    except (OSError, BotoCoreError, RecursionError):
        raise
    except Exception as error:  # whatever botocore's parser makes of what no store says
        raise StoreAway(type(error).__name__) from error


class BoundedSession:
    """Sends as botocore's ``session`` does; an answer that is read as a whole is neither endless nor slow."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def send(self, request: Any) -> Any:
        """The answer; its body is read unless it is an object's. Raises as ``session``, and ``StoreAway``."""
        whole, request.stream_output = not request.stream_output, True
        answer = self._session.send(request)
        if whole or answer.status_code >= REDIRECT:
            try:
                answer._content = read_whole(answer.raw.read1)
            except HTTPError as error:
                answer.raw.close()
                raise ReadTimeoutError(endpoint_url=request.url, error=error) from error
            except BaseException:
                answer.raw.close()
                raise
            answer.raw.release_conn()
        return answer

    def close(self) -> None:
        """End the connections."""
        self._session.close()


def read_whole(read: Callable[[int], bytes]) -> bytes:
    """All that ``read`` gives piece by piece. Raises ``StoreAway`` for what is too long or too slow."""
    until = time.monotonic() + ANSWER_SECONDS
    data = bytearray()
    while piece := read(PIECE):
        data += piece
        if len(data) > ANSWER_BYTES or time.monotonic() > until:
            raise StoreAway("an answer without an end")
    return bytes(data)
