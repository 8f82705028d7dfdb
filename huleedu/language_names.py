"""What languages are called, for people, by their codes. English here, Swedish in locale/."""

from django.utils.translation import pgettext_lazy

# The context, because Swedish writes them small inside a sentence.
NAMES = {
    "ar": pgettext_lazy("inside a sentence", "Arabic"),
    "bg": pgettext_lazy("inside a sentence", "Bulgarian"),
    "ca": pgettext_lazy("inside a sentence", "Catalan"),
    "cs": pgettext_lazy("inside a sentence", "Czech"),
    "da": pgettext_lazy("inside a sentence", "Danish"),
    "de": pgettext_lazy("inside a sentence", "German"),
    "el": pgettext_lazy("inside a sentence", "Greek"),
    "en": pgettext_lazy("inside a sentence", "English"),
    "es": pgettext_lazy("inside a sentence", "Spanish"),
    "fa": pgettext_lazy("inside a sentence", "Persian"),
    "fi": pgettext_lazy("inside a sentence", "Finnish"),
    "fil": pgettext_lazy("inside a sentence", "Filipino"),
    "fr": pgettext_lazy("inside a sentence", "French"),
    "he": pgettext_lazy("inside a sentence", "Hebrew"),
    "hi": pgettext_lazy("inside a sentence", "Hindi"),
    "hu": pgettext_lazy("inside a sentence", "Hungarian"),
    "id": pgettext_lazy("inside a sentence", "Indonesian"),
    "is": pgettext_lazy("inside a sentence", "Icelandic"),
    "it": pgettext_lazy("inside a sentence", "Italian"),
    "lt": pgettext_lazy("inside a sentence", "Lithuanian"),
    "lv": pgettext_lazy("inside a sentence", "Latvian"),
    "mk": pgettext_lazy("inside a sentence", "Macedonian"),
    "nb": pgettext_lazy("inside a sentence", "Norwegian"),
    "nl": pgettext_lazy("inside a sentence", "Dutch"),
    "pl": pgettext_lazy("inside a sentence", "Polish"),
    "pt": pgettext_lazy("inside a sentence", "Portuguese"),
    "ro": pgettext_lazy("inside a sentence", "Romanian"),
    "ru": pgettext_lazy("inside a sentence", "Russian"),
    "sh": pgettext_lazy("inside a sentence", "Bosnian, Croatian or Serbian"),
    "sk": pgettext_lazy("inside a sentence", "Slovak"),
    "sl": pgettext_lazy("inside a sentence", "Slovenian"),
    "sv": pgettext_lazy("inside a sentence", "Swedish"),
    "tr": pgettext_lazy("inside a sentence", "Turkish"),
    "uk": pgettext_lazy("inside a sentence", "Ukrainian"),
    "ur": pgettext_lazy("inside a sentence", "Urdu"),
    "und": pgettext_lazy("inside a sentence", "another language"),
}


def language_name(code: str) -> str:
    """The language's name in the reader's language, to stand inside a sentence."""
    return str(NAMES.get(code, NAMES["und"]))


def names() -> dict[str, str]:
    """All names in the reader's language, for scripts."""
    return {code: str(name) for code, name in NAMES.items()}
