"""The pages of the operations site. Whatever is not read-only here is a question to the people of a tenant."""

from functools import cached_property
from typing import Any

from django.contrib.admin import ModelAdmin
from django.core.paginator import Paginator
from django.db.models import Model
from django.http import HttpRequest

from operations.admin_site import site
from operations.models import Heartbeat, Mail, Operator
from transfers.audit import sentence
from transfers.models import AuditEvent, Transfer, TransferPair

COUNTED = 10_000


class CappedPaginator(Paginator):
    """Counts no further than anybody turns pages: a table of pairs may have millions of rows."""

    @cached_property
    def count(self) -> int:
        found: Any = self.object_list
        return len(found.values_list("pk", flat=True)[:COUNTED])


class ReadOnly(ModelAdmin):
    actions = None
    paginator = CappedPaginator
    show_full_result_count = False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return True

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return True

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class TransferPages(ReadOnly):
    list_display = (
        "__str__",
        "tenant",
        "state",
        "requested_by_name",
        "confirmed_at",
        "started_at",
        "finished_at",
    )
    list_filter = ("state", "kind", "tenant")
    list_select_related = ("tenant",)
    search_fields = ("=id",)
    exclude = ("file_summary",)


class PairPages(ReadOnly):
    list_display = (
        "__str__",
        "transfer_id",
        "state",
        "attempts",
        "code",
        "data_type",
        "started_at",
        "finished_at",
    )
    list_filter = ("state",)
    search_fields = ("=transfer__id", "=source__id", "=target__id")
    search_help_text = "The ID of a transfer, of a source or of a target"
    ordering = ("-id",)


class AuditPages(ReadOnly):
    list_display = ("__str__", "at", "tenant_id", "actor_name", "transfer_id", "told")
    search_fields = ("=transfer_id", "=actor_id", "=kind")
    search_help_text = "The ID of a transfer or of a person, or a kind of event"

    def told(self, event: AuditEvent) -> str:
        return sentence(event)


class MailPages(ReadOnly):
    list_display = ("__str__", "made_at", "attempts", "last_error", "skipped", "next_try_at", "done_at")
    search_fields = ("=transfer_id",)


class HeartbeatPages(ReadOnly):
    list_display = ("__str__", "at")


class OperatorPages(ReadOnly):
    list_display = ("__str__", "since")
    list_select_related = ("user",)


PAGES: dict[Any, type[ReadOnly]] = {
    Transfer: TransferPages,
    TransferPair: PairPages,
    AuditEvent: AuditPages,
    Mail: MailPages,
    Heartbeat: HeartbeatPages,
    Operator: OperatorPages,
}
for model, model_pages in PAGES.items():
    site.register(model, model_pages)
