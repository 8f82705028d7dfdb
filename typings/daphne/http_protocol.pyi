from typing import Any

class HTTPFactory:
    protocol: Any
    timeOut: float | None
    def buildProtocol(self, addr: object) -> Any: ...
