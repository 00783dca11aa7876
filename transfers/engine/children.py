"""What hangs on the rows of a data type: who goes with a row that is discarded, who is handed on."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from django.db.models import ForeignKey
from psycopg import sql

from transfers.engine.catalog import Table
from transfers.engine.owners import column_of
from transfers.engine.steps import Names, Step, comma, fill, key_names, step
from transfers.rules import Child

Tables = Mapping[str, Table]


def overwritten_children(children: tuple[Child, ...], names: Names, step_name: str) -> Iterator[Step]:
    """One step for each model below the replaced rows, the deepest first."""
    return (step(step_name, **names, **place) for place in places(children))


def lost_children(
    children: tuple[Child, ...], names: Names, step_name: str, *, always: bool = False
) -> Iterator[Step]:
    """The same below rows that lost; `always`: they go whatever the type says, as with Overwrite."""
    for child in children:
        goes = always or child.goes_with_parent
        condition = sql.SQL("true") if goes else sql.SQL("w.winner IS NULL")
        for place in places((child,)):
            yield step(step_name, goes_with_parent=condition, **names, **place)


def adopted_children(
    children: tuple[Child, ...], tables: Tables, names: Names, *, foretell: bool
) -> Iterator[Step]:
    """Children of rows that lost go to the row that was kept, unless that one has them already."""
    for child in children:
        if child.goes_with_parent:
            continue
        own = names | child_names(child)
        table = tables[child.model._meta.db_table]
        foreign_key = column_of(child.model, child.field)
        for key in table.keys_with([foreign_key]):
            clashing = fill(
                "clashing_children", **own, **key_names(key, table), **columns_of(table, foreign_key, child)
            )
            name = "clashing_children_preview" if foretell else "discard_clashing_children"
            yield step(name, clashing=clashing, **own)
        if not foretell:
            yield step("adopt_children", **own)


def columns_of(table: Table, foreign_key: str, child: Child) -> Names:
    own = [sql.SQL("c.{}").format(sql.Identifier(column)) for column in table.columns]
    referenced = sql.Identifier(referenced_column(child))
    adopted = [
        sql.SQL("kept.{} AS {}").format(referenced, sql.Identifier(column)) if column == foreign_key else mine
        for column, mine in zip(table.columns, own, strict=True)
    ]
    return {"own_columns": comma(own), "adopted_columns": comma(adopted)}


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
