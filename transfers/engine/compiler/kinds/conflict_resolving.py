"""Steps of the conflict-resolving types: decide the outcome of each row in the work table, then apply the outcomes."""

from collections.abc import Iterable, Iterator

from psycopg import sql

from transfers.engine.catalog.tables import Key, Table, unquoted
from transfers.engine.compiler import folds, journal
from transfers.engine.compiler.children import lost_children, remove_and_adopt_children, tally_children
from transfers.engine.compiler.kinds.arriving import arrival
from transfers.engine.compiler.kinds.detaching import detach, note_detached, types_in_table
from transfers.engine.compiler.owners import OwnerSql, column_of
from transfers.engine.compiler.policies import outcome_of_loser, policy_of
from transfers.engine.compiler.requirements.cannot_compile import CannotCompile
from transfers.engine.compiler.requirements.parts_of_keys import is_only_in_condition, mentions
from transfers.engine.compiler.steps import (
    LOCK,
    NO_LOCK,
    Names,
    Step,
    comma,
    computed_again,
    fill,
    generated_value,
    key_names,
    order_names,
    rounds,
    step,
    stored_columns,
)
from transfers.engine.compiler.subject import Subject
from transfers.rules import Best, KeepSource, KeepTarget, Latest, Merge, Policy, Rename, Sum


def conflict_resolving(subject: Subject) -> tuple[list[Step], list[Step]]:
    """Return the steps of the preview and the steps of the run."""
    return [*decide(subject, NO_LOCK), *tally(subject)], [*decide(subject, LOCK), *carry_out(subject)]


IF_UNDECIDED = " AND EXISTS (SELECT FROM transfer_work WHERE type = {type} AND again)"


# --- Decide --------------------------------------------------------------------------------------------------------


def decide(subject: Subject, lock: sql.SQL) -> Iterator[Step]:
    """Yield the steps that note the affected rows in the work table and decide their outcomes."""
    names = subject.names | {"lock": lock}
    for owner in subject.owners:
        yield step("affected", **names | subject.owner_names(owner))
    if not subject.keys or subject.data_type.overwrites:
        yield step("analyze_work", **names)
    if subject.data_type.drops_self_edges:
        yield step("self_edges", **names | other_end(subject.owners[1]))
    if subject.data_type.overwrites:
        yield step("overwritten", **names)
    else:
        yield from resolve_keys(subject, names)
    if subject.data_type.words_for_same_user:
        yield step("count_same_user", **names | other_end(subject.owners[1]))
    if subject.loses_rows:
        yield from lost_children(subject.branches, lock, always=subject.data_type.overwrites)
        yield from note_detached(subject, lock)


def tally(subject: Subject) -> Iterator[Step]:
    """Yield the steps with which the preview counts the outcomes. The run counts what its statements did."""
    yield step("tally_resolved", **subject.names)
    if isinstance(policy_of(subject.data_type), Rename):
        yield step("tally_nameless", **subject.names)
    if subject.loses_rows:
        yield from tally_children(subject.branches)


def other_end(owner: OwnerSql) -> Names:
    return {
        "other_stage": owner.stage,
        "of_other_owner": owner.staged,
        "other_owner_holds_source": owner.holds("source"),
        "other_owner_holds_target": owner.holds("target"),
    }


def resolve_keys(subject: Subject, names: Names) -> Iterator[Step]:
    parts = [part for key in subject.keys for part in key.expressions]
    for owner in subject.owners:
        if any(mentions(part, subject.table, owner.column) for part in parts):
            yield step("existing", **names | subject.owner_names(owner))
    if subject.keys:
        yield step("analyze_work", **names)
    for number in range(rounds(subject.keys)):
        undecided = sql.SQL(IF_UNDECIDED if number else "").format(**subject.names)
        for key in subject.keys:
            yield resolve(subject, key, names | {"if_undecided": undecided})
        if len(subject.keys) > 1:
            yield step("reconsider", **names)


