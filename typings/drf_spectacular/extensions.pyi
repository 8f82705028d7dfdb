from typing import Any

class OpenApiAuthenticationExtension:
    target_class: str
    name: str
    def get_security_definition(self, auto_schema: Any) -> dict[str, str]: ...
