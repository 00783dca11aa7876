"""Compiles a data type to SQL: the same steps for the preview and for the run, a fixed number whatever the rows.

A type is *straight* when no two of its rows can get into each other's way: one owner that holds one user, and either
Overwrite (the target's rows are gone before the source's arrive) or no unique key that holds the owner. All else is
*judged*: its rows are noted in a work table, their fates decided there, key by key, and then carried out.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from psycopg import sql

from transfers.engine import folds
from transfers.engine.catalog import Key, Table
from transfers.engine.children import Branch, lost_children, overwritten_children, part_with_children
from transfers.engine.fitting import (
    CannotCompile,
    attributes_are_exact,
    attributes_have_a_tenant,
    columns_can_be_written,
    keys_say_whose,
)
from transfers.engine.owners import OwnerSql, column_of, compile_owner, mapped_columns
from transfers.engine.policies import column_of_policy, fate_of_loser, policy_of, winner_first
from transfers.engine.steps import (
    LOCK,
    NO_LOCK,
    Names,
    Step,
    as_text,
    comma,
    fill,
    generated_columns,
    key_names,
    order_names,
    step,
)
from transfers.rules import Child, DataType, Merge, Profile, Rename


@dataclass(frozen=True)
class Plan:
    """The statements of one data type, in order; `foretell` writes to no record table.

    The others are parts of statements over all types: `counts` of what is there before; and for judged types what is
    `left_behind` after, and the total of all rows before and after; and `held`, the rows that a source has. A type
    whose rows stay where they are has none. `shares_rows`: can one row belong to users of several pairs?
    """

    data_type: DataType
    foretell: tuple[Step, ...]
    run: tuple[Step, ...]
    shares_rows: bool = False
    counts: str = ""
    held: str = ""
    left_behind: str = ""
    holders_before: str = ""
    holders_after: str = ""


@dataclass(frozen=True)
class Subject:
    """A data type with what the database says of its tables."""

    data_type: DataType
    tables: Mapping[str, Table]
    table: Table
    owners: tuple[OwnerSql, ...]

    @property
    def names(self) -> Names:
        """What nearly every statement needs; the owner is the first one, which owns where the type overwrites."""
        names: Names = {
            "table": sql.Identifier(self.table.name),
            "table_name": sql.Literal(self.table.name),
            "type": sql.Literal(self.data_type.key),
        }
        names["lost"] = fill("lost", **names)
        return names | (self.names_of(self.owners[0]) if self.owners else {})

    def names_of(self, owner: OwnerSql) -> Names:
        return {
            "stage": owner.stage,
            "column": sql.Identifier(owner.column),
            "target": owner.target(),
            "holds_source": owner.holds("source"),
            "holds_target": owner.holds("target"),
            "other_holds_source": owner.holds("source", "s"),
        }

    @property
    def has_one_owner(self) -> bool:
        """Can a row belong to one user only, so that a join with the pairs meets it once?"""
        return len(self.owners) == 1 and self.owners[0].is_scalar

    @property
    def loses_rows(self) -> bool:
        """Can a row of this type lose its place?"""
        return bool(self.keys) or self.data_type.drop_self_edges or self.data_type.overwrites

    @property
    def branches(self) -> list[Branch]:
        table, key = self.table.name, self.data_type.key
        return [Branch(child, table, key, self.names) for child in self.data_type.children]

    @property
    def keys(self) -> tuple[Key, ...]:
        """The unique keys that an owner is part of."""
        return self.table.keys_with(owner.column for owner in self.owners)


def tables_of(data_type: DataType) -> Iterator[str]:
    """Every table that the type's plan speaks of."""
    yield data_type.model._meta.db_table
    yield from tables_of_children(data_type.children)


def tables_of_children(children: tuple[Child, ...]) -> Iterator[str]:
    for child in children:
        yield child.model._meta.db_table
        yield from tables_of_children(child.children)


def compile_plan(data_type: DataType, tables: Mapping[str, Table]) -> Plan:
    """The statements for one data type on its tables as the catalog describes them now. Raises `CannotCompile`."""
    table = tables[data_type.model._meta.db_table]
    columns_can_be_written(data_type, table)
    attributes_have_a_tenant(data_type)
    owners = tuple(compile_owner(data_type.model, owner, table) for owner in data_type.owners)
    subject = Subject(data_type, tables, table, owners)
    if isinstance(data_type.rule, Profile):
        return profile(subject, data_type.rule)
    in_one_table(subject)
    attributes_are_exact(data_type, owners)
    keys_say_whose(data_type, table, owners)
    foretell, run = straight(subject) if is_straight(subject) else judged(subject)
    return Plan(data_type, tuple(foretell), tuple(run), not subject.has_one_owner, **totals(subject))