def resolve(subject: Subject, key: Key, names: Names) -> Step:
    """Return the step that resolves the conflicts on one unique key, ignoring rows that lost on another key."""
    policy, by = policy_of(subject.data_type), subject.policy_column
    if isinstance(policy, Rename) and not key.operators and is_only_in_condition(key, subject.table, by):
        raise CannotCompile(
            subject.data_type,
            f"the unique key {key.name} does not hold {by}, the column to rename.",
            "Choose another policy than Rename: two rows with the same key would conflict under any name.",
        )
    if isinstance(policy, Latest | Best) and not subject.mapped.keys().isdisjoint(
        subject.table.sources.get(by, ())
    ):
        raise CannotCompile(
            subject.data_type,
            f"its policy compares {by}, which is generated from an owner, so that a transfer changes it.",
            "Name a column that a transfer leaves as it is.",
        )
    of_key = key_names(key, subject.table, new_values(subject), "_is_updated")
    candidates = fill(
        "parts/candidates",
        **names,
        **of_key | {"key_columns": comma([of_key["key_columns"], *policy_column(by)])},
        mapped_columns=comma(columns_after_mapping(subject)),
        **arrival(subject, key),
    )
    if key.operators:
        return resolve_exclusion(subject, key, policy, names | {"candidates": candidates})
    first = subject.preferred_first(
        sql.Identifier("_by"), sql.SQL("_arrives"), map(sql.Identifier, order_names(subject.table))
    )
    parts = {"candidates": candidates, "resolved": fill("parts/resolved", **of_key, winner_first=first)}
    if isinstance(policy, Rename):
        return rename(subject, key, by, names | parts)
    return step("resolve", outcome=sql.Literal(outcome_of_loser(policy)), **names | parts)


def resolve_exclusion(subject: Subject, key: Key, policy: Policy, names: Names) -> Step:
    """Return the step that decides which rows survive an exclusion constraint, such as shifts that must not overlap.

    A row may conflict with several others that do not conflict with each other, so only the policies that prefer one
    user's rows to the other's are clear.
    """
    if not subject.has_one_owner or not isinstance(policy, KeepTarget | KeepSource):
        raise CannotCompile(
            subject.data_type,
            f"rows of both users can conflict on the exclusion constraint {key.name}, which its policy cannot decide.",
            "Declare one owner and Combine(on_clash=KeepTarget()) or Combine(on_clash=KeepSource()).",
        )
    excluded = (
        sql.SQL("loser.{0} {1} kept.{0}").format(sql.Identifier(f"_k{number}"), sql.SQL(operator))
        for number, operator in enumerate(key.operators)
    )
    return step(
        "resolve_exclusion",
        excluded=sql.SQL(" AND ").join(excluded),
        loser_arrives=sql.Literal(isinstance(policy, KeepTarget)),
        kept_first=comma(
            sql.SQL("kept.{}").format(sql.Identifier(name)) for name in order_names(subject.table)
        ),
        **names,
    )


def policy_column(by: str) -> list[sql.Composed]:
    """Return the policy's column, if any, under an alias that no column of the table has."""
    return [sql.SQL("{} AS _by").format(sql.Identifier(by))] if by else []


def columns_after_mapping(subject: Subject) -> Iterator[sql.Composed]:
    mapped = subject.mapped
    for column in subject.table.columns:
        name = sql.Identifier(column)
        if column in mapped:
            yield sql.SQL("{} AS {}").format(mapped[column], name)
        else:
            yield sql.SQL("r.{}").format(name)
    yield from stored_columns(subject.table, new_values(subject))


