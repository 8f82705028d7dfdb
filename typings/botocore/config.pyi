from collections.abc import Mapping

class Config:
    connect_timeout: float
    read_timeout: float
    def __init__(
        self,
        *,
        connect_timeout: float = ...,
        read_timeout: float = ...,
        retries: Mapping[str, object] | None = ...,
        max_pool_connections: int = ...,
        tcp_keepalive: bool = ...,
        s3: Mapping[str, object] | None = ...,
        signature_version: str | None = ...,
        proxies: Mapping[str, str] | None = ...,
    ) -> None: ...
