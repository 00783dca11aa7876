"""Take back lists of users, in arrays and documents, for some of their pairs only.

Such a list is what mapping the users of its pairs leaves (`compiler.owners`). So without a pair it is the list as it
was before the transfer, mapped for the users of the other pairs. A list of external IDs can be mapped as long as the
users have the same external IDs as during the transfer.
"""

from collections.abc import Iterator
from dataclasses import replace

from psycopg import sql

from accounts.models import User
from transfers.engine.catalog.names import identifier
from transfers.engine.compiler.owners import OwnerSql, compile_owner, mapped_columns
from transfers.engine.compiler.steps import comma, fill
from transfers.engine.undo.tables import UndoneTable, filled

PARTNERS = """
(SELECT x.source_id AS source, x.target_id AS target FROM transfers_transferpair AS x
WHERE x.id = ANY (coalesce(c.partners, ARRAY[c.undone])) AND {which})
"""
# The columns are those of the stage of attributes.
PARTNERS_BY_ATTRIBUTE = """
(SELECT {holds} AS holds,
    s.{attribute}::text AS source, source_values.as_bigint AS source_bigint,
    source_values.as_numeric AS source_numeric, source_values.as_uuid AS source_uuid,
    source_values.as_bpchar AS source_bpchar,
    t.{attribute}::text AS target, target_values.as_bigint AS target_bigint,
    target_values.as_numeric AS target_numeric, target_values.as_uuid AS target_uuid,
    target_values.as_bpchar AS target_bpchar
FROM transfers_transferpair AS x
JOIN {users} AS s ON s.id = x.source_id AND s.{attribute}::text <> ''
JOIN {users} AS t ON t.id = x.target_id AND t.{attribute}::text <> ''
CROSS JOIN LATERAL {source_values} AS source_values
CROSS JOIN LATERAL {target_values} AS target_values
WHERE x.id = ANY (coalesce(c.partners, ARRAY[c.undone])) AND {which})
"""
OTHERS_ONLY = """
DELETE FROM {changes} AS c
WHERE c.pair = 0 AND NOT EXISTS (SELECT FROM {changes} AS f WHERE {same_record} AND f.pair <> 0)
"""
NOTE_PARTNERS = """
UPDATE {changes} AS c SET partners = ARRAY[c.undone]
WHERE c.partners IS NULL AND c.what = 'changed' AND EXISTS (
    SELECT FROM {changes} AS f WHERE {same_record} AND f.undone <> c.undone
)
"""
UNITE_LISTS = """
UPDATE {changes} AS c SET partners = ARRAY(SELECT DISTINCT unnest(f.partners) {of_record} ORDER BY 1), {originals}
FROM transfers_transferpair AS of_c
WHERE of_c.id = c.undone AND c.pair <> 0 AND c.lists <> '{{}}'
"""
OF_RECORD = """
FROM {changes} AS f JOIN transfers_transferpair AS of_f ON of_f.id = f.undone
WHERE {same_record} AND f.lists <> '{{}}' AND of_f.transfer_id = of_c.transfer_id AND {is_one}
"""
# No entry between the two gave the key to another record.
IS_ONE = """
NOT EXISTS (
    SELECT FROM {changes} AS g
    WHERE {same_key} AND ({gives}) AND g.entry > least(c.entry, f.entry) AND g.entry <= greatest(c.entry, f.entry)
)
"""
# The first entry that changed a list has its original.
ORIGINAL = "{o} = (SELECT f.{b} {of_record} AND {n} = ANY (f.lists) ORDER BY f.entry LIMIT 1)"
# The pairs of a record are taken back one after the other, in the order of their ranks. `gone` are those before.
MAP_LISTS = """
UPDATE {changes} AS c SET {assignments}
FROM (
    SELECT e.ctid AS place, ARRAY(
        SELECT f.undone FROM {changes} AS f
        WHERE {same_record} AND f.partners = e.partners AND f.rank < e.rank AND f.why IS NULL
    ) AS gone
    FROM {changes} AS e
    WHERE e.rank = {rank} AND e.why IS NULL AND e.lists <> '{{}}'
) AS earlier
WHERE earlier.place = c.ctid
"""
BEFORE_AND_AFTER = """
{a} = CASE WHEN {n} = ANY (c.lists) THEN {with_pair} ELSE c.{a} END,
{b} = CASE WHEN {n} = ANY (c.lists) THEN {without_pair} ELSE c.{b} END
"""
STILL_TRANSFERRED = sql.SQL("x.undone_by_id IS NULL AND x.id <> ALL (earlier.gone)")
OTHERS_STILL_TRANSFERRED = sql.SQL("{} AND x.id <> c.undone").format(STILL_TRANSFERRED)


