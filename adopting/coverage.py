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
from transfers.checks.introspection import model_named
from transfers.engine.catalog.names import parts_of
from transfers.engine.compiler.owners import column_of
from transfers.registry import data_types, declarations, not_transferred
from wording.display_text import prose

# The columns of the adopted schemas, and whether the database numbers the rows by them, and those that identify people
# in any schema. Partitions are in their table.
COLUMNS = r"""
SELECT n.nspname, c.relname, a.attname, format_type(coalesce(nullif(t.typbasetype, 0), t.oid), NULL),
    a.attidentity <> '' OR coalesce(pg_get_expr(d.adbin, d.adrelid) ~ '^nextval\(|uuid[a-z0-9_]*\(\)', false)
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type AS t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE n.nspname = ANY (%(schemas)s) AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    OR lower(concat_ws('.', n.nspname, c.relname, a.attname)) = ANY (%(people)s)
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
Path = tuple[str, str, str]  # schema, table and column: a name may have dots


@dataclass(frozen=True)
class Covered:
    """A column in which a person stands, as "schema.table.column".

    state: "transferred", "not transferred" or "undecided".

    is_asked: an open question is about it.
    """

    column: str
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
    columns, people, foreign = read(declared)
    owners, stays = owner_columns(), kept_columns({*columns, *(path for path, _, _ in foreign)})
    asked = open_questions()
    found: set[Path] = set()
    for one in declared:
        person, key = people.get(one.people.lower(), (as_path(one.people), "bigint"))
        found |= people_columns(one, person, key, columns, foreign) | declared_columns(one, owners, stays)
    return [state_of(path, owners, stays, asked) for path in sorted(found)]


def undecided(columns: Iterable[Covered]) -> list[Covered]:
    return [column for column in columns if column.state == "undecided"]


def state_of(path: Path, owners: dict[Path, str], stays: dict[Path, str], asked: list[Question]) -> Covered:
    column = ".".join(path)
    abouts = [text_of(path), text_of(path[:2])] if path in owners else [text_of(path)]
    for question in asked:
        if any(f", {prose(about)}, " in f", {prose(question.about)}, " for about in abouts):
            return Covered(column, "undecided", f"{question.text} ({question.where})", is_asked=True)
    if path in owners:
        return Covered(column, "transferred", owners[path])
    if path in stays:
        return Covered(column, "not transferred", stays[path])
    return Covered(column, "undecided", "it is neither an owner nor in NOT_TRANSFERRED.")


def text_of(path: Iterable[str]) -> str:
    """Return the column, or its table, as people write it: with dots between, in lower case as in NOT_TRANSFERRED."""
    return ".".join(path).lower()


def as_path(text: str) -> Path:
    """Return the path of a column that is not there, of which only the text is known."""
    schema, table, column = ["", "", *text.rsplit(".", 2)][-3:]
    return schema, table, column


# --- What the database has -------------------------------------------------------------------------------------------


def read(
    declared: list[Adopted],
) -> tuple[dict[Path, str], dict[str, tuple[Path, str]], list[tuple[Path, Path, bool]]]:
    """Return the columns of the adopted schemas, those that identify people, and the foreign keys of all schemas.

    The columns have their types.
    """
    schemas = sorted({schema for one in declared for schema in one.schemas})
    wanted = [one.people.lower() for one in declared]
    columns, people = dict[Path, str](), dict[str, tuple[Path, str]]()
    with connection.cursor() as cursor:
        cursor.execute(COLUMNS, {"schemas": schemas, "people": wanted})
        for *names, sql_type, counts in cursor.fetchall():
            if text_of(names) in wanted:
                people[text_of(names)] = ((names[0], names[1], names[2]), sql_type)
            elif not counts:
                columns[names[0], names[1], names[2]] = sql_type
        cursor.execute(FOREIGN_KEYS)
        rows = [(row[:3], row[3:6], row[6]) for row in cursor.fetchall()]
    return columns, people, rows


def people_columns(
    one: Adopted,
    person: Path,
    key: str,
    columns: dict[Path, str],
    foreign: list[tuple[Path, Path, bool]],
) -> set[Path]:
    """Return the columns with a foreign key to people, directly or by a row that stands for one, or named like them.

    person: the column that identifies a person. key: its type.
    """
    by_values = {path.lower() for path in one.found}
    found = {path for path in columns if text_of(path) in by_values}
    holders, new = {person}, {person}
    while new:
        step = {(path, is_unique) for path, target, is_unique in foreign if target in new}
        found |= {path for path, _ in step}
        new = {path for path, is_unique in step if is_unique} - holders
        holders |= new
    others = {path for path in columns if is_adopted(path, one)} - {path for path, _, _ in foreign}
    also = frozenset({singular(word) for word in tokens(person[1])[-1:]} - {"people"})
    named = {path for path in others if named_like_people(path[2], columns[path], key, also)}
    return found | (named - references())


def is_adopted(path: Path, one: Adopted) -> bool:
    if one.tables:
        return text_of(path[:2]) in {table.lower() for table in one.tables}
    return path[0] in one.schemas


# --- What is declared ------------------------------------------------------------------------------------------------


def declared_columns(one: Adopted, owners: dict[Path, str], stays: dict[Path, str]) -> set[Path]:
    return {path for path in (*owners, *stays) if path[0] in one.schemas}


def owner_columns() -> dict[Path, str]:
    return {
        path_of(entry.model._meta.db_table, column_of(entry.model, owner.field)): entry.name
        for entry in data_types()
        for owner in entry.owners
    }


def kept_columns(known: Iterable[Path]) -> dict[Path, str]:
    """Return the columns in NOT_TRANSFERRED, by their model or as one of the known columns, with the reasons."""
    stays = not_transferred()
    found = {path: stays[text_of(path)] for path in known if text_of(path) in stays}
    for name, reason in stays.items():
        if model := model_named(name):
            found[path_of(model._meta.db_table, column_of(model, name.split(".")[2]))] = reason
    return found


def path_of(db_table: str, column: str) -> Path:
    schema, table = [settings.APP_SCHEMA, *parts_of(db_table)][-2:]
    return schema, table, column


def references() -> set[Path]:
    """Return the columns that models declare as references to other rows than those of our users."""
    return {
        path_of(model._meta.db_table, field.column)
        for model in apps.get_models()
        for field in model._meta.local_concrete_fields
        if isinstance(field, ForeignKey) and field.related_model is not User and field.column
    }
