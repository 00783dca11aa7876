"""Compiles a data type to SQL: the same steps for the preview and for the run, a fixed number whatever the rows.

A type is *straight* when no two of its rows can get into each other's way: one owner column, and either Overwrite
(the target's rows are gone before the source's arrive) or no unique key that holds the owner. All else is *judged*:
its rows are noted in a work table, their fates decided there, key by key, and then carried out.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

from django.db.models import Field, ForeignKey, Model
from psycopg import sql

from transfers.engine import folds
from transfers.engine.catalog import Key, Table
from transfers.rules import Child, Combine, DataType, Merge

SQL_FOLDER = Path(__file__).parent / "sql"
LOCK = sql.SQL("FOR UPDATE OF r")
NO_LOCK = sql.SQL("")
NAMES = dict[str, sql.Composable]


@dataclass(frozen=True)
class Step:
    """One statement. `name` is the .sql file's, for the log; `statement` takes the parameter `transfer`."""

    name: str
    statement: sql.Composed


@dataclass(frozen=True)
class Plan:
    """The statements of one data type, in order. `foretell` writes to no record table."""

    data_type: DataType
    foretell: tuple[Step, ...]
    run: tuple[Step, ...]
    holders: sql.Composed


@cache
def sql_file(name: str) -> str:
    return (SQL_FOLDER / f"{name}.sql").read_text()


def step(name: str, **names: sql.Composable) -> Step:
    return Step(name, sql.SQL(sql_file(name)).format(**names))


def compile_plan(data_type: DataType, table: Table) -> Plan:
    """The statements for one data type on its table as the catalog describes it now."""
    names = names_of(data_type)
    before = step(
        "count_before",
        rows_of_source=rows_of(data_type, "p.source"),
        rows_of_target=rows_of(data_type, "p.target"),
        **names,
    )
    compiled = straight if is_straight(data_type, table) else judged
    foretell, run = compiled(data_type, table, names)
    return Plan(data_type, (before, *foretell), (before, *run), holders(data_type))


def names_of(data_type: DataType) -> NAMES:
    table = data_type.model._meta.db_table
    return {
        "table": sql.Identifier(table),
        "table_name": sql.Literal(table),
        "type": sql.Literal(data_type.key),
        "owner": sql.Identifier(owner_columns(data_type)[0]),
    }


def owner_columns(data_type: DataType) -> tuple[str, ...]:
    return tuple(column_of(data_type.model, owner.field) for owner in data_type.owners)


def column_of(model: type[Model], field: str) -> str:
    """The database column of a model's field."""
    return cast("Field[Any, Any]", model._meta.get_field(field)).column or ""


def is_straight(data_type: DataType, table: Table) -> bool:
    owners = owner_columns(data_type)
    return len(owners) == 1 and (data_type.overwrites or not table.keys_with(owners))


# --- Straight ------------------------------------------------------------------------------------------------------


def straight(data_type: DataType, table: Table, names: NAMES) -> tuple[list[Step], list[Step]]:
    overwrites = sql.Literal(data_type.overwrites)
    foretell = [step("straight_preview", overwrites=overwrites, **names)]
    run = [step("move", **names)]
    if data_type.overwrites:
        children = [child_names(data_type, child) for child in data_type.children]
        foretell += [step("replace_preview", **names, **child) for child in children]
        run = [
            *(step("replace_children", **names, **child) for child in children),
            step("replace", **names),
            *run,
        ]
    return foretell, run


def child_names(data_type: DataType, child: Child) -> NAMES:
    return {
        "child": sql.Identifier(child.model._meta.db_table),
        "child_name": sql.Literal(child.model._meta.db_table),
        "foreign_key": sql.Identifier(column_of(child.model, child.field)),
        "referenced": sql.Identifier(referenced_column(child)),
    }


def referenced_column(child: Child) -> str:
    return cast("ForeignKey[Any, Any]", child.model._meta.get_field(child.field)).target_field.column or ""


# --- Judged --------------------------------------------------------------------------------------------------------


