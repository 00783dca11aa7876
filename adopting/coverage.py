"""Every column in which a person stands, with what a transfer does with it."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.models import ForeignKey

from accounts.models import User
from adopting.people.names import singular, tokens
from adopting.people.standing import named_like_people
from adopting.questions import Adopted, Question, open_questions
from transfers.engine.catalog.names import parts_of
from transfers.engine.compiler.owners import column_of
from transfers.registry import data_types, declarations, not_transferred

# The columns of the adopted schemas, and whether the database numbers the rows by them. Partitions are in their
# table.
COLUMNS = r"""
SELECT n.nspname, c.relname, a.attname, format_type(coalesce(nullif(t.typbasetype, 0), t.oid), NULL),
    a.attidentity <> '' OR coalesce(pg_get_expr(d.adbin, d.adrelid) ~ '^nextval\(|uuid[a-z0-9_]*\(\)', false)
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type AS t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE n.nspname = ANY (%(schemas)s) AND c.relkind IN ('r', 'p') AND NOT c.relispartition
ORDER BY n.nspname, c.relname, a.attnum
"""
FOREIGN_KEYS = """
SELECT n.nspname, c.relname, a.attname, rn.nspname, r.relname, ra.attname, EXISTS (
    SELECT FROM pg_index AS i WHERE i.indrelid = k.conrelid AND i.indisunique AND i.indnkeyatts = 1
        AND i.indkey[0] = a.attnum AND i.indpred IS NULL
)
FROM pg_constraint AS k
JOIN pg_class AS c ON c.oid = k.conrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_class AS r ON r.oid = k.confrelid
JOIN pg_namespace AS rn ON rn.oid = r.relnamespace
CROSS JOIN LATERAL unnest(k.conkey, k.confkey) AS u (own, referenced)
JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.own
JOIN pg_attribute AS ra ON ra.attrelid = k.confrelid AND ra.attnum = u.referenced
WHERE k.contype = 'f' AND k.conparentid = 0 AND NOT c.relispartition
"""
Path = str  # "schema.table.column" in lower case, as in NOT_TRANSFERRED


@dataclass(frozen=True)
class Covered:
    """A column in which a person stands. `state` is "transferred", "not transferred" or "undecided".

    is_asked: an open question is about it.
    """

    column: Path
    state: str
    by: str
    is_asked: bool = False

    def __str__(self) -> str:
        words = {"transferred": " by ", "not transferred": " because ", "undecided": ": "}
        return f"{self.column}  {self.state}{words[self.state]}{self.by}"


def adopted() -> list[Adopted]:
    """Return what the apps declare to have adopted."""
    return [module.ADOPTED for module in declarations() if hasattr(module, "ADOPTED")]


def coverage() -> list[Covered]:
    """Return the columns of all adopted schemas, and the foreign keys to people of any schema."""
    declared = list(adopted())
    if not declared:
        return []
    columns, foreign = read(declared)
    owners, stays = owner_columns(), kept_columns()
    asked = open_questions()
    found: dict[Path, Covered] = {}
    for one in declared:
        for path in sorted(people_columns(one, columns, foreign) | declared_columns(one, owners, stays)):
            found[path] = state_of(path, owners, stays, asked)
    return [found[path] for path in sorted(found)]


def undecided(columns: Iterable[Covered]) -> list[Covered]:
    return [column for column in columns if column.state == "undecided"]


def state_of(path: Path, owners: dict[Path, str], stays: dict[Path, str], asked: list[Question]) -> Covered:
    abouts = {path, path.rpartition(".")[0]} if path in owners else {path}
    for question in asked:
        if not abouts.isdisjoint(question.about.split(", ")):
            return Covered(path, "undecided", f"{question.text} ({question.where})", is_asked=True)
    if path in owners:
        return Covered(path, "transferred", owners[path])
    if path in stays:
        return Covered(path, "not transferred", stays[path])
    return Covered(path, "undecided", "it is neither an owner nor in NOT_TRANSFERRED.")


# --- What the database has -------------------------------------------------------------------------------------------


def read(declared: list[Adopted]) -> tuple[dict[Path, str], list[tuple[Path, Path, bool]]]:
    """Return the columns of the adopted schemas with their types, and the foreign keys of all schemas."""
    schemas = sorted({schema for one in declared for schema in one.schemas})
    with connection.cursor() as cursor:
        cursor.execute(COLUMNS, {"schemas": schemas})
        columns = {
            ".".join(names).lower(): sql_type for *names, sql_type, counts in cursor.fetchall() if not counts
        }
        cursor.execute(FOREIGN_KEYS)
        rows = [(".".join(row[:3]).lower(), ".".join(row[3:6]).lower(), row[6]) for row in cursor.fetchall()]
    return columns, rows


def people_columns(
    one: Adopted, columns: dict[Path, str], foreign: list[tuple[Path, Path, bool]]
) -> set[Path]:
    """Return the columns with a foreign key to people, directly or by a row that stands for one, or named like them."""
    people = one.people.lower()
    found = {path.lower() for path in one.found} & set(columns)
    holders, new = {people}, {people}
    while new:
        step = {(path, is_unique) for path, target, is_unique in foreign if target in new}
        found |= {path for path, _ in step}
        new = {path for path, is_unique in step if is_unique} - holders
        holders |= new
    others = set(columns) - {path for path, _, _ in foreign} - {people} - references()
    return found | {path for path in others if is_named_like_people(path, one, columns)}


def is_named_like_people(path: Path, one: Adopted, columns: dict[Path, str]) -> bool:
    schema, name = path.partition(".")[0], path.rpartition(".")[2]
    also = frozenset({singular(tokens(one.people.split(".")[1])[-1])} - {"people"})
    is_adopted = schema in {schema.lower() for schema in one.schemas}
    if one.tables:
        is_adopted = path.rpartition(".")[0] in {table.lower() for table in one.tables}
    return is_adopted and named_like_people(
        name, columns[path], columns.get(one.people.lower(), "bigint"), also
    )


# --- What is declared ------------------------------------------------------------------------------------------------


def declared_columns(one: Adopted, owners: dict[Path, str], stays: dict[Path, str]) -> set[Path]:
    schemas = {schema.lower() for schema in one.schemas}
    return {path for path in (*owners, *stays) if path.split(".")[0] in schemas}


def owner_columns() -> dict[Path, str]:
    return {
        path_of(entry.model._meta.db_table, column_of(entry.model, owner.field)): entry.name
        for entry in data_types()
        for owner in entry.owners
    }


def kept_columns() -> dict[Path, str]:
    """Return the columns in NOT_TRANSFERRED by the name of their table, with the reasons."""
    found = {}
    for name, reason in not_transferred().items():
        *path, field = name.split(".")
        model = apps.all_models.get(path[0], {}).get(path[1]) if len(path) == 2 else None
        found[path_of(model._meta.db_table, column_of(model, field)) if model else name] = reason
    return found


def path_of(db_table: str, column: str) -> Path:
    parts = parts_of(db_table)
    return ".".join([*(parts if len(parts) > 1 else (settings.APP_SCHEMA, *parts)), column]).lower()


def references() -> set[Path]:
    """Return the columns that models declare as references to other rows than those of our users."""
    return {
        path_of(model._meta.db_table, field.column)
        for model in apps.get_models()
        for field in model._meta.local_concrete_fields
        if isinstance(field, ForeignKey) and field.related_model is not User and field.column
    }
