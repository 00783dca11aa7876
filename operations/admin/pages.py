"""The pages of the operations site. All are read-only, because changes are up to each tenant's administrators."""

from collections.abc import Callable
from functools import cached_property
from http.client import OK
from typing import Any

from django.contrib.admin import ModelAdmin
from django.contrib.admin.utils import unquote
from django.core.paginator import Paginator
from django.db.models import Model
from django.http import HttpRequest, HttpResponse

from accounts.models import User
from audit.log import record, sentence
from audit.models import AuditEvent
from operations.admin.site import site
from operations.models import Heartbeat, Mail, Operator
from transfers.models import Transfer, TransferPair
from web.client_address import address_of

MAX_COUNT = 10_000


class CappedPaginator(Paginator):
    """Counts at most MAX_COUNT rows, because the table of pairs may have millions."""

    @cached_property
    def count(self) -> int:
        found: Any = self.object_list
        return len(found.values_list("pk", flat=True)[:MAX_COUNT])


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


class TenantOwned(ReadOnly):
    """Pages for rows that belong to a tenant. Opening a row records an event in that tenant's audit log.

    `audit_context` returns the arguments of that event: the row's tenant, transfer and pair, and a
    description.
    """

    audit_context: Callable[..., dict[str, Any]]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        response = super().change_view(request, object_id, form_url, extra_context)
        thing = self.get_object(request, unquote(object_id)) if response.status_code == OK else None
        if thing is not None:
            record(
                "operator-looked",
                by=as_user(request.user),
                address=address_of(request),
                **self.audit_context(thing),
            )
        return response


def as_user(person: Any) -> User:
    """Narrow the type of `request.user` to `User`: `operators_only` has refused anonymous users."""
    assert isinstance(person, User)  # noqa: S101  # nosec B101
    return person


class TransferPages(TenantOwned):
    list_display = (
        "__str__",
        "id",  # as in the server's log
        "tenant",
        "state",
        "requested_by_name",
        "confirmed_at",
        "started_at",
        "finished_at",
    )
    list_filter = ("state", "kind", "tenant")
    list_select_related = ("tenant", "undoes")
    search_fields = ("=number",)
    search_help_text = "The number of a transfer in its tenant"
    exclude = ("file_summary",)

    def audit_context(self, thing: Transfer) -> dict[str, Any]:
        return {
            "tenant_id": thing.tenant_id,
            "transfer_number": thing.number,
            "what": f"transfer {thing.number}",
        }


class PairPages(TenantOwned):
    list_display = (
        "__str__",
        "transfer",
        "state",
        "attempts",
        "code",
        "data_type",
        "started_at",
        "finished_at",
    )
    list_filter = ("state",)
    search_fields = ("=transfer__number", "=source__id", "=target__id")
    search_help_text = "The number of a transfer in its tenant, or the ID of a Source User or a Target User"
    ordering = ("-id",)
    list_select_related = ("transfer__undoes",)

    def audit_context(self, thing: TransferPair) -> dict[str, Any]:
        return {
            "tenant_id": thing.transfer.tenant_id,
            "transfer_number": thing.transfer.number,
            "pair_id": thing.pk,
            "what": f"row {thing.row_number} of transfer {thing.transfer.number}",
        }


class AuditPages(TenantOwned):
    list_display = ("__str__", "at", "tenant_id", "actor_name", "transfer_number", "description")
    search_fields = ("=transfer_number", "=actor_id", "=kind")
    search_help_text = "The number of a transfer in its tenant, the ID of a user, or a kind of event"

    def description(self, event: AuditEvent) -> str:
        return sentence(event)

    def audit_context(self, thing: AuditEvent) -> dict[str, Any]:
        what = f"the audit event of {thing.at:%Y-%m-%d %H:%M:%S} UTC"
        return {"tenant_id": thing.tenant_id, "transfer_number": thing.transfer_number, "what": what}


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
