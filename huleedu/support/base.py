"""What every admin page for support staff shares: nothing can be changed, ids are found, no text shows."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.contrib.admin.utils import quote
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from huleedu.answers.problems import TITLES
from huleedu.events.catalogue import CATALOGUE
from huleedu.failures.errors import Refused, StorageFailed
from huleedu.failures.states import InvalidTransition
from huleedu.security.recorded import RecordedAdmin, Row, acting_user, note
from huleedu.security_kinds import SecurityKind
from huleedu.support.ids import shown_id

ROWS_PER_PAGE = 50
NAMING = frozenset({"filename", "folder", "folded", "client_ref"})  # may hold a pupil's name
UUID_INSIDE = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class ReadOnlyAdmin(RecordedAdmin[Row]):
    """Looks, searches by exact ids, and changes nothing; ``uuid_search`` and ``text_search`` name fields."""

    uuid_search: Sequence[str] = ()
    text_search: Sequence[str] = ()
    list_per_page = ROWS_PER_PAGE
    show_full_result_count = False
    search_help_text = _("A whole id: of a file, batch, essay, event or correlation")

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """The columns; those of foreign keys, which Django names in English alone, by the field's name."""
        return [self.id_column(name) for name in self.list_display]

    def id_column(self, name: Any) -> Any:
        """``name`` as a column, with ids as people read them."""
        fields = {field.attname: field for field in self.opts.fields if holds_id(field)}
        if name not in fields:
            return self.column(name)

        @admin.display(description=fields[name].verbose_name, ordering=name)
        def shown(row: Row) -> Any:
            return shown_id(getattr(row, name))

        shown.__name__ = name
        return shown

    def get_fields(self, request: HttpRequest, obj: Row | None = None) -> list[Any]:
        """The fields of a row, named as in the list."""
        return [self.column(name) for name in super().get_fields(request, obj)]

    def column(self, name: Any) -> Any:
        """``name``, or for the column of a foreign key its value under the field's name."""
        keys = {field.attname: field for field in self.opts.fields if field.attname != field.name}
        if name not in keys:
            return name

        @admin.display(description=keys[name].verbose_name, ordering=name)
        def shown(row: Row) -> Any:
            return getattr(row, name)

        shown.__name__ = name
        return shown

    def has_add_permission(self, request: HttpRequest, *_: Any) -> bool:
        """Nobody adds rows here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        """Nobody changes rows here."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        """Nobody deletes rows here."""
        return False

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        """What makes the search box show; the search itself is ours."""
        return [*self.uuid_search, *self.text_search]

    def get_search_results(
        self,
        request: HttpRequest,
        queryset: models.QuerySet[Row],
        search_term: str,
    ) -> tuple[models.QuerySet[Row], bool]:
        """Rows where one field is exactly ``search_term``; a uuid may be written in any form."""
        term = search_term.strip()
        if not term:
            return queryset, False
        matches = models.Q(pk__in=[])
        for field in self.text_search:
            matches |= models.Q(**{field: term})
        if (wanted := as_uuid(term)) is not None:
            for field in self.uuid_search:
                matches |= models.Q(**{field: wanted})
        return queryset.filter(matches), False


def holds_id(field: "models.Field[Any, Any]") -> bool:
    """Whether the column holds ids, of its own row or of others."""
    kept = field.target_field if isinstance(field, models.ForeignKey) else field
    return isinstance(kept, models.UUIDField)


class OwnedAdmin(ReadOnlyAdmin[Row]):
    """Rows with an owner, whose name leads nowhere: support staff may not open accounts."""

    readonly_fields = ("shown_owner",)

    @admin.display(description=_("owner"))
    def shown_owner(self, row: Any) -> str:
        """The owner's user name."""
        return str(row.owner)


def always(_row: Any) -> bool:
    """True: it can be tried on any row."""
    return True


def nothing(_row: Any) -> None:
    """What a deed looks at before that needs no look."""


@dataclass(frozen=True)
class Deed:
    """Something support staff may do to a row: what its button says and means, who may, and the action.

    ``told`` is what its button says has happened; without it how many rows it was done to.
    ``kind`` stands in the security log, written in the transaction of ``act``; None where ``act`` is done in
    other places, too, and writes there itself. ``check`` comes before and may wait for the store. ``applies``
    is False for a row with which nothing is left to be done.
    """

    label: str | Promise
    meaning: str | Promise
    permission: str
    kind: SecurityKind | None
    act: Callable[[Any, User], object]
    check: Callable[[Any], object] = nothing
    applies: Callable[[Any], bool] = always
    told: str | Promise = ""


