"""``manage.py makemessages``: as Django's, but it guesses no translation from a similar sentence."""

from django.core.management.commands import makemessages


class Command(makemessages.Command):
    """A sentence without a translation stays empty until someone writes one."""

    help = "Collect the sentences to translate. Example: manage.py makemessages --locale sv --no-obsolete"

    msgmerge_options = [*makemessages.Command.msgmerge_options, "--no-fuzzy-matching", "--no-wrap"]
    xgettext_options = [*makemessages.Command.xgettext_options, "--no-location", "--no-wrap"]
    msgattrib_options = [*makemessages.Command.msgattrib_options, "--no-wrap"]
