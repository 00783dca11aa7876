"""What hangs on the rows of a data type: what goes with a row that is gone, and what is handed on.

Below rows that lost, children are treated like rows of a data type of their own: those that go are noted in the work
table, and what hangs on these follows by the same rules. The preview notes and counts; the run carries it out, the
deepest first.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from django.db.models import ForeignKey
from psycopg import sql

from transfers.engine.catalog import Table
from transfers.engine.owners import column_of
from transfers.engine.steps import Names, Step, comma, fill, key_names, step
from transfers.rules import Child

Tables = Mapping[str, Table]


# --- Below rows that a straight type overwrites --------------------------------------------------------------------


def overwritten_children(children: tuple[Child, ...], names: Names, step_name: str) -> Iterator[Step]:
    """One step for each model below the replaced rows, the deepest first."""
    return (step(step_name, **names, **place) for place in places(children))


def places(children: tuple[Child, ...], above: tuple[Child, ...] = ()) -> Iterator[Names]:
    """The names for each model of the tree, the deepest first, with the way up to the data type's rows `r`."""
    for child in children:
        yield from places(child.children, (*above, child))
        yield child_names(child) | way_up(child, above)


def way_up(child: Child, above: tuple[Child, ...]) -> Names:
    """`parents`: the tables between the child `c` and the row `r`; `child_of_parent`: how they hang together."""
    aliases = ["r", *(f"_parent{i}" for i in range(len(above))), "c"]
    links = zip((*above, child), aliases, aliases[1:], strict=False)
    condition = sql.SQL(" AND ").join(
        sql.SQL("{}.{} = {}.{}").format(
            sql.SQL(lower),
            sql.Identifier(column_of(link.model, link.field)),
            sql.SQL(upper),
            sql.Identifier(referenced_column(link)),
        )
        for link, upper, lower in links
    )
    parents = sql.SQL("").join(
        sql.SQL("{} AS {}, ").format(sql.Identifier(parent.model._meta.db_table), sql.SQL(alias))
        for parent, alias in zip(above, aliases[1:], strict=False)
    )
    return {"parents": parents, "child_of_parent": condition}


# --- Below rows of a judged type that lost -------------------------------------------------------------------------


@dataclass(frozen=True)
class Branch:
    """A child model below rows that are noted as lost in the work table, under the type `parent_type`."""

    child: Child
    parent: str
    parent_type: str
    names: Names

    @property
    def child_type(self) -> str:
        return f"{self.parent_type} > {self.child.model._meta.db_table}"

    @property
    def own_names(self) -> Names:
        parent_type = {"type": sql.Literal(self.parent_type)}
        return (
            self.names
            | child_names(self.child)
            | {
                "parent": sql.Identifier(self.parent),
                "child_type": sql.Literal(self.child_type),
                "lost": fill("lost", **parent_type),
                "lost_by_pair": fill("lost_by_pair", **parent_type),
            }
        )

    @property
    def below(self) -> "list[Branch]":
        table = self.child.model._meta.db_table
        return [Branch(child, table, self.child_type, self.names) for child in self.child.children]


def lost_children(
    branches: list[Branch], tables: Tables, lock: sql.SQL, *, always: bool = False
) -> Iterator[Step]:
    """Notes and counts what goes, the highest first. `always`: they go whatever the type says, as with Overwrite."""
    for branch in branches:
        names = branch.own_names | {"lock": lock}
        goes = always or branch.child.goes_with_parent
        condition = sql.SQL("true") if goes else sql.SQL("w.winner IS NULL")
        yield step("children_going", goes_with_parent=condition, **names)
        if not goes:
            yield from clashing_children(branch, tables[branch.child.model._meta.db_table], names)
        yield step("tally_children", **names)
        yield from lost_children(branch.below, tables, lock, always=always)


def clashing_children(branch: Branch, table: Table, names: Names) -> Iterator[Step]:
    foreign_key = column_of(branch.child.model, branch.child.field)
    for index, key in enumerate(table.keys_with([foreign_key])):
        columns = columns_of(table, foreign_key, branch.child)
        yield step("children_clashing", **names, **columns, **key_names(key, table))
        if index:
            yield step("follow_winners", type=sql.Literal(branch.child_type))


def columns_of(table: Table, foreign_key: str, child: Child) -> Names:
    own = [sql.SQL("r.{}").format(sql.Identifier(column)) for column in table.columns]
    referenced = sql.Identifier(referenced_column(child))
    adopted = [
        sql.SQL("kept.{} AS {}").format(referenced, sql.Identifier(column)) if column == foreign_key else mine
        for column, mine in zip(table.columns, own, strict=True)
    ]
    return {"own_columns": comma(own), "adopted_columns": comma(adopted)}


def part_with_children(branches: list[Branch]) -> Iterator[Step]:
    """Discards the children that were noted and hands on the others, the deepest first."""
    for branch in branches:
        yield from part_with_children(branch.below)
        names = branch.own_names
        gone = fill("lost", type=sql.Literal(branch.child_type))
        of_child = {"table": names["child"], "table_name": names["child_name"], "lost": gone}
        yield step("discard", **names | of_child)
        if not branch.child.goes_with_parent:
            yield step("adopt_children", **names)


def child_names(child: Child) -> Names:
    table = child.model._meta.db_table
    return {
        "child": sql.Identifier(table),
        "child_name": sql.Literal(table),
        "foreign_key": sql.Identifier(column_of(child.model, child.field)),
        "referenced": sql.Identifier(referenced_column(child)),
    }


def referenced_column(child: Child) -> str:
    """The parent's column that the child's foreign key holds."""
    return cast("ForeignKey[Any, Any]", child.model._meta.get_field(child.field)).target_field.column or ""
