"""Steps for child rows, which are discarded with their parent or re-pointed to the surviving row.

Children of rows that lost a conflict are handled like rows of a data type: those to discard are noted in the work
table, and the same rules apply to their own children. The preview notes and counts them; the run also discards and
re-points them, deepest level first.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from django.db.models import ForeignKey
from psycopg import sql

from transfers.engine.catalog.names import identifier, without_modifier
from transfers.engine.catalog.tables import Pairs, Table
from transfers.engine.compiler import journal
from transfers.engine.compiler.owners import column_of
from transfers.engine.compiler.steps import Names, Step, comma, fill, key_names, rounds, step, stored_columns
from transfers.rules import Child

Tables = Mapping[str, Table]


# --- Children of rows that a direct type overwrites ----------------------------------------------------------------


def overwritten_children(
    parent: Table, children: tuple[Child, ...], names: Names, tables: Tables
) -> Iterator[Step]:
    """Yield one step for each child model of the overwritten rows, deepest level first."""
    for child, placeholders in zip(tree(children), tree_names(parent, children, tables), strict=True):
        table = tables[child.model._meta.db_table]
        deleted_type = sql.SQL("{} || ' > ' || {}").format(names["type"], sql.Literal(table.name))
        parts = journal.deleted(table, names, deleted_type, "children")
        yield step("replace_children", **names | placeholders | parts)


def tree(children: tuple[Child, ...]) -> Iterator[Child]:
    """Yield the child models of the tree, deepest level first."""
    for child in children:
        yield from tree(child.children)
        yield child


def tree_names(
    parent: Table, children: tuple[Child, ...], tables: Tables, above: tuple[Child, ...] = ()
) -> Iterator[Names]:
    """Yield the placeholder values for each child model of the tree, with its joins, deepest level first."""
    for child in children:
        yield from tree_names(parent, child.children, tables, (*above, child))
        yield {"child": identifier(child.model)} | joins_to_row(parent, (*above, child), tables)


def joins_to_row(parent: Table, chain: Sequence[Child], tables: Tables) -> Names:
    """Return the joins between the last child `c` of the chain and the data type's row `r`.

    `parents` are the tables between them, `child_of_parent` the join conditions.
    """
    aliases = ["r", *(f"_parent{i}" for i in range(len(chain) - 1)), "c"]
    of_chain = [parent, *(tables[child.model._meta.db_table] for child in chain)]
    links = zip(chain, of_chain, of_chain[1:], aliases, aliases[1:], strict=False)
    condition = sql.SQL(" AND ").join(
        is_child(pairs_of(child, table, above), lower, upper) for child, above, table, upper, lower in links
    )
    parents = sql.SQL("").join(
        sql.SQL("{} AS {}, ").format(identifier(child.model), sql.SQL(alias))
        for child, alias in zip(chain[:-1], aliases[1:], strict=False)
    )
    return {"parents": parents, "child_of_parent": condition}


# --- Children of rows that lost in a conflict-resolving type -------------------------------------------------------


@dataclass(frozen=True)
class Branch:
    """A child model whose parent rows are noted in the work table under the type `parent_type`.

    number: its place among the children of the parent, because tables may have any name. The name `place` is by what
    the parent rows that lost to the same one are sorted.
    """

    number: int
    child: Child
    parent: str
    parent_type: str
    names: Names
    tables: Tables

    @property
    def table(self) -> Table:
        return self.tables[self.child.model._meta.db_table]

    @property
    def pairs(self) -> Pairs:
        return pairs_of(self.child, self.table, self.tables[self.parent])

    @property
    def child_type(self) -> str:
        return f"{self.parent_type} > {self.number} {self.child.model._meta.db_table}"

    @property
    def step_names(self) -> Names:
        parent_type = {"type": sql.Literal(self.parent_type)}
        return self.names | {
            "child": identifier(self.child.model),
            "of_lost": is_child(self.pairs, "r", "lost"),
            "of_kept": is_child(self.pairs, "r", "kept"),
            "parent": self.tables[self.parent].identifier,
            "child_type": sql.Literal(self.child_type),
            "parent_type": sql.Literal(self.parent_type),
            "lost_by_pair": fill("parts/lost_by_pair", **parent_type),
        }

    @property
    def referring(self) -> set[str]:
        """The tables of the rows that refer to its rows, each by the name of the whole (`Table.root`)."""
        return {branch.table.root for branch in self.below}

    @property
    def below(self) -> "list[Branch]":
        table = self.child.model._meta.db_table
        return [
            Branch(
                number, child, table, self.child_type, self.names | {"place": sql.SQL("w.place")}, self.tables
            )
            for number, child in enumerate(self.child.children)
        ]


def lost_children(branches: list[Branch], lock: sql.SQL, *, always: bool = False) -> Iterator[Step]:
    """Yield the steps that note the children to discard, top level first.

    `always`: discard all children of the lost rows, as Overwrite does.
    """
    for branch in branches:
        if branch.child.detached:
            continue
        names = branch.step_names | {"lock": lock, "outcome": sql.SQL("w.outcome")}
        all_lost = always or branch.child.goes_with_parent
        condition = sql.SQL("true") if all_lost else sql.SQL("w.winner IS NULL")
        yield step("children_lost", is_lost=condition, **names)
        if not all_lost:
            yield from conflicting_children(branch, branch.table, names)
        yield from lost_children(branch.below, lock, always=always)


def tally_children(branches: list[Branch]) -> Iterator[Step]:
    for branch in branches:
        what = "detached" if branch.child.detached else "children"
        yield step("tally_children", what=sql.Literal(what), **branch.step_names)
        yield from tally_children(branch.below)


def conflicting_children(branch: Branch, table: Table, names: Names) -> Iterator[Step]:
    foreign_key = column_of(branch.child.model, branch.child.field)
    keys = [key for key in table.keys_with([foreign_key]) if not key.operators]
    columns = child_columns(table, foreign_key, branch.child)
    for _ in range(rounds(keys)):
        for key in keys:
            of_key = key_names(key, table, {foreign_key}, "_arrives")
            yield step("children_conflicting", **names, **columns, **of_key)
        if len(keys) > 1:
            yield step("reconsider_children", **names)


def child_columns(table: Table, foreign_key: str, child: Child) -> Names:
    """Return the columns of a child as they are, and as they will be.

    Without its modifier, the type of the foreign key cuts no value to that of another row.
    """
    own = {column: sql.SQL("r.{}").format(sql.Identifier(column)) for column in table.columns}
    adopted = own | {
        foreign_key: sql.SQL("kept.{}::{} AS {}").format(
            sql.Identifier(referenced_column(child)),
            sql.SQL(without_modifier(table.base_types[foreign_key])),
            sql.Identifier(foreign_key),
        )
    }
    generated = list(stored_columns(table, {foreign_key}))
    return {
        "own_columns": comma([*own.values(), *generated]),
        "adopted_columns": comma([*adopted.values(), *generated]),
    }


def remove_and_adopt_children(branches: list[Branch], *, names_winner: bool) -> Iterator[Step]:
    """Yield the steps that discard the children noted as lost and re-point the others, deepest level first.

    names_winner: the journal keeps the key of the child to which each lost.
    """
    for branch in referring_first(deepest_first(branches)):
        names = branch.step_names
        child_type = sql.Literal(branch.child_type)
        parts = journal.discarded(branch.table, names, child_type, "children", names_winner=names_winner)
        parts["children_of_replaced"] = fill("parts/children_of_replaced", type=names["type"])
        yield step("discard", **names | {"table": names["child"]} | parts)
        if not branch.child.goes_with_parent:
            foreign_key = column_of(branch.child.model, branch.child.field)
            kept = sql.SQL("kept.{}").format(sql.Identifier(referenced_column(branch.child)))
            parts = journal.changed(branch.table, names, "adopted", {foreign_key: kept}, exactly=True)
            yield step("adopt_children", **names | parts)


def deepest_first(branches: list[Branch]) -> Iterator[Branch]:
    for branch in branches:
        if not branch.child.detached:
            yield from deepest_first(branch.below)
            yield branch


def referring_first(branches: Iterable[Branch]) -> Iterator[Branch]:
    """Yield the branches in this order, but each after those whose rows refer to its rows, unless in a circle.

    Rows that refer to deleted ones are detached, but not if they are deleted too. The database would refuse to delete
    the others before them, or change them itself.
    """
    waiting = list(branches)
    while waiting:
        free = (
            one
            for one in waiting
            if not one.referring.intersection(other.table.root for other in waiting if other is not one)
        )
        waiting.remove(found := next(free, waiting[0]))
        yield found


def is_child(pairs: Pairs, child: str, parent: str) -> sql.Composed:
    """Return the condition that the row `child` refers to the row `parent`."""
    return sql.SQL(" AND ").join(
        sql.SQL("{}.{} = {}.{}").format(
            sql.SQL(child), sql.Identifier(column), sql.SQL(parent), sql.Identifier(referenced)
        )
        for column, referenced in pairs
    )


def pairs_of(child: Child, table: Table, parent: Table) -> Pairs:
    """Return the columns by which rows of the child refer to one of the parent, each with that of the parent.

    A model declares one column of a foreign key. If the database has others in it, a row refers to the parent only if
    all of them agree.
    """
    declared = (column_of(child.model, child.field), referenced_column(child))
    return smallest(declared, (key[1:] for key in table.foreign_keys if key.parent == parent.root))


def smallest(
    declared: tuple[str, str], foreign_keys: Iterable[tuple[bool, Iterable[tuple[str, str]]]]
) -> Pairs:
    """Return the foreign key of the fewest columns that has the declared pair, or only that one if there is none.

    foreign_keys: whether each is validated, and its columns. One that is not counts only if none is.
    """
    holding = (
        (not is_validated, tuple(sorted(pairs))) for is_validated, pairs in foreign_keys if declared in pairs
    )
    return min(holding, key=lambda one: (one[0], len(one[1]), one[1]), default=(False, (declared,)))[1]


def referenced_column(child: Child) -> str:
    """Return the parent's column that the child's foreign key references."""
    return cast("ForeignKey[Any, Any]", child.model._meta.get_field(child.field)).target_field.column or ""
