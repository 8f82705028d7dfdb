"""What one phase of processing declares: all that queue, feed, results, API and pages need to know of it."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Any, Literal, get_args
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured
from django_stubs_ext import StrPromise
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from huleedu.events.vocabulary import (
    BatchPhaseCompleted,
    EssayPhaseRequest,
    Event,
    PhaseCompleted,
    PhaseInitiate,
)
from huleedu.failures.errors import ErrorCode
from huleedu.failures.words import Words
from huleedu.personal import Handling, handling_of

NAME = re.compile(r"[a-z][a-z_]{0,39}")
CODE = re.compile(r"[A-Z][A-Z_]{0,39}")
StepStatus = Literal["awaiting", "running", "succeeded", "failed"]
ALWAYS_SHOWN = ("status", "error")
ALWAYS_TOLD = frozenset({"status", "error", "duration_ms", "engine", "language"})


@dataclass(frozen=True)
class StepOutcome:
    """What a step gives: stored whole as ``output``, and the figures its event carries."""

    engine: str
    output: dict[str, Any]
    figures: dict[str, Any]


@dataclass(frozen=True)
class EssayText:
    """One essay of a batch as a step on the whole batch gets it; ``language`` is empty when not known."""

    essay_id: UUID
    number: int
    text: str
    language: str


@dataclass(frozen=True)
class Measure:
    """A figure that pages show: its name in the event, its heading, what it says, digits after the comma."""

    name: str
    label: str | StrPromise
    help: str | StrPromise = ""
    digits: int = 0


@dataclass(frozen=True)
class PhaseWords:
    """The phase in a teacher's language.

    ``name`` heads its column, ``offer`` stands at its box for a new batch, ``requested`` and ``completed`` in
    the way of a file; ``completed`` makes its sentence from the event's data. ``repeat`` is support's button.
    """

    name: str | StrPromise
    offer: str | StrPromise
    repeat: str | StrPromise
    requested: str | StrPromise
    completed: Callable[[Mapping[str, Any]], str]


@dataclass(frozen=True, kw_only=True)
class Phase:
    """A phase's messages, words and shapes. ``EssayPhase`` or ``BatchWidePhase`` says what its step works on.

    ``failures`` are its own codes with their words; the first one is told when every try failed. ``figures``
    is what the results list of an essay or batch; ``measures`` are those of them that pages show, ``columns``
    those in lists of essays, ``bounds`` those that results can be filtered by. What is ``by_default`` runs in
    a batch that names no steps.
    """

    name: str
    words: PhaseWords
    initiate: type[PhaseInitiate]
    completed: type[Event]
    live_message: str
    failures: Mapping[str, Words]
    figures: type[BaseModel]
    measures: Sequence[Measure] = ()
    columns: Sequence[Measure] = ()
    bounds: Sequence[str] = ()
    by_default: bool = False

    @property
    def gave_up(self) -> str:
        """The code of a step that failed on every try."""
        return next(iter(self.failures))

    @property
    def events(self) -> tuple[type[Event], ...]:
        """The classes of its own."""
        return (self.initiate, self.completed)

    @property
    def kept(self) -> tuple[str, ...]:
        """The fields of its completed event that results keep: how it ended, and its own figures."""
        general = PhaseCompleted if issubclass(self.completed, PhaseCompleted) else BatchPhaseCompleted
        own = self.completed.model_fields.keys() - general.model_fields.keys()
        return tuple(sorted((ALWAYS_TOLD & general.model_fields.keys()) | own))

    def check(self) -> None:
        """Raise ``ImproperlyConfigured``, with the phase's name, for what is missing or does not fit."""
        for wrong in self.faults():
            raise ImproperlyConfigured(f"The phase {self.name!r}: {wrong}.")

    def faults(self) -> list[str]:
        """What is missing or does not fit, in words for a programmer."""
        shown = {measure.name for measure in (*self.measures, *self.columns)} | {*self.bounds}
        wrong = {
            f"its name has other letters than a–z and _, or more than 40: {self.name}": not NAME.fullmatch(
                self.name
            ),
            "it has no code for a step that failed on every try (failures)": not self.failures,
            "live_message is not <essay or batch>.<name>.completed": self.live_message
            != f"{self.completed.aggregate}.{self.name}.completed",
            **{
                f"{event.__name__} has no topic, or another phase_name": "topic" not in vars(event)
                or vars(event).get("phase_name") != self.name
                for event in self.events
            },
            **{
                f"{code} is no code, or one that files have, too": not CODE.fullmatch(code)
                or code in set(ErrorCode)
                for code in self.failures
            },
            **{
                f"figures has {name}, which {self.completed.__name__} does not tell": name not in self.kept
                for name in self.figures.model_fields
            },
            **{f"figures has no {name}": name not in self.figures.model_fields for name in ALWAYS_SHOWN},
            **{
                f"{name} of figures may not be null, as it is of a step that failed": not may_be_null(field)
                for name, field in self.figures.model_fields.items()
                if name != "status"
            },
            **{
                f"{name} is shown, and is not in figures": name not in self.figures.model_fields
                for name in shown
            },
        }
        return [words for words, is_wrong in wrong.items() if is_wrong]


def may_be_null(field: FieldInfo) -> bool:
    """Whether None is a value of the field."""
    return NoneType in get_args(field.annotation)


def unchanged(output: Mapping[str, Any], _text: str, _accepts: Callable[[str], bool]) -> Mapping[str, Any]:
    """The output of a phase that marks no words."""
    return output


@dataclass(frozen=True, kw_only=True)
class EssayPhase(Phase):
    """A phase on one essay at a time: ``step`` takes text and language, or "", and may raise ``StepError``.

    ``shape`` is what the API tells of the step on one essay: status, language, error, fields of its output.
    ``leave_out`` gives an output without what it says of accepted words, which its third argument knows;
    the second is the text.
    """

    completed: type[PhaseCompleted]
    request: type[EssayPhaseRequest]
    step: Callable[[str, str], StepOutcome]
    shape: type[BaseModel]
    template: str = "components/phase_figures.html"
    leave_out: Callable[[Mapping[str, Any], str, Callable[[str], bool]], Mapping[str, Any]] = unchanged

    @property
    def events(self) -> tuple[type[Event], ...]:
        return (self.initiate, self.request, self.completed)

    def faults(self) -> list[str]:
        fields = self.shape.model_fields
        missing = [name for name in ALWAYS_SHOWN if name not in fields]
        full = [
            name
            for name, field in fields.items()
            if name != "status" and field.is_required() and not may_be_null(field)
        ]
        return [
            *super().faults(),
            *(f"shape has no {name}" for name in missing),
            *(
                f"{name} of shape has no default and may not be null, as it is before its step"
                for name in full
            ),
        ]


@dataclass(frozen=True, kw_only=True)
class BatchWidePhase(Phase):
    """A phase whose ``step`` works on all essays of a batch at once; it may raise ``StepError``."""

    completed: type[BatchPhaseCompleted]
    step: Callable[[Sequence[EssayText]], StepOutcome]

    def faults(self) -> list[str]:
        general = BatchPhaseCompleted.model_fields
        own = [name for name in self.completed.model_fields if name not in general]
        return super().faults() + [
            f"{name} of {self.completed.__name__} may tell of a person, and of no file that is erased"
            for name in own
            if handling_of(self.completed, name) is Handling.PERSONAL
        ]
