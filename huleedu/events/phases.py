"""All phases by name, in their order: every module of ``settings.PHASES_IN`` declares one as ``PHASE``."""

from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from huleedu.events import vocabulary
from huleedu.events.phase import BatchWidePhase, EssayPhase, Phase
from huleedu.events.vocabulary import Event, concrete_events
from huleedu.failures.errors import ErrorCode

# Before a phase is loaded: those of no phase.
VOCABULARY = [event for event in concrete_events().values() if event.__module__ == vocabulary.__name__]


def load(packages: list[str]) -> dict[str, Phase]:
    """The phases declared in ``packages``; those that run by default come first, then by name.

    Raises ``ImproperlyConfigured`` for a module without one, for two of one name or code, and as ``check``.
    """
    found: dict[str, Phase] = {}
    owners = {word: "the vocabulary" for event in VOCABULARY for word in words_of(event)}
    for module in [each for package in packages for each in modules_of(package)]:
        phase = getattr(module, "PHASE", None)
        if not isinstance(phase, EssayPhase | BatchWidePhase):
            raise ImproperlyConfigured(f"{module.__name__} declares no PHASE.")
        phase.check()
        if phase.name in found:
            raise ImproperlyConfigured(f"Two phases are called {phase.name!r}.")
        for word in (*phase.failures, *(word for event in phase.events for word in words_of(event))):
            owner = owners.setdefault(word, f"the phase {phase.name!r}")
            if owner != f"the phase {phase.name!r}":
                raise ImproperlyConfigured(f"The phase {phase.name!r} has {word}, as {owner} has.")
        found[phase.name] = phase
    ordered = sorted(found.values(), key=lambda phase: (not phase.by_default, phase.name))
    return {phase.name: phase for phase in ordered}


def words_of(event: type[Event]) -> tuple[str, str]:
    """What no other event may have: its name and its topic."""
    return event.__name__, event.topic


def modules_of(package: str) -> list[ModuleType]:
    """The modules directly in ``package``."""
    home = import_module(package)
    return [import_module(f"{package}.{each.name}") for each in iter_modules(home.__path__)]


PHASES: dict[str, Phase] = load(settings.PHASES_IN)


def essay_phase(name: str) -> EssayPhase:
    """The phase on essays of that name. Raises ``KeyError`` when there is none."""
    phase = PHASES[name]
    if not isinstance(phase, EssayPhase):
        raise KeyError(name)
    return phase


def essay_phases() -> list[EssayPhase]:
    """All phases that work on one essay at a time."""
    return [phase for phase in PHASES.values() if isinstance(phase, EssayPhase)]


def batch_wide_phases() -> list[BatchWidePhase]:
    """All phases that work on a whole batch at once."""
    return [phase for phase in PHASES.values() if isinstance(phase, BatchWidePhase)]


def is_batch_wide(name: str) -> bool:
    """True for a phase that works on a whole batch."""
    return isinstance(PHASES[name], BatchWidePhase)


def every_code() -> list[str]:
    """The codes of files and essays: those that all know, and each phase's own."""
    return [*ErrorCode, *(code for phase in PHASES.values() for code in phase.failures)]
