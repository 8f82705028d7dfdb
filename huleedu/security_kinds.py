"""What the security log tells of: every kind of event, its words, and how often it is written one by one."""

from dataclasses import dataclass

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class SecurityKind(TextChoices):
    """One for each deed; the value is what stands in the log and its export, and never changes."""

    SIGNED_IN = "signed_in", _("signed in")
    SIGNED_OUT = "signed_out", _("signed out")
    SIGN_IN_FAILED = "sign_in_failed", _("wrong password, or unknown name")
    SIGN_IN_WAITED = "sign_in_waited", _("too many tries: the password was not looked at")
    PASSWORD_CHANGED = "password_changed", _("password changed")
    PASSWORD_LINK_MADE = "password_link_made", _("link for a new password made")
    PASSWORD_LINK_ASKED = "password_link_asked", _("link for a new password asked for by mail")
    SECOND_FACTOR_ADDED = "second_factor_added", _("second factor added")
    SECOND_FACTOR_REMOVED = "second_factor_removed", _("second factor removed")
    SECOND_FACTOR_FAILED = "second_factor_failed", _("second factor wrong")
    RECOVERY_CODES_MADE = "recovery_codes_made", _("recovery codes made")
    SESSION_ENDED = "session_ended", _("session ended from elsewhere")
    TOKEN_MADE = "token_made", _("token made")
    TOKEN_REVOKED = "token_revoked", _("token revoked")
    TOKEN_REFUSED = "token_refused", _("a token that no longer works was tried")
    ACCOUNT_MADE = "account_made", _("account made")
    ACCOUNT_RENAMED = "account_renamed", _("account renamed")
    ACCOUNT_CLOSED = "account_closed", _("account closed")
    ACCOUNT_REOPENED = "account_reopened", _("account opened again")
    ACCOUNT_DELETED = "account_deleted", _("account deleted")
    ACCOUNT_ADDRESS_CHANGED = "account_address_changed", _("address for links changed")
    ACCOUNT_LIMITED = "account_limited", _("limits of a teacher set")
    ACCOUNT_CONNECTED = "account_connected", _("connected to somebody of the school’s accounts")
    ACCOUNT_DISCONNECTED = "account_disconnected", _("connection to the school’s accounts removed")
    ACCOUNT_HANDED_OVER = "account_handed_over", _("batches handed over to a colleague")
    ROLE_CHANGED = "role_changed", _("role changed")
    ROW_SEEN = "row_seen", _("page of one row opened in the admin")
    TRACE_SEEN = "trace_seen", _("trace of a file opened in the admin")
    NAME_SEEN = "name_seen", _("name of a file or batch shown in the admin")
    NAMES_SEARCHED = "names_searched", _("files and batches searched by name in the admin")
    FILE_REPROCESSED = "file_reprocessed", _("file read again by support")
    CHECK_REPEATED = "check_repeated", _("step run again by support")
    LETTER_REPLAYED = "letter_replayed", _("dead letter replayed")
    LETTER_DISCARDED = "letter_discarded", _("dead letter discarded")
    ROW_ADDED = "row_added", _("row added in the admin")
    ROW_CHANGED = "row_changed", _("row changed in the admin")
    ROW_DELETED = "row_deleted", _("row deleted in the admin")
    REFUSED = "refused", _("something was not allowed")
    LOG_EXPORTED = "log_exported", _("security log exported")


@dataclass(frozen=True)
class Pace:
    """How many events a minute are written one by one: about one account (or none), and in all.

    What is more is counted, and the count is written.
    """

    own: int
    all: int


# What strangers, or a script, can cause as often as they like. All else is written whatever its number.
PACES = {
    SecurityKind.SIGN_IN_FAILED: Pace(own=10, all=20),
    SecurityKind.SIGN_IN_WAITED: Pace(own=10, all=20),
    SecurityKind.SECOND_FACTOR_FAILED: Pace(own=10, all=20),
    SecurityKind.PASSWORD_LINK_ASKED: Pace(own=10, all=20),
    SecurityKind.TOKEN_REFUSED: Pace(own=10, all=20),
    SecurityKind.REFUSED: Pace(own=10, all=20),
}
# What may be told besides: numbers, codes and names of fields, never what somebody has written.
DETAILS = frozenset(
    {
        *("counted", "first", "last", "of"),  # of a summary
        *("name", "scope", "days", "fields", "role", "factor"),  # "name": the beginning of a name's HMAC
        *("since", "until"),
    }
)
