"""The journal restores a row with a column of every built-in type, and of arrays of each, byte for byte."""

import json

import pytest
from django.db import connection
from psycopg import sql

from tests.apps.smallapp import models as small
from tests.transfers.rules import running
from tests.transfers.rules.people import People
from tests.transfers.rules.restoring import restore, rows_as_text
from tests.transfers.rules.running import change_tables, whole_row
from transfers.results.deleted_rows import deleted_rows

# Values that are easily changed on the way: limits, infinities, spaces, quotes, order, duplicates.
VALUES = {
    "aclitem": ["postgres=r/postgres"],
    "bit": ["1"],
    "bool": ["true", "false"],
    "box": ["(1.1,2.2),(-0.5,1e-300)"],
    "bpchar": ["a ", " "],
    "bytea": [r"\x00ff5c22", ""],
    "char": ["x", ""],
    "cid": ["4294967295"],
    "cidr": ["10.0.0.0/8", "::/0"],
    "circle": ["<(1,2),3>"],
    "date": ["infinity", "4713-01-01 BC", "2026-11-27"],
    "float4": ["NaN", "-0", "1.1754944e-38", "0.1"],
    "float8": ["-Infinity", "-0", "5e-324", "0.1"],
    "gtsvector": [],
    "inet": ["10.1.2.3/8"],
    "int2": ["-32768"],
    "int2vector": ["1 2 3"],
    "int4": ["-2147483648"],
    "int8": ["-9223372036854775808"],
    "interval": ["-1 mons +3 days -04:05:06.000007", "0"],
    "json": ['{"b": 1,  "a":2, "a": 1e400, "n": "\\u0000"}', " [ ] ", '"x"'],
    "jsonb": ['{"a": 1.00, "b": "\\"\\\\"}', "null"],
    "jsonpath": ['$."a"[*] ? (@ > 1)'],
    "line": ["{1,2,3}"],
    "lseg": ["[(0,0),(1e-300,1)]"],
    "macaddr": ["08:00:2b:01:02:03"],
    "macaddr8": ["08:00:2b:01:02:03:04:05"],
    "money": ["-92233720368547758.08"],
    "name": ['a"b\\c, (d)'],
    "numeric": ["NaN", "1.000", "-Infinity", "1e-100"],
    "oid": ["4294967295"],
    "oidvector": ["1 2"],
    "path": ["[(0,0),(1,1)]", "((0,0),(1,1))"],
    "pg_lsn": ["FFFFFFFF/FFFFFFFF"],
    "pg_snapshot": ["10:20:10,14,15"],
    "point": ["(-0,1e-300)"],
    "polygon": ["((0,0),(1,1),(2,0))"],
    "refcursor": ["a cursor"],
    "regclass": ["pg_class", "4294967295"],
    "regcollation": ['"C"'],
    "regconfig": ["simple"],
    "regdictionary": ["simple"],
    "regnamespace": ["pg_catalog"],
    "regoper": ["pg_catalog.||/"],
    "regoperator": ["*(integer,integer)"],
    "regproc": ["pg_catalog.now"],
    "regprocedure": ["sum(integer)"],
    "regrole": ["postgres"],
    "regtype": ["integer"],
    "text": ["", " ", "NULL", "a,b", "(a)", '"', "\\", "\n\t\r", "ä😀"],
    "tid": ["(4294967295,65535)"],
    "time": ["24:00:00", "00:00:00.000001"],
    "timestamp": ["infinity", "0044-03-15 12:00:00 BC"],
    "timestamptz": ["-infinity", "2026-03-29 02:30:00.000001+02"],
    "timetz": ["24:00:00-15:59:59"],
    "tsquery": ["'a b' & !'c':*AB <-> 'd'"],
    "tsvector": ["'a b':1A,3 'c''d'"],
    "txid_snapshot": ["10:20:10,14"],
    "uuid": ["00000000-0000-0000-0000-00000000000f"],
    "varbit": ["10101", ""],
    "varchar": ["a ", ""],
    "xid": ["4294967295"],
    "xid8": ["18446744073709551615"],
    # Ranges and multiranges.
    "int4range": ["empty", "[1,5)", "(,)"],
    "int8range": ["(,7)"],
    "numrange": ["[1.0,1.00]"],
    "tsrange": ['["-infinity","2026-01-01 00:00:00")'],
    "tstzrange": ['("2026-01-01 00:00:00+00",infinity]'],
    "daterange": ["[2026-01-01,infinity)"],
    "int4multirange": ["{}", "{[1,2),[3,4)}"],
    "int8multirange": ["{(,1)}"],
    "nummultirange": ["{[1.0,2]}"],
    "tsmultirange": ["{}"],
    "tstzmultirange": ["{}"],
    "datemultirange": ["{[2026-01-01,2026-01-03)}"],
    # Declared in the test.
    "mood": ["sad", "so so"],
    "place": ['("a, ""b""",,"{1,NULL}")'],
    "short": ["abc"],
}
DECLARE = """
CREATE TYPE mood AS ENUM ('sad', 'so so');
CREATE TYPE place AS (street text, number integer, floors integer[]);
CREATE DOMAIN short AS varchar(3) CHECK (value <> '');
"""
# Types in which a column can be declared. Those of the catalog's own columns cannot be written, and the embedded server
# is built without XML.
TYPES = """
SELECT t.typname, a.typname FROM pg_type AS t LEFT JOIN pg_type AS a ON a.oid = t.typarray
WHERE t.typtype IN ('b', 'r', 'm', 'e', 'd') AND t.typelem = 0 AND t.typnamespace IN ('pg_catalog'::regnamespace)
    AND t.typname NOT IN (
        'pg_node_tree', 'pg_ndistinct', 'pg_dependencies', 'pg_mcv_list', 'pg_brin_bloom_summary',
        'pg_brin_minmax_multi_summary', 'gtsvector', 'xml'
    )
    OR t.typname IN ('int2vector', 'oidvector', 'point', 'lseg', 'box', 'line', 'name', 'mood', 'place', 'short')
ORDER BY 1
"""


