"""What support and administrators do in the admin stands in the security log: every page builds on this."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, TypeVar

from django.contrib import admin
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.db.models.constants import LOOKUP_SEP
from django.http import HttpRequest, HttpResponse

from huleedu.models import Feed
from huleedu.postgres.moments import READING
from huleedu.security.security_log import Detail, record
from huleedu.security_kinds import SecurityKind

NUL = "\0"  # PostgreSQL takes it in no text, and calls asking for it a failure
Row = TypeVar("Row", bound=models.Model)


def account_of(row: models.Model) -> int | None:
    """Whose account the row is, or whose it belongs to; None for what is nobody's."""
    if isinstance(row, User):
        return int(row.pk)
    owner_id = getattr(row, "owner_id", None)
    if owner_id is None and (batch_id := getattr(row, "batch_id", None)) is not None:
        owner_id = Feed.objects.filter(pk=batch_id).values_list("owner_id", flat=True).first()
    return owner_id


def note(
    kind: SecurityKind, row: models.Model, reason: str = "", details: Mapping[str, Detail] | None = None
) -> None:
    """Write down a deed on ``row`` by whoever is signed in; within its transaction."""
    record(kind, account=account_of(row), subject=row, reason=reason, details=details)


def note_look(kind: SecurityKind, row: models.Model) -> None:
    """Write down that ``row`` was looked at, once it has been read; when that fails nothing is shown."""
    transaction.on_commit(partial(note, kind, row))


def acting_user(request: HttpRequest) -> User:
    """Who is signed in; the admin lets nobody else in."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


class RecordedAdmin(admin.ModelAdmin[Row]):
    """Looks at rows, and changes by the admin's own forms, are written down. Mixed in before other bases."""

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Whether an address may filter the list so: by the list's own filters alone.

        Django takes every field. How long the list is then tells letter by letter what nobody shows here.
        """
        filters = [getattr(told, "parameter_name", told) for told in self.list_filter]
        return lookup.partition(LOOKUP_SEP)[0] in filters and NUL not in value

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Row | None:
        """The row, or None."""
        return None if NUL in object_id else super().get_object(request, object_id, from_field)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """A row's page."""
        response = super().change_view(request, object_id, form_url, extra_context)
        row = (getattr(response, "context_data", None) or {}).get("original")
        if request.method in READING and isinstance(row, models.Model):
            note_look(SecurityKind.ROW_SEEN, row)
        return response

    def log_addition(self, request: HttpRequest, obj: Row, message: Any) -> Any:
        """In the transaction of the form."""
        note(SecurityKind.ROW_ADDED, obj)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Row, message: Any) -> Any:
        """In the transaction of the form; of what was changed the fields' names alone."""
        note(SecurityKind.ROW_CHANGED, obj, details={"fields": changed_fields(message)})
        return super().log_change(request, obj, message)

    def delete_model(self, request: HttpRequest, obj: Row) -> None:
        """One row, by its own page."""
        self.delete_each([obj], lambda: super(RecordedAdmin, self).delete_model(request, obj))

    def delete_queryset(self, request: HttpRequest, queryset: models.QuerySet[Row]) -> None:
        """Chosen rows of a list."""
        self.delete_each(queryset, lambda: super(RecordedAdmin, self).delete_queryset(request, queryset))

    @transaction.atomic
    def delete_each(self, rows: Iterable[Row], delete: Any) -> None:
        """Write down each, and delete them."""
        for row in rows:
            note(SecurityKind.ROW_DELETED, row)
        delete()


def changed_fields(message: Any) -> list[str]:
    """The names of fields in what the admin says of a change."""
    if not isinstance(message, list):
        return []
    changes = [part.get("changed", {}) for part in message if isinstance(part, dict)]
    return [str(field) for change in changes for field in change.get("fields", [])]
