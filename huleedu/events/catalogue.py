"""All events and commands by name: those of the vocabulary, and each phase's own."""

from huleedu.events.phases import PHASES
from huleedu.events.vocabulary import Event, concrete_events

CATALOGUE: dict[str, type[Event]] = {
    **concrete_events(),
    **{event.__name__: event for phase in PHASES.values() for event in phase.events},
}
