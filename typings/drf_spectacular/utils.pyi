from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

_Decorated = TypeVar("_Decorated", bound=Callable[..., Any])

class OpenApiParameter:
    HEADER: str
    QUERY: str
    name: str
    def __init__(self, name: str, type: dict[str, Any], location: str, *, description: str = ...) -> None: ...

class OpenApiRequest:
    def __init__(self, request: dict[str, Any], *, encoding: Mapping[str, Any] = ...) -> None: ...

class OpenApiResponse:
    def __init__(self, response: Any, *, description: str = ...) -> None: ...

def extend_schema(
    *,
    operation_id: str = ...,
    parameters: Sequence[OpenApiParameter] = ...,
    request: Any = ...,
    responses: Mapping[Any, Any] = ...,
    auth: Sequence[str] = ...,
    exclude: bool = ...,
) -> Callable[[_Decorated], _Decorated]: ...
