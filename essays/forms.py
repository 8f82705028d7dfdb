"""What teachers say of essays."""

from django import forms

from essays.models import MAX_WORD, AcceptedWord


class AcceptForm(forms.Form):
    """A word, where it is no error, and whether it is one again."""

    word = forms.CharField(max_length=MAX_WORD, strip=False)
    scope = forms.ChoiceField(choices=AcceptedWord.Scope.choices)
    again = forms.BooleanField(required=False)