class ActingAdmin(ReadOnlyAdmin[Row]):
    """Adds ``deeds``, by name: each is an action on chosen rows and a button on a row's page."""

    deeds: Mapping[str, Deed] = {}
    change_form_template = "admin/acting_change_form.html"

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """The deeds that the signed-in person may do."""
        return {name: (do_to_chosen, name, deed.label) for name, deed in self.allowed(request).items()}

    def allowed(self, request: HttpRequest) -> dict[str, Deed]:
        """The deeds by name that the signed-in person may do."""
        user = acting_user(request)
        return {name: deed for name, deed in self.deeds.items() if user.has_perm(deed.permission)}

    def get_urls(self) -> list[URLPattern]:
        """The buttons' addresses in front of the admin's own."""
        view = self.admin_site.admin_view(self.do_to_one)
        name = f"{self.opts.app_label}_{self.opts.model_name}_do"
        return [path("<path:object_id>/do/<slug:name>/", view, name=name), *super().get_urls()]

    def do_to_one(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        """A pressed button: do it and return to the row's page."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        deed = self.allowed(request).get(name)
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        if deed is None or not self.has_view_permission(request, row):
            raise PermissionDenied
        act_on_each(request, [row], deed, deed.told)
        return redirect(self.page_after(request, row))

    def page_after(self, request: HttpRequest, row: Row) -> str:
        """Where a pressed button leads: the row's page, which still leads to the list as it was."""
        page = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[quote(row.pk)])
        filters = self.get_preserved_filters(request)
        return add_preserved_filters({"preserved_filters": filters, "opts": self.opts}, page)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **options: Any
    ) -> HttpResponse:
        """The row's page with the buttons that make sense now."""
        row = options.get("obj")
        allowed = self.allowed(request).items()
        deeds = {name: deed for name, deed in allowed if row is not None and deed.applies(row)}
        return super().render_change_form(request, {**context, "deeds": deeds}, *args, **options)


def do_to_chosen(model_admin: ActingAdmin[Row], request: HttpRequest, rows: models.QuerySet[Row]) -> None:
    """The chosen action on the chosen rows; the admin checked that it is one of the allowed."""
    act_on_each(request, rows, model_admin.allowed(request)[request.POST["action"]])


def as_uuid(text: str) -> UUID | None:
    """The uuid that ``text`` spells, or holds: teachers copy it together with the error code; or None."""
    found = UUID_INSIDE.search(text)
    try:
        return UUID(found.group() if found else text)
    except ValueError:
        return None


class EventTypeFilter(admin.SimpleListFilter):
    """Filter by event class, from the catalogue and not from the rows."""

    title = _("event")
    parameter_name = "event_type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        """Every event there is."""
        return [(name, name) for name in sorted(CATALOGUE)]

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Row]) -> models.QuerySet[Row]:
        """The rows of the chosen event."""
        return queryset.filter(event_type=self.value()) if self.value() else queryset


def without_names(value: Any) -> Any:
    """``value`` as it may be shown anywhere: names of files and teachers' words are left out."""
    if isinstance(value, dict):
        # Beside who decided, a reason is what she wrote; of an error it is a code.
        hidden = NAMING | {"reason"} if "who" in value else NAMING
        return {key: without_names(entry) for key, entry in value.items() if key not in hidden}
    return [without_names(entry) for entry in value] if isinstance(value, list) else value


def shown_json(value: Any) -> SafeString:
    """``value`` without names, as an indented block."""
    return format_html("<pre>{}</pre>", json.dumps(without_names(value), indent=2, ensure_ascii=False))


def do(row: Row, user: User, deed: Deed) -> None:
    """Do ``deed`` and write it down, both or neither. Raises what it raises."""
    deed.check(row)
    with transaction.atomic():
        deed.act(row, user)
        if deed.kind is not None:
            note(deed.kind, row)


def act_on_each(request: HttpRequest, rows: Iterable[Row], deed: Deed, told: str | Promise = "") -> None:
    """Do ``deed`` to each row; say ``told`` or to how many it was done; in plain words why not to others."""
    done = 0
    for row in rows:
        if not deed.applies(row):
            nothing = _("Nothing is left to be done here.")
            messages.warning(request, f"{row}: {nothing}")
            continue
        try:
            do(row, acting_user(request), deed)
            done += 1
        except Refused as refusal:
            messages.warning(request, f"{row}: {TITLES[refusal.code]}")
        except ValidationError as error:
            messages.warning(request, f"{row}: {' '.join(error.messages)}")
        except InvalidTransition:
            messages.warning(request, f"{row}: {TITLES['INVALID_STATE']}")
        except StorageFailed:
            messages.warning(request, f"{row}: {TITLES['STORAGE_FAILED']}")
    if done:
        outcome = _("Done for %(count)s.") % {"count": done}
        messages.success(request, str(told) or f"{deed.label}: {outcome}")
