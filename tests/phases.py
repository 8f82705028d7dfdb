"""A phase that exists for one test: declared everywhere, by the code that declares those of the product."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest import mock

from essays.tasks import handler_of
from huleedu.answers.error_words import WORDS
from huleedu.api.phase_fields import field_per_phase
from huleedu.events.catalogue import CATALOGUE
from huleedu.events.feed import MESSAGE_NAMES
from huleedu.events.phase import EssayPhase, Phase
from huleedu.events.phases import PHASES
from huleedu.subscriptions import SUBSCRIPTIONS, reactions_of
from huleedu.work.handlers import HANDLERS
from results import queries
from results.shapes import EssayRow, ResultsAnswer


@contextmanager
def declared(phase: Phase) -> Iterator[None]:
    """``phase`` is one of the product's until the block ends."""
    phase.check()
    with ExitStack() as stack:
        for table, more in (
            (PHASES, {phase.name: phase}),
            (CATALOGUE, {event.__name__: event for event in phase.events}),
            (SUBSCRIPTIONS, reactions_of(phase)),
            (MESSAGE_NAMES, {phase.completed.__name__: phase.live_message}),
            (WORDS, phase.failures),
            (HANDLERS.by_name, {phase.name: handler_of(phase)}),
        ):
            stack.enter_context(mock.patch.dict(table, more))
        extended = field_per_phase(lambda: [phase], lambda each: each.figures)
        shape = EssayRow if isinstance(phase, EssayPhase) else ResultsAnswer
        stack.enter_context(mock.patch.object(queries, shape.__name__, extended(shape)))
        yield
