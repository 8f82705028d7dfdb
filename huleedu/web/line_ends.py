"""Lines of a request and around its chunks whose end twisted waits for in vain, or that it cannot read."""

from typing import Any

import twisted.web.http
from twisted.web.http import HTTPChannel, _ChunkedTransferDecoder

# A quoted pair may stand in a chunk's extension; twisted takes it for nonsense.
vars(twisted.web.http)["_chunkExtChars"] += b"\\"


def never_ends(channel: HTTPChannel, *, in_body: bool) -> bool:
    """True when what has come of a line has an LF without its CR: the end that is waited for never comes."""
    reader: Any = channel._transferDecoder if in_body else channel
    if in_body and not isinstance(reader, _ChunkedTransferDecoder):
        return False
    return b"\n" in reader._buffer
