"""Find the records that are no longer those of the two users, although the columns that were changed are as they were.

A record that others were folded into may have another owner now. An owner's number is that of another user if its kind
or its tenant was changed, or if the attribute that the column stores, such as the external ID, was.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from psycopg import sql

from transfers.engine.compiler.owners import OwnerSql, compile_owner
from transfers.engine.compiler.steps import comma
from transfers.engine.undo.loading.lists import mapped_list
from transfers.engine.undo.tables import UndoneTable, both, filled

# The source of the undo is the user to whom the transfer gave the record. Only the last entry that is about users and
# their values left it with this user, or with one of its pairs; references may have been changed after that.
NOT_OF_SOURCE = """
UPDATE {changes} AS c SET why = 'not theirs'
FROM {table} AS t, (
    SELECT DISTINCT ON ({keys}) ctid AS place FROM {changes}
    WHERE what IN ('folded', 'moved', 'changed') AND differs <> '{{}}'
    ORDER BY {keys}, rank
) AS last
WHERE last.place = c.ctid AND {is_record} AND c.why IS NULL AND c.what = ANY ({what}) AND NOT ({theirs})
"""
OF_ENTRY = """
(p.pair = c.pair OR p.pair IN (SELECT u.pair FROM transfer_undone AS u WHERE u.undone = ANY (c.joint)))
"""
# What a column held and holds of users, such as their external IDs, is not that of the pair's users any more. Lists
# that are divided (`lists`) have been mapped with the attributes of today.
OTHER_PERSONS = """
UPDATE {changes} AS c SET why = 'not theirs'
WHERE c.why IS NULL AND {n} = ANY (c.differs) AND ({n} = ANY (c.lists)) IS NOT TRUE AND c.{before} IS NOT NULL
    AND {of_others}
"""
# With `self_edges` "clear", the user of either role was in a column that is empty now.
NOT_GIVEN = """
NOT EXISTS (
    SELECT FROM {stage} AS p
    WHERE {staged} AND {target} = c.{before} AND ({source} = c.{after}) IS NOT FALSE AND {of_entry}
) AND CASE WHEN c.{after} IS NULL THEN NOT EXISTS (
    SELECT FROM {stage} AS p WHERE {staged} AND {source} = c.{before} AND {of_entry}
) ELSE true END
"""
# In a table of several data types, each maps the lists in its own way.
NOT_IN_LIST = """
NOT EXISTS (
    SELECT FROM {stage} AS p, (SELECT c.{before} AS {name}) AS b, (SELECT c.{after} AS {name}) AS a
    WHERE {had_target} AND {has_source} AND {of_entry}
)
"""
# A list is what mapping it with the attributes of today leaves. The rest of a document may be that of a trigger.
NOT_MAPPED = """
NOT (SELECT {same_lists} FROM (SELECT {mapped} AS {name} OFFSET 0) AS m, (SELECT c.{after} AS {name}) AS a)
"""
SAME_LIST = "({m})::text IS NOT DISTINCT FROM ({a})::text"
# Replaced rows were the target's, to whom the transfer gave the others; that is the source of the undo.
DELETED_NOT_THEIRS = """
UPDATE {deleted} AS d SET "_why" = 'not theirs'
WHERE d."_why" IS NULL AND d."_what" <> 'children'
    AND NOT CASE d."_what" WHEN 'replaced' THEN {of_source} ELSE {of_target} END
