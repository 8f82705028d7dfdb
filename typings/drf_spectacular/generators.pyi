from typing import Any

from rest_framework.request import Request

class SchemaGenerator:
    def __init__(self) -> None: ...
    def get_schema(self, request: Request | None, public: bool) -> dict[str, Any]: ...