def rename(subject: Subject, key: Key, by: str, names: Names) -> Step:
    """Return the step that finds new names. Its rounds carry what the key is computed from, and read no table."""
    table, new_keys = subject.table, [f"_c{i}" for i in range(len(key.expressions))]
    computed = computed_again(table, new_values(subject))
    needed = {*key.columns, by}.difference(computed)
    carried = {column: sql.Identifier(f"_v{i}") for i, column in enumerate(sorted(needed))}
    # In the column's own type, because citext and character(n) are not compared as text is.
    base_type = table.base_types[by]
    values = carried | {by: sql.SQL("name::{}").format(sql.SQL(base_type))}
    expressions = (
        sql.SQL("{} AS {}").format(sql.SQL(expression), sql.Identifier(name))
        for expression, name in zip(key.compared, new_keys, strict=True)
    )
    return step(
        "rename",
        **names | {"column": sql.Identifier(by)},
        carried=comma(
            sql.SQL("c.{} AS {}").format(sql.Identifier(column), name) for column, name in carried.items()
        ),
        carried_names=comma(carried.values()),
        renamed=carried[by],
        key_names=compared([sql.Identifier(f"_k{i}") for i in range(len(new_keys))], key, table),
        candidate_keys=comma(expressions),
        next_keys=compared([sql.Identifier("k", name) for name in new_keys], key, table),
        candidate_row=sql.SQL("SELECT *{} FROM (SELECT {}) AS given").format(
            sql.SQL("").join(
                sql.SQL(", {} AS {}").format(generated_value(table, name), sql.Identifier(name))
                for name in computed
                if table.sources[name] <= key.columns
            ),
            comma(
                sql.SQL("{} AS {}").format(value, sql.Identifier(column)) for column, value in values.items()
            ),
        ),
        length=sql.Literal(folds.length_of(base_type)),
    )


def compared(names: Iterable[sql.Identifier], key: Key, table: Table) -> sql.Composed:
    """Return the parts of a key to be looked up by IN.

    Arrays are equal if both hold NULL, and can be compared if none is of a domain.
    """
    if not key.nulls_equal:
        return comma(names)
    types = (table.base_types.get(unquoted(part)) for part in key.expressions)
    return comma(
        sql.SQL("ARRAY[{}::{}]").format(name, sql.SQL(base_type))
        if base_type
        else sql.SQL("ARRAY[{}]").format(name)
        for name, base_type in zip(names, types, strict=True)
    )


# --- Carry out -----------------------------------------------------------------------------------------------------


def carry_out(subject: Subject) -> Iterator[Step]:
    names, data_type = subject.names, subject.data_type
    policy = policy_of(data_type)
    if subject.loses_rows:
        yield step("analyze_work", **names)  # the outcomes are new to the planner
    folds = bool(subject.keys) and isinstance(policy, Merge) and not data_type.overwrites
    if isinstance(policy, Merge) and folds:
        yield merge_step(subject, policy, names)
    if subject.loses_rows:
        yield from detach(subject)
        yield from remove_and_adopt_children(subject.branches, names_winner=subject.shares_rows)
        names_winner = folds or subject.shares_rows
        parts = journal.discarded(subject.table, names, names["type"], names_winner=names_winner)
        yield step("discard", children_of_replaced=sql.SQL(""), **names | parts)
    yield move(subject)


def move(subject: Subject) -> Step:
    """Return the step that maps the owners of the surviving rows, and renames those that need another name."""
    names = subject.names
    if subject.only_moves:
        parts = journal.moved(subject.table, names, subject.owners[0].column)
        return step("move_resolved", **names | parts)
    parts = journal.changed(subject.table, names, "changed", new_values(subject))
    return step("change_resolved", **names | parts)


def merge_step(subject: Subject, merge: Merge, names: Names) -> Step:
    columns = [(column_of(subject.data_type.model, name), fold) for name, fold in merge.columns.items()]
    row = (sql.SQL("l.{}").format(sql.SQL(part)) for part in subject.table.primary_key or ("ctid",))
    order = comma([sql.SQL("w.place"), *row])
    aggregates = (folds.aggregate(fold, column, subject.table, order) for column, fold in columns)
    values = {column: folds.value(fold, column, subject.table) for column, fold in columns}
    summed = [column for column, fold in columns if isinstance(fold, Sum)]
    parts = journal.changed(subject.table, names, "folded", values, subject.owner_columns, summed=summed)
    types = types_in_table(subject, subject.table)
    return step("merge", aggregates=comma(aggregates), types=types, **names | parts)


def new_values(subject: Subject) -> dict[str, sql.Composed]:
    """Return the new value of each owner column, and of the column in which rows are renamed."""
    values, policy = subject.mapped, policy_of(subject.data_type)
    if isinstance(policy, Rename):
        column = column_of(subject.data_type.model, policy.field)
        values[column] = sql.SQL("coalesce(nullif(w.renamed, ''), r.{})").format(sql.Identifier(column))
    return values
