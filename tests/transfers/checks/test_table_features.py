"""Features of tables that need no check of their own; `docs/tables.md` lists them."""

import pytest
from django.db import models

from tests.transfers.checks.declaring import (
    NOTE,
    PAGE,
    change,
    child_of,
    entry,
    found,
    ids,
    only,
    table,
    to_user,
)
from transfers.rules import Child, Combine, KeepTarget, Overwrite

pytestmark = pytest.mark.django_db


def test_a_temporary_table_is_no_table_of_a_data_type() -> None:
    change(f"{NOTE.replace('CREATE TABLE', 'CREATE TEMP TABLE')} GRANT ALL ON note TO transfer")
    assert ids(found(entry(table()))) == ["transfers.E106"]


def test_rights_on_single_columns_do_not_suffice() -> None:
    change(NOTE)
    change("REVOKE UPDATE ON note FROM transfer; GRANT UPDATE (user_id) ON note TO transfer")
    error = only(found(entry(table())))
    assert (error.id, "may not UPDATE on it" in error.msg) == ("transfers.E107", True)


def test_rights_that_the_role_has_through_another_one() -> None:
    change(NOTE)
    change("REVOKE ALL ON note FROM transfer; CREATE ROLE clerks; GRANT clerks TO transfer")
    change("GRANT SELECT, UPDATE ON note TO clerks")
    assert found(entry(table())) == []


# --- Foreign keys ----------------------------------------------------------------------------------------------------

REFERENCES = {
    "deferred": "DEFERRABLE INITIALLY DEFERRED",
    "not validated": "NOT VALID",
    "not enforced": "NOT ENFORCED",
    "match full": "MATCH FULL",
}


@pytest.mark.parametrize("how", REFERENCES.values(), ids=REFERENCES)
def test_any_foreign_key_to_rows_that_may_be_deleted(how: str) -> None:
    change(f"{NOTE}{PAGE} ALTER TABLE page ADD FOREIGN KEY (note_id) REFERENCES note {how}")
    assert ids(found(entry(table(), rule=Overwrite()))) == ["transfers.E103"]


def test_a_foreign_key_that_sets_some_columns_to_null() -> None:
    change(NOTE + PAGE + "ALTER TABLE note ADD UNIQUE (day, id); ALTER TABLE page ADD day date;")
    change(
        "ALTER TABLE page ADD FOREIGN KEY (day, note_id) REFERENCES note (day, id) ON DELETE SET NULL (day)"
    )
    assert ids(found(entry(table(), rule=Overwrite()))) == ["transfers.E103"]


def test_a_foreign_key_over_a_period() -> None:
    change("""
        CREATE EXTENSION btree_gist;
        CREATE TABLE note (id bigint, user_id bigint, during daterange, PRIMARY KEY (id, during WITHOUT OVERLAPS));
        CREATE INDEX ON note (user_id);
        CREATE TABLE page (id bigint PRIMARY KEY, note_id bigint, during daterange,
            FOREIGN KEY (note_id, PERIOD during) REFERENCES note (id, PERIOD during));
        CREATE INDEX ON page (note_id);
    """)
    note = table()
    error = only(found(entry(note, rule=Overwrite())))
    assert (error.id, "Child(" in str(error.hint)) == ("transfers.E103", False)
    declared = entry(note, rule=Overwrite(), children=(Child(child_of(note), "note"),))
    assert "may refer to several by its PERIOD" in " ".join(one.msg for one in found(declared))


def test_a_reference_without_a_foreign_key_cannot_be_seen() -> None:
    change(NOTE + PAGE)
    assert found(entry(table(), rule=Overwrite())) == []


# --- Row-level security ----------------------------------------------------------------------------------------------

PROTECTED = "ALTER TABLE note ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;"


def test_forced_row_level_security_that_shows_all_rows() -> None:
    change(f"{NOTE}{PROTECTED} CREATE POLICY everything ON note USING (true)")
    assert found(entry(table())) == []


def test_forced_row_level_security_that_hides_rows() -> None:
    change(f"{NOTE}{PROTECTED} CREATE POLICY own_rows ON note USING (day IS NULL)")
    assert ids(found(entry(table()))) == ["transfers.E109"]


def test_a_role_that_bypasses_row_level_security() -> None:
    change(f"{NOTE}{PROTECTED} ALTER ROLE transfer BYPASSRLS")
    assert found(entry(table())) == []


# --- Triggers, publications, columns ---------------------------------------------------------------------------------


def test_a_trigger_that_deletes_large_objects_is_a_warning() -> None:
    change("CREATE EXTENSION lo;" + NOTE + "ALTER TABLE note ADD scan lo;")
    change(
        "CREATE TRIGGER scan BEFORE UPDATE OR DELETE ON note FOR EACH ROW EXECUTE FUNCTION lo_manage(scan)"
    )
    warning = only(found(entry(table(), rule=Overwrite())))
    assert (warning.id, "lo_manage()" in warning.msg) == ("transfers.W104", True)


def test_constraint_triggers_come_after_the_change() -> None:
    change(NOTE + "CREATE FUNCTION ends() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';")
    change(
        "CREATE CONSTRAINT TRIGGER ends AFTER UPDATE ON note DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION ends()"
    )
    assert found(entry(table())) == []


def test_an_index_as_replica_identity() -> None:
    change(NOTE.replace("day date", "day date NOT NULL") + "ALTER TABLE note DROP CONSTRAINT note_pkey;")
    change("CREATE UNIQUE INDEX once ON note (day); ALTER TABLE note REPLICA IDENTITY USING INDEX once")
    change("CREATE PUBLICATION everything FOR TABLE note")
    assert ids(found(entry(table()))) == ["transfers.W103"]


def test_a_primary_key_of_several_columns_with_the_owner() -> None:
    change("CREATE TABLE note (user_id bigint, day date, PRIMARY KEY (user_id, day));")
    note = table(user=to_user(), day=models.DateField(), pk=models.CompositePrimaryKey("user_id", "day"))
    assert ids(found(entry(note))) == ["transfers.E102"]
    assert found(entry(note, rule=Combine(KeepTarget()))) == []
