"""What teachers say of essays."""

from django import forms

from batches.forms import LongText
from essays.models import MAX_NOTE, MAX_WORD, AcceptedWord


class AcceptForm(forms.Form):
    """A word, where it is no error, and whether it is one again."""

    word = forms.CharField(max_length=MAX_WORD, strip=False)
    scope = forms.ChoiceField(choices=AcceptedWord.Scope.choices)
    again = forms.BooleanField(required=False)


class NoteForm(forms.Form):
    """A private note with the version that was seen, or only whether the essay is read."""

    note = LongText(max_length=MAX_NOTE, required=False, strip=False)
    version = forms.IntegerField(required=False, min_value=0)
    read = forms.ChoiceField(choices=[("on", ""), ("off", "")], required=False)