def judged(data_type: DataType, table: Table, names: NAMES) -> tuple[list[Step], list[Step]]:
    owners = owner_columns(data_type)
    keys = table.keys_with(owners)

    def decide(lock: sql.SQL) -> list[Step]:
        return [
            *affected(owners, names, lock),
            *judge_all(data_type, table, keys, names, lock),
            step("tally_judged", **names),
        ]

    return decide(NO_LOCK), [*decide(LOCK), *carry_out(data_type, table, names, bool(keys))]


def affected(owners: tuple[str, ...], names: NAMES, lock: sql.SQL) -> Iterator[Step]:
    for index, owner in enumerate(owners):
        noted = [sql.SQL("r.{} IS DISTINCT FROM p.source").format(sql.Identifier(o)) for o in owners[:index]]
        condition = sql.SQL(" AND ").join(noted) if noted else sql.SQL("true")
        yield step(
            "affected", not_noted_before=condition, lock=lock, **{**names, "owner": sql.Identifier(owner)}
        )


def judge_all(
    data_type: DataType, table: Table, keys: tuple[Key, ...], names: NAMES, lock: sql.SQL
) -> Iterator[Step]:
    for index, key in enumerate(keys):
        yield judge(data_type, table, key, names, lock)
        if index:
            yield step("follow_winners", **names)


def judge(data_type: DataType, table: Table, key: Key, names: NAMES, lock: sql.SQL) -> Step:
    """The statement that decides the clashes of one unique key; rows that lost on an earlier key take no part."""
    owners = owner_columns(data_type)
    in_key = [owner for owner in owners if owner in key.columns]
    order = table.primary_key or ("_row",)
    order_names = [f"_o{i}" for i in range(len(order))]
    key_names = [f"_k{i}" for i in range(len(key.expressions))]
    order_columns, key_columns = aliased(order, order_names), aliased(key.expressions, key_names)
    contending = [
        sql.SQL("SELECT _row, false, {}, {} FROM rivals_{} WHERE {}").format(
            order_columns, key_columns, sql.SQL(str(i)), sql.SQL(key.predicate)
        )
        for i in range(len(in_key))
    ]
    return step(
        "judge",
        **names,
        mapped_columns=comma(mapped_column(column, owners) for column in table.columns),
        joined_pairs=joined_pairs(owners),
        key_changes=sql.SQL(" OR ").join(
            sql.SQL("{}.target IS NOT NULL").format(pair_alias(owners, owner)) for owner in in_key
        ),
        rivals=comma(rivals(i, owner, table, names, lock) for i, owner in enumerate(in_key)),
        contending_rivals=sql.SQL(" UNION ").join(contending),
        order_columns=order_columns,
        key_columns=key_columns,
        order_names=comma(sql.Identifier(name) for name in order_names),
        key_names=comma(sql.Identifier(name) for name in key_names),
        predicate=sql.SQL(key.predicate),
        keys_can_clash=keys_can_clash(key, key_names),
        fate=sql.Literal("merged" if merge_of(data_type) else "dropped"),
    )


def rivals(index: int, owner: str, table: Table, names: NAMES, lock: sql.SQL) -> sql.Composed:
    columns = comma(sql.SQL("r.{}").format(sql.Identifier(column)) for column in table.columns)
    body = step("rivals", columns=columns, lock=lock, **{**names, "owner": sql.Identifier(owner)}).statement
    return sql.SQL("rivals_{} AS (\n{})").format(sql.SQL(str(index)), body)


def keys_can_clash(key: Key, key_names: list[str]) -> sql.Composable:
    if key.nulls_clash:
        return sql.SQL("true")
    return sql.SQL(" AND ").join(sql.SQL("{} IS NOT NULL").format(sql.Identifier(name)) for name in key_names)


def mapped_column(column: str, owners: tuple[str, ...]) -> sql.Composed:
    name = sql.Identifier(column)
    if column not in owners:
        return sql.SQL("r.{}").format(name)
    return sql.SQL("coalesce({0}.target, r.{1}) AS {1}").format(pair_alias(owners, column), name)


