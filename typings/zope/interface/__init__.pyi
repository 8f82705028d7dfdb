from collections.abc import Callable
from typing import TypeVar

Class = TypeVar("Class", bound=type)

class Interface: ...

def implementer(*interfaces: type[Interface]) -> Callable[[Class], Class]: ...