def types() -> list[tuple[str, str | None]]:
    """Return the name of each type, and of its array type."""
    with connection.cursor() as cursor:
        cursor.execute(TYPES)
        return cursor.fetchall()


@pytest.fixture
def every_type(people: People) -> list[str]:
    """Rows of S and T, those of T with many values of each type; the names of the columns."""
    change_tables(DECLARE)
    columns: dict[str, str] = {}
    for name, array in types():
        columns[f"c {name}"] = sql.Identifier(name).as_string(None) if name != "char" else '"char"'
        if array:
            columns[f"a {name}"] = sql.Identifier(array).as_string(None)
    added = ", ".join(f'ADD "{column}" {of_type}' for column, of_type in columns.items())
    change_tables(f"ALTER TABLE smallapp_sched {added}")
    owners = [people["S"].pk, *[people["T"].pk] * max(map(len, VALUES.values()))]
    rows = [whole_row(small.Sched, id=n, owner=owner, slot=n) for n, owner in enumerate(owners, start=1)]
    running.insert("smallapp_sched", rows)
    fill(columns)
    return list(columns)


def fill(columns: dict[str, str]) -> None:
    with connection.cursor() as cursor:
        for column, of_type in columns.items():
            values = VALUES[column[2:]]
            for n, value in enumerate(values, start=2):
                statement = sql.SQL("UPDATE smallapp_sched SET {} = {} WHERE id = {}").format(
                    sql.Identifier(column), literal(column, of_type, values, value), sql.Literal(n)
                )
                cursor.execute(statement.as_string(None))


def literal(column: str, of_type: str, values: list[str], value: str) -> sql.Composed:
    """Return the value, or an array with unusual bounds of all values and NULL."""
    if column.startswith("c "):
        return sql.SQL("{}::{}").format(sql.Literal(value), sql.SQL(of_type))
    elements = sql.SQL("ARRAY[{}, NULL]::text[]").format(sql.SQL(", ").join(map(sql.Literal, values)))
    bounds = sql.Literal(f"[-2:{len(values) - 2}]=")
    delimited = sql.SQL("{}::text").format(elements)
    if of_type == '"_box"':  # the only type whose arrays are delimited by semicolons
        delimited = sql.SQL("replace({}, {}, {})").format(delimited, sql.Literal('",'), sql.Literal('";'))
    return sql.SQL("({} || {})::{}").format(bounds, delimited, sql.SQL(of_type))


def test_there_are_values_of_every_type(db: None) -> None:
    """A new version of PostgreSQL may bring new types."""
    change_tables(DECLARE)
    assert {name for name, _ in types()} == {name for name in VALUES if VALUES[name]}


def test_a_row_with_a_column_of_every_type_is_restored(people: People, every_type: list[str]) -> None:
    entry = running.type_of("smallapp_sched")
    before = rows_as_text([entry])
    assert len(every_type) > 150
    with running.only(entry):
        ran = running.run_pairs(people.by, people.pairs, [entry])
    assert ran.counts[0][entry.key]["replaced"] == len(before["smallapp_sched"]) - 1
    assert rows_as_text([entry]) != before
    restore(ran.transfer_id)
    assert rows_as_text([entry]) == before


def test_changed_columns_of_every_type_are_restored(people: People, every_type: list[str]) -> None:
    """Because of the trigger, the journal keeps all columns of the moved rows."""
    change_tables("""
        CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.v := NEW.v + 1; RETURN NEW; END';
        CREATE TRIGGER touch BEFORE UPDATE ON smallapp_sched FOR EACH ROW EXECUTE FUNCTION touch();
    """)
    entry = running.type_of("smallapp_sched")
    before = rows_as_text([entry])
    pairs = [(people["T"], people["X"])]
    people["T"].is_active = False
    people["T"].save()
    with running.only(entry):
        ran = running.run_pairs(people.by, pairs, [running.type_of("smallapp_plain")])
    change_tables("DROP TRIGGER touch ON smallapp_sched")
    restore(ran.transfer_id)
    assert rows_as_text([entry]) == before


def test_the_deleted_rows_can_be_read_after_the_table_was_changed(
    people: People, every_type: list[str]
) -> None:
    entry = running.type_of("smallapp_sched")
    with running.only(entry):
        ran = running.run_pairs(people.by, people.pairs, [entry])
    [first, *_] = (row for _, row in deleted_rows(ran.transfer_id))
    assert first["c json"] == json.loads(VALUES["json"][0])
    assert first["slot"] == 2
    change_tables(
        'ALTER TABLE smallapp_sched DROP slot, DROP "c json", ALTER v TYPE text, ADD further integer'
    )
    [first, *_] = (row for _, row in deleted_rows(ran.transfer_id))
    assert (first["slot"], first["v"]) == ("2", "0")
    assert json.loads(first["c json"]) == json.loads(VALUES["json"][0])
