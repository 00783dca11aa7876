"""Compile a data type to SQL steps.

The preview and the run follow the same rule, and the number of steps does not depend on the number of rows.

A type is *direct* if no two of its rows can conflict on a unique key: it has one owner that holds one user, and either
Overwrite (the target's rows are deleted before the source's arrive) or no unique key that contains the owner. All other
types are *conflict-resolving*: their rows are noted in a work table, an outcome is decided for each row, key by key,
and the outcomes are then applied.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from transfers.engine.catalog.tables import PARTITIONED, PLAIN, Table
from transfers.engine.compiler.kinds.conflict_resolving import conflict_resolving
from transfers.engine.compiler.kinds.detaching import children_can_be_detached
from transfers.engine.compiler.kinds.direct import direct, profile
from transfers.engine.compiler.kinds.self_edges import self_edges_are_decided
from transfers.engine.compiler.owners import compile_owner
from transfers.engine.compiler.requirements.cannot_compile import CannotCompile
from transfers.engine.compiler.requirements.changed_columns import (
    changed_columns_keep_keys,
    profile_keeps_keys,
)
from transfers.engine.compiler.requirements.columns import (
    attributes_are_exact,
    attributes_have_a_tenant,
    columns_can_be_compared,
    columns_can_be_written,
    ids_are_exact,
    names_are_free,
    policies_change_no_reference,
    primary_keys_are_written,
    references_can_be_written,
    types_are_found,
    written_columns,
)
from transfers.engine.compiler.requirements.interference import children_are_reached_once, nothing_interferes
from transfers.engine.compiler.requirements.keys import (
    keys_identify_owners,
    keys_name_columns,
    names_are_given_once,
    overwritten_rows_do_not_conflict,
)
from transfers.engine.compiler.requirements.parents import (
    children_are_compared_alike,
    kept_rows_can_be_referenced,
    parents_stay_parents,
)
from transfers.engine.compiler.steps import Step
from transfers.engine.compiler.subject import Subject
from transfers.engine.compiler.totals import Totals, compile_totals
from transfers.rules import Child, DataType, Profile, all_children


@dataclass(frozen=True)
class CompiledPlan:
    """The steps of one data type, in order; those of `predict` write to no record table.

    `regclass` has the name of each of its tables as PostgreSQL prints it.

    `shares_rows` is true if it changes rows that can belong to users of several pairs, `resolves_conflicts` for types
    that are not direct.
    """

    data_type: DataType
    regclass: Mapping[str, str]
    predict: tuple[Step, ...]
    run: tuple[Step, ...]
    shares_rows: bool = False
    resolves_conflicts: bool = False
    totals: Totals = field(default_factory=Totals)


def tables_of(data_type: DataType) -> Iterator[str]:
    """Yield the name of every table that the type's plan refers to."""
    yield data_type.model._meta.db_table
    yield from tables_of_children(data_type.children)


def tables_of_children(children: tuple[Child, ...], *, detached: bool = True) -> Iterator[str]:
    """detached: include the tables of which rows are only detached, not deleted or re-pointed."""
    for child in all_children(children):
        if detached or not child.detached:
            yield child.model._meta.db_table


def compile_plan(data_type: DataType, tables: Mapping[str, Table]) -> CompiledPlan:
    """Compile one data type against its tables as the catalog describes them now. Raises `CannotCompile`."""
    table = tables[data_type.model._meta.db_table]
    columns_can_be_written(data_type, table)
    policies_change_no_reference(data_type, table)
    own_tables = [tables[name] for name in tables_of(data_type)]
    names_are_free(data_type, own_tables)
    columns_can_be_compared(data_type, own_tables)
    keys_name_columns(data_type, own_tables)
    attributes_have_a_tenant(data_type)
    owners = tuple(compile_owner(data_type.model, owner, table) for owner in data_type.owners)
    subject = Subject(data_type, tables, table, owners)
    primary_keys_are_written(data_type, tables, loses_rows=subject.loses_rows)
    names = {name: tables[name].regclass for name in tables_of(data_type)}
    in_one_table(subject)
    below = list(tables_of_children(data_type.children, detached=False))
    lost = {table.name, *below} if subject.loses_rows else set()
    nothing_interferes(data_type, own_tables, lost)
    attributes_are_exact(data_type, table, owners)
    ids_are_exact(data_type, table, owners)
    types_are_found(data_type, {name: tables[name] for name in tables_of(data_type)})
    if isinstance(data_type.rule, Profile):
        profile_keeps_keys(data_type, table, owners, data_type.rule)
        predict, run, totals = profile(subject, data_type.rule)
        return CompiledPlan(data_type, names, tuple(predict), tuple(run), totals=totals)
    children_are_reached_once(data_type, [names[name] for name in below])
    children_can_be_detached(data_type, tables)
    if subject.loses_rows:
        references_can_be_written(data_type, tables)
    parents_stay_parents(data_type, subject.branches, written_columns(data_type))
    children_are_compared_alike(data_type, subject.branches)
    if subject.keys and not data_type.overwrites:
        kept_rows_can_be_referenced(data_type, subject.branches, subject.keys)
    self_edges_are_decided(data_type, table, owners)
    overwritten_rows_do_not_conflict(data_type, table, owners)
    names_are_given_once(data_type, subject.keys)
    keys_identify_owners(data_type, table, owners)
    changed_columns_keep_keys(data_type, tables, owners, subject.keys)
    predict, run = direct(subject) if subject.is_direct else conflict_resolving(subject)
    return CompiledPlan(
        data_type,
        names,
        tuple(predict),
        tuple(run),
        shares_rows=subject.shares_rows,
        resolves_conflicts=not subject.is_direct,
        totals=compile_totals(subject),
    )


def in_one_table(subject: Subject) -> None:
    """Raise `CannotCompile` for a view, a foreign table, or a table with heirs that are not its partitions."""
    for name in tables_of(subject.data_type):
        table = subject.tables[name]
        if table.kind not in (PLAIN, PARTITIONED):
            raise CannotCompile(
                subject.data_type,
                f"{name} is not a table of this database, so its rows cannot be locked or restored exactly.",
                "Declare the tables behind it as data types.",
            )
        if table.has_heirs:
            raise CannotCompile(
                subject.data_type,
                f"other tables inherit from {name}. Its keys do not hold for their rows, which may have more columns.",
                "Declare each of these tables as a data type of its own.",
            )
