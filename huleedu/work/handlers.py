"""Who does queued work: one handler for each name, registered once; work of an unknown name is refused."""

from collections.abc import Callable
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured

from huleedu.models import DeadLetter, WorkItem


def never() -> bool:
    """False: nothing has to be waited for."""
    return False


@dataclass(frozen=True)
class Handler:
    """How work of one ``name`` is done, given up and asked for anew.

    ``run`` does a claimed item and finishes it in the transaction of its effect; what fails is tried again.
    ``give_up`` ends what the item was about, in the transaction that buries it. ``check``, outside a
    transaction, and then ``repeat``, within one, set what was buried going again; they raise ``Refused`` when
    that has moved on. Nothing is taken while ``must_wait``. What comes ``first`` is taken before all others,
    which take turns.
    """

    name: str
    run: Callable[[WorkItem], None]
    give_up: Callable[[WorkItem], None]
    check: Callable[[DeadLetter], object]
    repeat: Callable[[DeadLetter, User], object]
    must_wait: Callable[[], bool] = never
    first: bool = False


class Handlers:
    """All handlers by name."""

    def __init__(self) -> None:
        self.by_name: dict[str, Handler] = {}

    def register(self, *handlers: Handler) -> None:
        """Add ``handlers``. Raises ``ImproperlyConfigured`` for a name that is taken, or none to be kept."""
        longest = WorkItem._meta.get_field("step").max_length or 0
        for handler in handlers:
            if self.by_name.get(handler.name, handler) != handler:
                raise ImproperlyConfigured(f"Two handlers are called {handler.name!r}.")
            if not 0 < len(handler.name) <= longest:
                raise ImproperlyConfigured(f"The name {handler.name!r} is empty or longer than {longest}.")
            self.by_name[handler.name] = handler

    def __getitem__(self, name: str) -> Handler:
        """The handler of that name. Raises ``ImproperlyConfigured`` for work that nobody does."""
        if name not in self.by_name:
            raise ImproperlyConfigured(f"Nobody does the work {name!r}: it is not in huleedu/steps.py.")
        return self.by_name[name]

    def names(self) -> list[str]:
        """All names, in the order in which they were registered."""
        return list(self.by_name)

    def in_turn(self) -> tuple[list[Handler], list[Handler]]:
        """Those whose work goes first, and the others."""
        every = self.by_name.values()
        return [each for each in every if each.first], [each for each in every if not each.first]


HANDLERS = Handlers()