def list_columns(entry: UndoneTable) -> list[int]:
    """Return the numbers of the columns with lists of users that can be taken back for one user alone.

    All owners in the column are lists, and the table has one data type, which decides how they are mapped.
    """
    return [n for n, name in enumerate(entry.columns) if list_owners(entry, name)]


def list_owners(entry: UndoneTable, name: str) -> list[OwnerSql]:
    if len(entry.types) != 1:
        return []
    [data_type] = entry.types
    owners = [compile_owner(data_type.model, owner, entry.table) for owner in data_type.owners]
    of_column = [owner for owner in owners if owner.column == name]
    return of_column if all(not owner.is_scalar for owner in of_column) else []


def note_partners(entry: UndoneTable) -> Iterator[sql.Composed]:
    """Note as partner of a record the pair of an entry, if other pairs changed the record in other batches."""
    names = {"changes": entry.name("changes"), "same_record": entry.same_record("f", "c")}
    yield filled(OTHERS_ONLY, **names)
    yield filled(NOTE_PARTNERS, **names)


def unite_lists(entry: UndoneTable) -> Iterator[sql.Composed]:
    """Give each list its original, and as partners the pairs of the transfer that changed it in any batch."""
    changes = entry.name("changes")
    of_record = filled(
        OF_RECORD, changes=changes, same_record=entry.same_record("f", "c"), is_one=is_one_record(entry)
    )
    originals = (
        sql.SQL(ORIGINAL).format(
            b=sql.Identifier(f"b{n}"), o=sql.Identifier(f"o{n}"), n=sql.Literal(n), of_record=of_record
        )
        for n in entry.lists
    )
    yield filled(UNITE_LISTS, changes=changes, of_record=of_record, originals=comma(originals))
    yield filled("DELETE FROM {changes} WHERE pair = 0", changes=changes)


def is_one_record(entry: UndoneTable) -> sql.Composable:
    """Return the condition that two entries `c` and `f` with the same key are about the same record.

    The lists are united before it is known which records return (`gone`), so `same_record` compares the keys alone.
    """
    gives = [
        filled("g.{} IS DISTINCT FROM g.{}", sql.Identifier(f"b{n}"), sql.Identifier(f"a{n}"))
        for n, name in enumerate(entry.columns)
        if name in entry.keys
    ]
    if not gives:
        return sql.SQL("true")
    names = {"changes": entry.name("changes"), "same_key": entry.same_record("g", "c")}
    return filled(IS_ONE, gives=sql.SQL(" OR ").join(gives), **names)


def map_lists(entry: UndoneTable, rank: int) -> sql.Composed:
    """Set the lists of the records of a rank to what the other pairs leave, with this pair and without.

    Pairs that stay, because of a conflict or because they are not undone at all, keep their part of each list.
    """
    assignments = (
        sql.SQL(BEFORE_AND_AFTER).format(
            n=sql.Literal(n),
            a=sql.Identifier(f"a{n}"),
            b=sql.Identifier(f"b{n}"),
            with_pair=mapped_list(entry, n, f"o{n}", STILL_TRANSFERRED),
            without_pair=mapped_list(entry, n, f"o{n}", OTHERS_STILL_TRANSFERRED),
        )
        for n in entry.lists
    )
    return filled(
        MAP_LISTS,
        changes=entry.name("changes"),
        assignments=comma(assignments),
        same_record=entry.same_record("f", "e"),
        rank=sql.Literal(rank),
    )


def partners(owner: OwnerSql, which: sql.Composable) -> sql.Composed:
    """Return the stage, as the owner needs it, of those partners `x` of the row `c` for which `which` is true."""
    if not owner.attribute:
        return sql.SQL(PARTNERS).format(which=which)
    attribute = sql.Identifier(owner.attribute)
    return sql.SQL(PARTNERS_BY_ATTRIBUTE).format(
        holds=sql.Literal(owner.attribute),
        attribute=attribute,
        users=identifier(User),
        source_values=fill("parts/as_values", text=sql.SQL("s.{}::text").format(attribute)),
        target_values=fill("parts/as_values", text=sql.SQL("t.{}::text").format(attribute)),
        which=which,
    )


def mapped_list(entry: UndoneTable, number: int, before: str, which: sql.Composable) -> sql.Composed:
    """Return a list after the mapping of those partners `x` of the row `c` for which the condition `which` is true.

    before: the column of `c` with the list as it was before the transfer.
    """
    name = entry.columns[number]
    owners = (replace(owner, stage=partners(owner, which)) for owner in list_owners(entry, name))
    return sql.SQL("(SELECT {} FROM (SELECT c.{} AS {}) AS r)").format(
        mapped_columns(owners)[name], sql.Identifier(before), sql.Identifier(name)
    )
