"""Check that each owner identifies one user: not several, nor users of several tenants, nor other objects."""

from collections.abc import Iterable, Iterator

from django.core.checks import CheckMessage, Error
from django.db.models import Model

from accounts.models import User
from tenancy.models import Tenant
from transfers.checks.introspection import foreign_keys_to, unique_keys
from transfers.registry import is_generic
from transfers.rules import KNOWN_WITHOUT_TENANT, Column, DataType, Owner, Polymorphic, has_tenant


def ambiguous(entries: Iterable[DataType]) -> Iterator[CheckMessage]:
    """Yield an error for each owner that may match several users, users of several tenants, or other objects."""
    for entry in entries:
        for owner in entry.owners:
            if isinstance(owner, Polymorphic):
                yield from unclear_kind(entry, owner)
            yield from unclear_attribute(entry, owner)


def unclear_kind(entry: DataType, owner: Polymorphic) -> Iterator[CheckMessage]:
    if not owner.kind_field:
        yield Error(
            f"{entry.name}: {owner.field} may hold a user's ID or another object's, and no kind_field is set.",
            hint=f"Name the field with the kind:\n"
            f'    Polymorphic("{owner.field}", kind_field="kind", kind="user")\n'
            f'If every row holds a user:\n    Column("{owner.field}")',
            id="transfers.E009",
        )
    elif (
        is_generic(entry.model, owner)
        and owner.holds == "id"
        and owner.kind.lower() != User._meta.label_lower
    ):
        yield Error(
            f"{entry.name}: {owner.kind_field} references content types, and {owner.kind!r} is not the name of the user"
            " model. The number of a content type differs from database to database.",
            hint=f'Name the model:\n    Polymorphic("{owner.field}", "{owner.kind_field}", "{User._meta.label}")',
            id="transfers.E009",
        )


def unclear_attribute(entry: DataType, owner: Owner) -> Iterator[CheckMessage]:
    if not isinstance(owner, Column) and owner.holds not in KNOWN_WITHOUT_TENANT:
        yield Error(
            f"{entry.name}: {owner.field} holds the {owner.holds}, which only a column of its own can.",
            hint='Lists, documents and polymorphic columns hold IDs: remove holds, or declare holds="external_id".',
            id="transfers.E009",
        )
        return
    if owner.holds != "id" and not is_unique_in_tenant(owner.holds):
        yield Error(
            f"{entry.name}: several users may have the same {owner.holds}, which {owner.field} holds.",
            hint="Use an attribute that is unique within a tenant:"
            ' holds="external_id", holds="employee_id" or holds="username".',
            id="transfers.E009",
        )
    if not has_tenant(owner):
        yield Error(
            f"{entry.name}: {owner.field} holds the {owner.holds}, but no field with the tenant is declared,"
            " so a transfer could move another tenant's rows.",
            hint=add_tenant_hint(entry.model, owner),
            id="transfers.E010",
        )


def is_unique_in_tenant(attribute: str) -> bool:
    keys = [set(key) for key in unique_keys(User)]
    return {attribute} in keys or {"tenant", attribute} in keys


def add_tenant_hint(model: type[Model], owner: Owner) -> str:
    fields = [field.name for field in foreign_keys_to(Tenant, [model])]
    name = fields[0] if fields else "tenant"
    line = f"""Name the field with the tenant in datatypes.py:
    Column("{owner.field}", holds="{owner.holds}", tenant="{name}"),"""
    if fields:
        return line
    return f"""{line}
The table has no such column. Add it, with the ID of the tenant that owns the rows instead of 1, and add the field:
    ALTER TABLE "{model._meta.db_table}" ADD tenant_id bigint NOT NULL DEFAULT 1;
    tenant = models.ForeignKey("tenancy.Tenant", models.DO_NOTHING, related_name="+", db_constraint=False)"""
