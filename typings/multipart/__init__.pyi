from collections.abc import Iterator

class MultipartError(ValueError): ...

class MultipartSegment:
    headerlist: list[tuple[str, str]]
    content_type: str | None
    charset: str | None
    def header(self, name: str) -> str | None: ...

class PushMultipartParser:
    def __init__(
        self,
        boundary: bytes,
        *,
        max_header_size: int = ...,
        max_header_count: int = ...,
        header_charset: str = ...,
    ) -> None: ...
    def parse(self, chunk: bytes) -> Iterator[MultipartSegment | bytes | bytearray | None]: ...