def in_one_table(subject: Subject) -> None:
    """Where rows can clash, a row is named by its ctid, which names another row in each partition or heir."""
    for name in tables_of(subject.data_type):
        if not (is_straight(subject) or subject.tables[name].is_one):
            raise CannotCompile(
                subject.data_type,
                f"{name} is no single table, and its rows can clash.",
                "Declare its partitions, or the tables behind the view, each as a data type of its own.",
            )


def is_straight(subject: Subject) -> bool:
    return subject.has_one_owner and (subject.data_type.overwrites or not subject.keys)


# --- Straight ------------------------------------------------------------------------------------------------------


def straight(subject: Subject) -> tuple[list[Step], list[Step]]:
    names, children = subject.names, subject.data_type.children
    overwrites = subject.data_type.overwrites
    foretell = [step("straight_preview", overwrites=sql.Literal(overwrites), **names)]
    run = [step("move", **names)]
    if overwrites:
        foretell += overwritten_children(children, names, "replace_children_preview")
        run = [*overwritten_children(children, names, "replace_children"), step("replace", **names), *run]
    return foretell, run


# --- Judged --------------------------------------------------------------------------------------------------------


def judged(subject: Subject) -> tuple[list[Step], list[Step]]:
    return list(decide(subject, NO_LOCK)), [*decide(subject, LOCK), *carry_out(subject)]


def decide(subject: Subject, lock: sql.SQL) -> Iterator[Step]:
    """Notes the rows concerned and decides the fate of each; the work table then says it all."""
    names = subject.names | {"lock": lock}
    for owner in subject.owners:
        yield step("affected", **names | subject.names_of(owner))
    if subject.data_type.drop_self_edges:
        one, other = subject.owners[:2]
        yield step("self_edges", one_end=one.mapped(), other_end=other.mapped(), **names)
    if subject.data_type.overwrites:
        yield step("overwritten", **names)
    else:
        yield from judge_keys(subject, names)
    yield step("tally_judged", **names)
    if subject.loses_rows:
        overwrites = subject.data_type.overwrites
        yield from lost_children(subject.branches, subject.tables, lock, always=overwrites)


def judge_keys(subject: Subject, names: Names) -> Iterator[Step]:
    in_keys = {column for key in subject.keys for column in key.columns}
    for owner in subject.owners:
        if owner.column in in_keys:
            yield step("rivals", **names | subject.names_of(owner))
    for index, key in enumerate(subject.keys):
        yield judge(subject, key, names)
        if index:
            yield step("follow_winners", **names)


def judge(subject: Subject, key: Key, names: Names) -> Step:
    """The statement that decides the clashes of one unique key; rows that lost on an earlier key take no part."""
    policy = policy_of(subject.data_type)
    field = column_of_policy(policy)
    by = column_of(subject.data_type.model, field) if field else ""
    if isinstance(policy, Rename) and by not in key.columns:
        raise CannotCompile(
            subject.data_type,
            f"the key {key.name} does not hold the column {by} to be renamed.",
            "Choose another policy than Rename; two rows with this key stay a clash under any name.",
        )
    of_key = key_names(key, subject.table)
    contenders = fill(
        "contenders",
        **names,
        **of_key | {"key_columns": comma([of_key["key_columns"], *also(by)])},
        mapped_columns=comma(columns_mapped(subject)),
        key_changes=key_changes(subject, key),
        winner_first=winner_first(policy, "_by", order_names(subject.table)),
    )
    if isinstance(policy, Rename):
        return rename(subject, key, by, contenders, names)
    return step("judge", contenders=contenders, fate=sql.Literal(fate_of_loser(policy)), **names)


def also(by: str) -> list[sql.Composed]:
    """The policy's own column, carried along under a name of ours."""
    return [sql.SQL("{} AS _by").format(sql.Identifier(by))] if by else []


def columns_mapped(subject: Subject) -> Iterator[sql.Composed]:
    mapped = mapped_columns(subject.owners)
    for column in subject.table.columns:
        name = sql.Identifier(column)
        if column in mapped:
            yield sql.SQL("{} AS {}").format(mapped[column], name)
        else:
            yield sql.SQL("r.{}").format(name)


def key_changes(subject: Subject, key: Key) -> sql.Composed:
    return sql.SQL(" OR ").join(
        sql.SQL("{} IS DISTINCT FROM r.{}").format(mapped, sql.Identifier(column))
        for column, mapped in mapped_columns(subject.owners).items()
        if column in key.columns
    )


