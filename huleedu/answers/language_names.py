""" "In" which language, for people, by the languages' codes. English here, Swedish in locale/."""

from django.utils.translation import gettext_lazy as _

NAMES = {
    "ar": _("in Arabic"),
    "bg": _("in Bulgarian"),
    "ca": _("in Catalan"),
    "cs": _("in Czech"),
    "da": _("in Danish"),
    "de": _("in German"),
    "el": _("in Greek"),
    "en": _("in English"),
    "es": _("in Spanish"),
    "fa": _("in Persian"),
    "fi": _("in Finnish"),
    "fil": _("in Filipino"),
    "fr": _("in French"),
    "he": _("in Hebrew"),
    "hi": _("in Hindi"),
    "hu": _("in Hungarian"),
    "id": _("in Indonesian"),
    "is": _("in Icelandic"),
    "it": _("in Italian"),
    "lt": _("in Lithuanian"),
    "lv": _("in Latvian"),
    "mk": _("in Macedonian"),
    "nb": _("in Norwegian"),
    "nl": _("in Dutch"),
    "pl": _("in Polish"),
    "pt": _("in Portuguese"),
    "ro": _("in Romanian"),
    "ru": _("in Russian"),
    "sh": _("in Bosnian, Croatian or Serbian"),
    "sk": _("in Slovak"),
    "sl": _("in Slovenian"),
    "sv": _("in Swedish"),
    "tr": _("in Turkish"),
    "uk": _("in Ukrainian"),
    "ur": _("in Urdu"),
    "und": _("in another language"),
}


def language_name(code: str) -> str:
    """The words "in Swedish" and their siblings, in the reader's language."""
    return str(NAMES.get(code, NAMES["und"]))


def names() -> dict[str, str]:
    """All of them in the reader's language, for scripts."""
    return {code: str(name) for code, name in NAMES.items()}
