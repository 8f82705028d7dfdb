from typing import IO, Any

class HTTPFactory:
    protocol: Any
    timeOut: float | None
    def buildProtocol(self, addr: object) -> Any: ...

class WebRequest:
    args: dict[bytes, list[bytes]]
    clientproto: bytes
    content: IO[bytes]
    method: bytes
    path: bytes
    uri: bytes
    def process(self) -> None: ...
    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None: ...
