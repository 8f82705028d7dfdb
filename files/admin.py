"""Stored content for support staff: what there is, never what it says. Files themselves: ``essays.admin``."""

from django.contrib import admin

from files.models import StoredContent
from huleedu.support.base import OwnedAdmin


@admin.register(StoredContent)
class StoredContentAdmin(OwnedAdmin[StoredContent]):
    """Ids, sizes and hashes."""

    list_display = ("id", "kind", "size", "batch_id", "created_at", "damaged_at")
    list_filter = ("kind",)
    ordering = ("-created_at",)
    uuid_search = ("id", "batch_id")
    fields = ("id", "kind", "shown_owner", "batch_id", "sha256", "size", "created_at", "damaged_at")