def joined_pairs(owners: tuple[str, ...]) -> sql.Composed:
    join = sql.SQL("LEFT JOIN transfer_stage AS {0} ON {0}.source = r.{1}")
    return sql.SQL("\n").join(
        join.format(pair_alias(owners, owner), sql.Identifier(owner)) for owner in owners
    )


def pair_alias(owners: tuple[str, ...], owner: str) -> sql.Identifier:
    return sql.Identifier(f"_p{owners.index(owner)}")


def carry_out(data_type: DataType, table: Table, names: NAMES, can_lose: bool) -> Iterator[Step]:
    merge = merge_of(data_type)
    if can_lose and merge:
        yield merge_step(data_type, table, merge, names)
    if can_lose:
        yield from (step("adopt_children", **names, **child_names(data_type, c)) for c in data_type.children)
        yield step("discard", **names)
    yield step("move_judged", assignments=mapping(owner_columns(data_type)), **names)


def merge_of(data_type: DataType) -> Merge | None:
    rule = data_type.rule
    return rule.on_clash if isinstance(rule, Combine) and isinstance(rule.on_clash, Merge) else None


def merge_step(data_type: DataType, table: Table, merge: Merge, names: NAMES) -> Step:
    columns = [(column_of(data_type.model, name), fold) for name, fold in merge.columns.items()]
    return step(
        "merge",
        aggregates=comma(folds.aggregate(fold, column) for column, fold in columns),
        assignments=comma(folds.assignment(fold, column, table.columns[column]) for column, fold in columns),
        **names,
    )


def mapping(owners: tuple[str, ...]) -> sql.Composed:
    """The assignments that map every owner column: the pair's target where it holds a source, else itself."""
    template = sql.SQL(
        "{0} = coalesce((SELECT p.target FROM transfer_stage AS p WHERE p.source = r.{0}), r.{0})"
    )
    return comma(template.format(sql.Identifier(owner)) for owner in owners)


# --- Counting ------------------------------------------------------------------------------------------------------


def rows_of(data_type: DataType, person: str) -> sql.Composed:
    """A scalar: how many rows hold the person in any owner column, each row once."""
    owners = owner_columns(data_type)
    counts = [
        sql.SQL("(SELECT count(*) FROM {table} AS r WHERE r.{owner} = {person}{not_counted_before})").format(
            table=sql.Identifier(data_type.model._meta.db_table),
            owner=sql.Identifier(owner),
            person=sql.SQL(person),
            not_counted_before=sql.SQL("").join(
                sql.SQL(" AND r.{} IS DISTINCT FROM {}").format(sql.Identifier(earlier), sql.SQL(person))
                for earlier in owners[:index]
            ),
        )
        for index, owner in enumerate(owners)
    ]
    return sql.SQL(" + ").join(counts)


def holders(data_type: DataType) -> sql.Composed:
    """One row: the type, how many rows hold a source of the batch, how many hold anybody of it; each row once."""
    owners = owner_columns(data_type)
    table = sql.Identifier(data_type.model._meta.db_table)

    def count(*roles: str) -> sql.Composed:
        parts = [
            sql.SQL("SELECT {row} FROM {table} AS r JOIN transfer_stage AS p ON r.{owner} = p.{role}").format(
                row=sql.SQL("r.ctid"), table=table, owner=sql.Identifier(owner), role=sql.Identifier(role)
            )
            for owner in owners
            for role in roles
        ]
        # A single owner column holds one user, so no row can be counted twice, and sorting them out is saved.
        union = sql.SQL(" UNION ALL " if len(owners) == 1 else " UNION ")
        return sql.SQL("SELECT count(*) FROM ({}) AS h").format(union.join(parts))

    names = names_of(data_type)
    counts = {"rows_of_sources": count("source"), "rows_of_people": count("source", "target")}
    return step("holders", **counts, **names).statement


def aliased(expressions: Iterable[str], names: Iterable[str]) -> sql.Composed:
    return comma(
        sql.SQL("{} AS {}").format(sql.SQL(expression), sql.Identifier(name))
        for expression, name in zip(expressions, names, strict=True)
    )


def comma(parts: Iterable[sql.Composable]) -> sql.Composed:
    return sql.SQL(", ").join(parts)
