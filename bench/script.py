"""The hand-written SQL script: a few plain statements per table that transfer all pairs at once.

It has no audit, no archive of deleted rows, no counts, no verification, and no support for concurrent transfers. The
statements are composed from the registry so that none is missing, but each is what an expert on the tables would write:
every owner is searched for by its index. `pairs` is either the table of all pairs or a single pair, because the
contestant "pair by pair" runs the same statements. `bench/careful.py` adds to them what a careful expert would.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from transfers.engine.catalog.tables import Key, Table
from transfers.rules import (
    ArrayColumn,
    Child,
    Column,
    Combine,
    DataType,
    JsonPath,
    KeepSource,
    KeepTarget,
    Latest,
    Max,
    Merge,
    Min,
    Or,
    Overwrite,
    Rename,
    Sum,
)

ALL_PAIRS = sql.SQL("pairs AS p")
ONE_PAIR = sql.SQL("(VALUES (%(source)s::bigint, %(target)s::bigint)) AS p (from_user, to_user)")

MAKE_PAIRS = (
    "CREATE TEMP TABLE pairs (from_user bigint PRIMARY KEY, to_user bigint NOT NULL UNIQUE) ON COMMIT DROP"
)
FILL_PAIRS = "INSERT INTO pairs SELECT * FROM unnest(%s::bigint[], %s::bigint[])"

MOVE = "UPDATE {table} AS t SET {owner} = p.to_user FROM {pairs} WHERE t.{owner} = p.from_user"
MOVE_UNLESS_CLASH = MOVE + " AND NOT ({predicate} AND {clash})"
DELETE_REST = "DELETE FROM {table} AS t USING {pairs} WHERE t.{owner} = p.from_user"
RENAME = """
UPDATE {table} AS t SET {owner} = p.to_user,
    {name} = CASE WHEN {predicate} AND {clash} THEN left(t.{name}, {length} - 4) || ' (2)' ELSE t.{name} END
