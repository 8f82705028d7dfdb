from typing import Any

class BotoCoreError(Exception): ...

class ReadTimeoutError(BotoCoreError):
    def __init__(self, *, endpoint_url: str, error: Exception) -> None: ...

class ClientError(Exception):
    response: dict[str, Any]
    def __init__(self, error_response: dict[str, Any], operation_name: str) -> None: ...