def rename(subject: Subject, key: Key, by: str, contenders: sql.Composed, names: Names) -> Step:
    candidates = [f"_c{i}" for i in range(len(key.expressions))]
    columns = comma(
        sql.SQL("{} AS {}").format(
            sql.SQL("candidate.name") if column == by else sql.SQL("c.{}").format(sql.Identifier(column)),
            sql.Identifier(column),
        )
        for column in subject.table.columns
    )
    same = [
        sql.SQL("keyed.{} = k.{}").format(sql.Identifier(f"_k{i}"), sql.Identifier(candidate))
        for i, candidate in enumerate(candidates)
    ]
    expressions = (
        sql.SQL("{} AS {}").format(sql.SQL(expression), sql.Identifier(name))
        for expression, name in zip(key.expressions, candidates, strict=True)
    )
    return step(
        "rename",
        **names | {"column": sql.Identifier(by)},
        contenders=contenders,
        candidate_keys=comma(expressions),
        next_keys=comma(sql.SQL("k.{}").format(sql.Identifier(candidate)) for candidate in candidates),
        candidate_row=sql.SQL("SELECT *{} FROM (SELECT {}) AS given").format(
            generated_columns(subject.table), columns
        ),
        same_keys=sql.SQL(" AND ").join(same),
        length=sql.Literal(folds.length_of(subject.table.columns[by])),
    )


def carry_out(subject: Subject) -> Iterator[Step]:
    names, data_type = subject.names, subject.data_type
    policy = policy_of(data_type)
    if subject.keys and isinstance(policy, Merge) and not data_type.overwrites:
        yield merge_step(subject, policy, names)
    if subject.loses_rows:
        yield from part_with_children(subject.branches)
        yield step("discard", **names)
    yield step("move_judged", assignments=assignments(subject, policy), **names)


def merge_step(subject: Subject, merge: Merge, names: Names) -> Step:
    columns = [(column_of(subject.data_type.model, name), fold) for name, fold in merge.columns.items()]
    order = comma(sql.SQL("l.{}").format(sql.SQL(part)) for part in subject.table.primary_key or ("ctid",))
    return step(
        "merge",
        aggregates=comma(
            folds.aggregate(fold, column, subject.table.columns[column], order) for column, fold in columns
        ),
        assignments=comma(
            sql.SQL("{} = {}").format(
                sql.Identifier(column), folds.value(fold, column, subject.table.columns[column])
            )
            for column, fold in columns
        ),
        **names,
    )


def assignments(subject: Subject, policy: object) -> sql.Composed:
    """Every owner mapped, and the new name where one was given."""
    parts = [
        sql.SQL("{} = {}").format(sql.Identifier(column), mapped)
        for column, mapped in mapped_columns(subject.owners).items()
    ]
    if isinstance(policy, Rename):
        name = sql.Identifier(column_of(subject.data_type.model, policy.field))
        parts.append(sql.SQL("{0} = coalesce(w.renamed, r.{0})").format(name))
    return comma(parts)


# --- Profile -------------------------------------------------------------------------------------------------------


def profile(subject: Subject, rule: Profile) -> Plan:
    columns = [(column_of(subject.data_type.model, name), fold) for name, fold in rule.columns.items()]
    values = [
        (sql.Identifier(column), folds.value(fold, column, subject.table.columns[column]))
        for column, fold in columns
    ]
    names = subject.names | {
        "source_row": subject.owners[0].holds("source", "f"),
        "assignments": comma(sql.SQL("{} = {}").format(name, value) for name, value in values),
        "changes": sql.SQL(" OR ").join(
            sql.SQL("r.{} IS DISTINCT FROM {}").format(name, value) for name, value in values
        ),
    }
    return Plan(subject.data_type, (step("profile_preview", **names),), (step("profile", **names),))


# --- Counting ------------------------------------------------------------------------------------------------------


def totals(subject: Subject) -> dict[str, str]:
    """The parts of the statements that count all types at once."""
    names = subject.names
    sources, targets = holding_rows(subject, ["source"]), holding_rows(subject, ["target"])
    of_source = holding_rows(subject, ["source"], by_pair=True)
    of_target = holding_rows(subject, ["target"], by_pair=True)
    parts = {
        "counts": fill("count_before", holding_source=of_source, holding_target=of_target, **names),
        "held": fill("held_by_sources", holding_source=of_source, **names),
    }
    if not is_straight(subject):
        parts["left_behind"] = fill("left_behind", holding_source=sources, **names)
        people = holding_rows(subject, ["source", "target"])
        parts["holders_before"] = fill("holders_before", holding_people=people, **names)
        parts["holders_after"] = fill("holders_after", holding_target=targets, **names)
    return {name: as_text(statement) for name, statement in parts.items()}


def holding_rows(subject: Subject, roles: list[str], *, by_pair: bool = False) -> sql.Composed:
    """The rows that hold a user of these roles in any owner, each once (once a pair, with its number).

    A single owner that holds one user meets no row twice, and sorting them out is saved.
    """
    if subject.has_one_owner:
        select, union = sql.SQL("SELECT p.pair"), sql.SQL(" UNION ALL ")
    else:
        select = sql.SQL("SELECT DISTINCT r.ctid, p.pair" if by_pair else "SELECT DISTINCT r.ctid")
        union = sql.SQL(" UNION ")
    return union.join(
        sql.SQL("{} FROM {} AS r JOIN {} AS p ON {}").format(
            select, subject.names["table"], owner.stage, owner.holds(role)
        )
        for owner in subject.owners
        for role in roles
    )