FROM {pairs} WHERE t.{owner} = p.from_user
"""
CLASH = "EXISTS (SELECT FROM {keyed} AS k WHERE k.{owner} = p.to_user{same_k})"
DELETE_WEAKER = """
DELETE FROM {table} AS t USING {pairs} WHERE p.to_user = t.{owner} AND {predicate} AND EXISTS (
    SELECT FROM {keyed} AS s WHERE s.{owner} = p.from_user{same_s}{stronger}
)
"""
MERGE = """
UPDATE {table} AS t SET {folds} FROM {pairs}, {keyed} AS s
WHERE t.{owner} = p.to_user AND s.{owner} = p.from_user{same_s}
"""
REPLACED = """
SELECT r.{id}, p.from_user FROM {table} AS r JOIN {pairs} ON r.{owner} = p.to_user
WHERE EXISTS (SELECT FROM {table} AS s WHERE s.{owner} = p.from_user)
"""
REPLACE = """
DELETE FROM {table} AS t USING {pairs}
WHERE t.{owner} = p.to_user AND EXISTS (SELECT FROM {table} AS s WHERE s.{owner} = p.from_user)
"""
CHILDREN = (
    "SELECT c.{id}, p.from_user FROM {table} AS c JOIN ({parents}) AS p (id, from_user) ON c.{link} = p.id"
)
DELETE_CHILDREN = "DELETE FROM {table} AS t USING ({parents}) AS p (id, from_user) WHERE t.{link} = p.id"
IN_ARRAY = """
UPDATE {table} AS t SET {owner} = (
    SELECT array_agg(x.v ORDER BY x.place) FROM (
        SELECT coalesce((SELECT p.to_user FROM {pairs} WHERE p.from_user = e.v), e.v) AS v, min(e.place) AS place
        FROM unnest(t.{owner}) WITH ORDINALITY AS e (v, place) GROUP BY 1
    ) AS x
)
WHERE t.{owner} && (SELECT array_agg(p.from_user)::{type} FROM {pairs})
"""
IN_JSON = """
UPDATE {table} AS t SET {owner} = jsonb_set(t.{owner}, {path}, (
    SELECT jsonb_agg(x.v ORDER BY x.place) FROM (
        SELECT coalesce((SELECT to_jsonb(p.to_user) FROM {pairs} WHERE p.from_user = e.v::bigint), e.v) AS v,
            min(e.place) AS place
        FROM jsonb_array_elements(t.{owner}{steps}) WITH ORDINALITY AS e (v, place) GROUP BY 1
    ) AS x
))
WHERE t.{id} IN (SELECT r.{id} FROM {pairs} JOIN {table} AS r ON (r.{owner}{steps}) @> to_jsonb(p.from_user))
"""
# The source users that an updated row named before.
NAMED_IN_ARRAY = "SELECT p.from_user FROM {pairs} WHERE p.from_user = ANY (old.{owner})"
NAMED_IN_JSON = """
SELECT p.from_user FROM {pairs}
WHERE p.from_user IN (SELECT e.v::bigint FROM jsonb_array_elements(old.{owner}{steps}) AS e (v))
"""
FOLDS = {
    Sum: "{column} = least(t.{column}::numeric + s.{column}, {largest})",
    Max: "{column} = greatest(t.{column}, s.{column})",
    Min: "{column} = least(t.{column}, s.{column})",
    Or: "{column} = t.{column} OR s.{column}",
}
LARGEST = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}


class NotWritten(Exception):
    """A contestant does not support the rule, owners or unique keys of a data type yet."""

    def __init__(self, entry: DataType, where: str = "bench/script.py") -> None:
        super().__init__(
            f"{where} does not support the rule, owners or unique keys of {entry.name}. Add them there."
        )


@dataclass(frozen=True)
class Step:
    """A statement, the table that it changes, and what it does to its rows: "moved", "merged" or "deleted".

    The pair of a changed row is `p` in the statement. An updated row with a list of users can belong to several pairs:
    `named` is then a query of their source users.
    """

    statement: sql.Composed
    table: str
    effect: str
    named: sql.Composed | None = None


def statements(entry: DataType, table: Table, pairs: sql.SQL = ALL_PAIRS) -> list[sql.Composed]:
    """Return the statements that transfer one data type, in order of execution."""
    return [step.statement for step in steps(entry, table, pairs)]


def steps(entry: DataType, table: Table, pairs: sql.SQL = ALL_PAIRS) -> Iterator[Step]:
    return Script(entry, table, pairs).steps()


class Script:
    """Composes the statements that transfer one data type."""

    def __init__(self, entry: DataType, table: Table, pairs: sql.SQL) -> None:
        self.entry, self.table = entry, table
        owners = [owner.field for owner in entry.owners]
        self.owners = [column(entry.model, field) for field in owners]
        self.keys = [key for key in table.keys_with(self.owners) if not key.is_primary]
        self.names: dict[str, sql.Composable] = {
            "table": sql.Identifier(table.name),
            "pairs": pairs,
            "id": sql.Identifier(str(entry.model._meta.pk.column)),
            "owner": sql.Identifier(self.owners[0]),
        }

    def fill(self, text: str, **more: sql.Composable) -> sql.Composed:
        return sql.SQL(text).format(**{**self.names, **more})

    def step(self, effect: str, text: str, named: str = "", **more: sql.Composable) -> Step:
        found = self.fill(named, **more) if named else None
        return Step(self.fill(text, **more), self.table.name, effect, found)

    def steps(self) -> Iterator[Step]:
        rule = self.entry.rule
        alone = len(self.owners) == 1 and isinstance(self.entry.owners[0], Column)
        if isinstance(rule, Overwrite) and alone:
            yield from self.overwrite()
        elif isinstance(rule, Combine) and not self.keys:
            yield from self.move_all()
        elif isinstance(rule, Combine) and alone and len(self.keys) == 1:
            yield from self.combine(rule.on_clash or KeepTarget(), self.keys[0])
        else:
            raise NotWritten(self.entry)

    def overwrite(self) -> Iterator[Step]:
        replaced = self.fill(REPLACED)
        for child in self.entry.children:
            yield from delete_children(child, replaced)
        yield self.step("deleted", REPLACE)
        yield self.step("moved", MOVE)

    def move_all(self) -> Iterator[Step]:
        for owner, name in zip(self.entry.owners, self.owners, strict=True):
            names: dict[str, sql.Composable] = {"owner": sql.Identifier(name)}
            match owner:
                case Column(holds="id"):
                    yield self.step("moved", MOVE, **names)
                case ArrayColumn():
                    names["type"] = sql.SQL(self.table.columns[name])
                    yield self.step("moved", IN_ARRAY, NAMED_IN_ARRAY, **names)
                case JsonPath(path=path, as_text=False):
                    names |= {"path": sql.Literal(list(path)), "steps": arrows(path)}
                    yield self.step("moved", IN_JSON, NAMED_IN_JSON, **names)
                case _:
                    raise NotWritten(self.entry)

    def combine(self, policy: object, key: Key) -> Iterator[Step]:
        names = self.key_names(key)
        match policy:
            case KeepSource():
                yield self.step("deleted", DELETE_WEAKER, stronger=sql.SQL(""), **names)
            case Latest(by=by):
                stronger = self.fill(" AND s.{by} > t.{by}", by=self.identifier(by))
                yield self.step("deleted", DELETE_WEAKER, stronger=stronger, **names)
            case Merge(columns=columns) if key.predicate == "true":
                yield self.step("merged", MERGE, folds=self.folds(columns), **names)
            case Rename(field=field):
                names |= {"name": self.identifier(field), "length": sql.Literal(200)}
                yield self.step("moved", RENAME, **names)
                return
            case KeepTarget():
                pass
            case _:
                raise NotWritten(self.entry)
        yield self.step("moved", MOVE_UNLESS_CLASH, **names)
        yield self.step("deleted", DELETE_REST)

    def key_names(self, key: Key) -> dict[str, sql.Composable]:
        others = [part for part in key.expressions if part != self.owners[0]]
        if not set(others) <= set(self.table.columns):
            raise NotWritten(self.entry)
        same = {
            f"same_{row}": sql.SQL("").join(
                sql.SQL(" AND {0}.{1} = t.{1}").format(sql.SQL(row), sql.Identifier(part)) for part in others
            )
            for row in "ks"
        }
        whole = key.predicate == "true"
        part = self.fill("(SELECT * FROM {table} WHERE {predicate})", predicate=sql.SQL(key.predicate))
        names = {"keyed": self.names["table"] if whole else part, "predicate": sql.SQL(key.predicate), **same}
        return {**names, "clash": self.fill(CLASH, **names)}

    def folds(self, columns: Mapping[str, object]) -> sql.Composed:
        return sql.SQL(", ").join(
            sql.SQL(FOLDS[type(fold)]).format(
                column=self.identifier(field),
                largest=sql.Literal(
                    LARGEST.get(self.table.columns[column(self.entry.model, field)], 2**63 - 1)
                ),
            )
            for field, fold in columns.items()
        )

    def identifier(self, field: str) -> sql.Identifier:
        return sql.Identifier(column(self.entry.model, field))


def delete_children(child: Child, parents: sql.Composed) -> Iterator[Step]:
    """Yield the steps that delete the child rows of rows to be deleted, deepest level first.

    `parents` is a query for the IDs of these rows and the source users of their pairs.
    """
    name = child.model._meta.db_table
    names = {
        "table": sql.Identifier(name),
        "link": sql.Identifier(column(child.model, child.field)),
        "id": sql.Identifier(str(child.model._meta.pk.column)),
        "parents": parents,
    }
    for grandchild in child.children:
        yield from delete_children(grandchild, sql.SQL(CHILDREN).format(**names))
    yield Step(sql.SQL(DELETE_CHILDREN).format(**names), name, "deleted")


def arrows(path: tuple[str, ...]) -> sql.Composed:
    """Return one `->` per key, as in the expression of the index; with `#>` the whole table would be read."""
    return sql.SQL("").join(sql.SQL(" -> {}").format(sql.Literal(key)) for key in path)


def column(model: Any, field: str) -> str:
    return str(model._meta.get_field(field).column)