"""
OF_DELETED = 'p.pair = d."_pair"'
HELD = "EXISTS (SELECT FROM {stage} AS p WHERE {of_pair} AND {holds})"


def check_belonging(table: UndoneTable) -> Iterator[sql.Composed]:
    owners = owners_of(table)
    if not owners:
        return
    what = {group.what for group in table.changes} & checked(owners)
    if what:
        yield filled(
            NOT_OF_SOURCE,
            changes=table.name("changes"),
            table=table.table.identifier,
            is_record=table.is_record("t", "c"),
            what=sql.SQL("{}::text[]").format(sql.Literal(sorted(what))),
            keys=comma(table.identity),
            theirs=held(owners, "source", "t", OF_ENTRY),
        )
    by_attribute = [owner for owner in owners if owner.attribute]
    for name in dict.fromkeys(owner.column for owner in by_attribute if owner.column in table.columns):
        number = table.columns.index(name)
        yield filled(
            OTHER_PERSONS,
            changes=table.name("changes"),
            n=sql.Literal(number),
            before=sql.Identifier(f"b{number}"),
            of_others=of_others(table, number, [owner for owner in owners if owner.column == name]),
        )


def check_deleted(table: UndoneTable) -> Iterator[sql.Composed]:
    """Mark deleted records that would return to another person, before anything of them is restored."""
    owners = owners_of(table)
    by_attribute = any(owner.attribute for owner in owners)
    if by_attribute and table.deletions and {owner.column for owner in owners} <= set(table.restorable):
        yield filled(
            DELETED_NOT_THEIRS,
            deleted=table.name("deleted"),
            of_source=held(owners, "source", "d", OF_DELETED),
            of_target=held(owners, "target", "d", OF_DELETED),
        )


def of_others(table: UndoneTable, number: int, owners: Sequence[OwnerSql]) -> sql.Composable:
    """Return the condition that the column had or has users of whom none is of the entry's pairs."""
    names = {
        "name": sql.Identifier(table.columns[number]),
        "before": sql.Identifier(f"b{number}"),
        "after": sql.Identifier(f"a{number}"),
        "of_entry": sql.SQL(OF_ENTRY),
    }
    if number not in table.lists:
        return sql.SQL(" AND ").join(not_given(owner, names) for owner in owners)
    same_lists = both(filled(SAME_LIST, m=owner.value("m"), a=owner.value("a")) for owner in owners)
    mapped = mapped_list(table, number, f"b{number}", sql.SQL("true"))
    return filled(NOT_MAPPED, same_lists=same_lists, mapped=mapped, **names)


def not_given(owner: OwnerSql, names: Mapping[str, sql.Composable]) -> sql.Composed:
    if owner.is_scalar:
        roles = {role: owner.user(role) for role in ("source", "target")}
        return filled(NOT_GIVEN, stage=owner.stage, staged=owner.staged, **roles, **names)
    held = {"had_target": owner.holds("target", "b"), "has_source": owner.holds("source", "a")}
    return filled(NOT_IN_LIST, stage=owner.stage, **held, **names)


def owners_of(table: UndoneTable) -> list[OwnerSql]:
    return [compile_owner(entry.model, owner, table.table) for entry in table.types for owner in entry.owners]


def given_by_triggers(table: UndoneTable) -> list[str]:
    """Return the columns that say whose a record is, if a trigger may change one that the undo does not write."""
    if not (table.changes and table.table.before_update):
        return []
    names = dict.fromkeys(name for owner in owners_of(table) for name in (owner.column, owner.beside) if name)
    is_written = all(group.what == "moved" and names.keys() <= set(group.columns) for group in table.changes)
    return [] if is_written else list(names)


def checked(owners: Iterable[OwnerSql]) -> set[str]:
    """Return the kinds of entries whose records are looked at. An ID in a column of its own was among those changed."""
    return {"folded", "moved", "changed"} if any(owner.beside for owner in owners) else {"folded"}


def held(owners: Iterable[OwnerSql], role: str, row: str, of_pair: str) -> sql.Composed:
    """Return the condition that the record holds the user of this role, of such a pair `p`, in any owner."""
    conditions = (
        filled(HELD, stage=owner.stage, of_pair=sql.SQL(of_pair), holds=owner.holds(role, row))
        for owner in owners
    )
    return sql.SQL("({})").format(sql.SQL(" OR ").join(conditions))
