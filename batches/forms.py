"""What teachers fill in about batches."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Self
from uuid import uuid4

from django import forms
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.utils.dateparse import parse_datetime
from django.utils.timezone import get_current_timezone
from django.utils.translation import gettext_lazy as _

from batches.actions.registering import Registration
from batches.configuration import MAX_READINESS_SECONDS, Configuration
from batches.models import MAX_ESSAYS, Batch
from batches.shapes import MAX_ASSIGNMENT
from huleedu.events.phases import PHASES

NO_COUNT = ("required", "invalid", "min_value", "max_value")
NUMBER_OF_ESSAYS = _("Write a number from 1 to 200.")
MINUTES = "%Y-%m-%dT%H:%M"  # as browsers send a day and a time
LANGUAGE_CHOICES = [("", _("Found from the essays")), *Batch.Language.choices]


class NewBatchForm(forms.Form):
    """One assignment for one class."""

    title = forms.CharField(max_length=200, required=False)
    class_name = forms.CharField(max_length=80, required=False)
    expected_essay_count = forms.IntegerField(
        min_value=1,
        max_value=MAX_ESSAYS,
        error_messages=dict.fromkeys(NO_COUNT, NUMBER_OF_ESSAYS),
    )
    language = forms.ChoiceField(choices=LANGUAGE_CHOICES, required=False)
    # The form's own name, so that sending it twice makes one batch.
    once = forms.UUIDField(required=False, initial=uuid4, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for phase in PHASES.values():
            self.fields[phase.name] = forms.BooleanField(
                required=False, initial=phase.by_default, label=phase.words.offer
            )

    def phases(self) -> list[forms.BoundField]:
        """A box for each phase that a batch may have."""
        return [self[name] for name in PHASES]

    def registration(self) -> Registration:
        """What the valid form says."""
        values: dict[str, Any] = dict(self.cleaned_data)
        values.pop("once")
        steps = [name for name in PHASES if values.pop(name)]
        return Registration(configuration=Configuration.model_validate({"steps": steps}), **values)


for taken in PHASES.keys() & NewBatchForm.base_fields.keys():
    raise ImproperlyConfigured(f"A new batch has a field {taken} already: call the phase otherwise.")


class DecisionForm(forms.Form):
    """A decision about a batch; ``version`` is the batch as its page shows it, for decisions that replace."""

    version = forms.IntegerField(required=False, min_value=0)


class ExtendForm(DecisionForm):
    """More time, in seconds."""

    seconds = forms.IntegerField(min_value=1, max_value=MAX_READINESS_SECONDS)


class ExpectForm(DecisionForm):
    """Another number of essays."""

    expected_essay_count = forms.IntegerField(min_value=1, max_value=MAX_ESSAYS)


class LanguageForm(DecisionForm):
    """The batch's language, empty when it is to be found."""

    language = forms.ChoiceField(choices=LANGUAGE_CHOICES, required=False)


class LongText(forms.CharField):
    """A text of several lines, as it is kept: browsers end each with two signs."""

    def to_python(self, value: Any) -> Any:
        """The text with ends of lines of one sign."""
        return super().to_python(value.replace("\r\n", "\n") if isinstance(value, str) else value)


class LocalTimeField(forms.DateTimeField):
    """A day and a time as clocks on the wall show them, to the minute.

    What a clock shows twice in a night of 25 hours is the second time; what it leaps over in one of 23 hours
    is as long after the leap: nobody has less time than was meant, and no time is refused.
    """

    widget = forms.DateTimeInput({"type": "datetime-local"}, format=MINUTES)
    default_error_messages = {"invalid": _("Write a day and a time.")}

    def to_python(self, value: Any) -> datetime | None:
        """The moment in UTC. Raises ``ValidationError``."""
        if value in self.empty_values:
            return None
        if isinstance(value, datetime):
            return value
        try:
            local = parse_datetime(value.strip())
            if local is None or local.tzinfo is not None:
                raise ValueError(value)
            zoned = local.replace(tzinfo=get_current_timezone())
            return max(zoned.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
        except (ValueError, OverflowError):
            raise ValidationError(self.error_messages["invalid"], code="invalid") from None

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether another minute stands there than was shown: the same one may be another moment."""
        return bool(self.widget.format_value(self.prepare_value(initial)) != data)


class SettingsForm(DecisionForm):
    """All that can be set of a batch, as it is now; a deadline is shown to the minute."""

    title = forms.CharField(max_length=200, required=False)
    class_name = forms.CharField(max_length=80, required=False)
    assignment = LongText(max_length=MAX_ASSIGNMENT, required=False, widget=forms.Textarea({"rows": 6}))
    expected_essay_count = forms.IntegerField(
        min_value=1, max_value=MAX_ESSAYS, error_messages=dict.fromkeys(NO_COUNT, NUMBER_OF_ESSAYS)
    )
    language = forms.ChoiceField(choices=LANGUAGE_CHOICES, required=False)
    deadline = LocalTimeField(required=False)
    auto_start = forms.BooleanField(required=False)

    @classmethod
    def of(cls, batch: Batch, data: Mapping[str, Any] | None = None) -> Self:
        """The form for ``batch``, filled with ``data`` if there are some."""
        initial = {
            "title": batch.title,
            "class_name": batch.class_name,
            "assignment": cls.base_fields["assignment"].to_python(batch.assignment),
            "expected_essay_count": batch.expected_essay_count,
            "language": batch.language if batch.language_chosen else "",
            "deadline": batch.deadline.replace(second=0, microsecond=0),
            "auto_start": batch.settings.auto_start,
            "version": batch.version,
        }
        form = cls(data, initial=initial)
        if batch.status != Batch.Status.AWAITING_CONTENT:
            del form.fields["deadline"]
        return form

    def changed(self) -> dict[str, Any]:
        """What the valid form says otherwise than the batch does."""
        said = {name: self.cleaned_data[name] for name in self.changed_data if name != "version"}
        return {name: value for name, value in said.items() if value is not None}


class KeepForm(forms.Form):
    """Another last day."""

    until = forms.DateField()


class CancelForm(DecisionForm):
    """Stopping a batch."""

    reason = forms.CharField(max_length=500, required=False)
