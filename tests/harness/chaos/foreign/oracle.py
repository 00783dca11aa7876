"""What the reference model must know of the tables of this app and of `tests.apps.exampleapp`, written by hand."""

from tests.harness.oracle.small_tables import keyed_by
from tests.harness.oracle.world import Key, Row, Table

FOREIGN_TABLES = {
    "foreign_rota": Table(pk=("owner_id", "slot")),
    "foreign_booking": keyed_by("owner_id", "slot"),
    "foreign_meter": Table(keys=(Key("once", ("owner_id", "day")),), bits={"n": 32}),
    "foreign_pledge": Table(),
    'Legacy CRM"."Open Cases': Table(pk=("Case No",), keys=(Key("once", ("Owner", "Title")),)),
    'Legacy CRM"."Case Files': Table(),
    'Legacy CRM"."Pages': Table(),
    "exampleapp_headset": keyed_by("holder_id", "model_name"),
    "door_log": Table(),
}


def generate(table: str, rows: list[Row]) -> list[Row]:
    """Return the rows with the values of generated columns as the database computes them."""
    if table == "foreign_meter":
        return [{**row, "label": f"{row['owner_id']}: {row['n']}"} for row in rows]
    return rows
