from typing import Any

def client(
    name: str,
    *,
    endpoint_url: str | None = ...,
    aws_access_key_id: str | None = ...,
    aws_secret_access_key: str | None = ...,
    region_name: str | None = ...,
) -> Any: ...
