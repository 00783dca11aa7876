"""The pages of the operations site. Whatever is not read-only here is a question to the people of a tenant."""

from collections.abc import Callable
from functools import cached_property
from http.client import OK
from typing import Any

from django.contrib.admin import ModelAdmin
from django.contrib.admin.utils import unquote
from django.core.paginator import Paginator
from django.db.models import Model
from django.http import HttpRequest, HttpResponse

from accounts.client import address_of
from accounts.models import User
from operations.admin_site import site
from operations.models import Heartbeat, Mail, Operator
from transfers.audit import record, sentence
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


class OfTenants(ReadOnly):
    """Rows of tenants: that an operator opened one is an event in the audit log of its tenant.

    `belonging`: the tenant, the transfer and the pair of a row, and what it is, in words.
    """

    belonging: Callable[..., dict[str, Any]]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        answer = super().change_view(request, object_id, form_url, extra_context)
        thing = self.get_object(request, unquote(object_id)) if answer.status_code == OK else None
        if thing is not None:
            record(
                "operator-looked",
                by=as_user(request.user),
                address=address_of(request),
                **self.belonging(thing),
            )
        return answer


def as_user(person: Any) -> User:
    """The door has let nobody in who is not signed in."""
    assert isinstance(person, User)  # noqa: S101  # nosec B101
    return person


class TransferPages(OfTenants):
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

    def belonging(self, thing: Transfer) -> dict[str, Any]:
        return {"tenant_id": thing.tenant_id, "transfer_id": thing.pk, "what": f"transfer {thing.pk}"}


class PairPages(OfTenants):
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

    def belonging(self, thing: TransferPair) -> dict[str, Any]:
        return {
            "tenant_id": thing.transfer.tenant_id,
            "transfer_id": thing.transfer_id,
            "pair_id": thing.pk,
            "what": f"pair {thing.pk}, of transfer {thing.transfer_id}",
        }


class AuditPages(OfTenants):
    list_display = ("__str__", "at", "tenant_id", "actor_name", "transfer_id", "told")
    search_fields = ("=transfer_id", "=actor_id", "=kind")
    search_help_text = "The ID of a transfer or of a person, or a kind of event"

    def told(self, event: AuditEvent) -> str:
        return sentence(event)

    def belonging(self, thing: AuditEvent) -> dict[str, Any]:
        what = f"event {thing.pk} of the audit log"
        return {"tenant_id": thing.tenant_id, "transfer_id": thing.transfer_id, "what": what}


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
