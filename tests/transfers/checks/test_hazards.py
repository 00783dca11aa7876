"""Policies, rules, triggers and publications that hide rows or change what a transfer does."""

import pytest
from django.core.checks import CheckMessage

from tests.transfers.checks.declaring import (
    NOTE,
    PAGE,
    change,
    child_of,
    entry,
    found,
    ids,
    only,
    paste,
    table,
)
from transfers.rules import Child, Column, Combine, DataType, KeepTarget, Overwrite, Rule

pytestmark = pytest.mark.django_db


# --- Row-level security ----------------------------------------------------------------------------------------------

HIDES = "ALTER TABLE note ENABLE ROW LEVEL SECURITY; CREATE POLICY own_rows ON note USING (day IS NULL);"


def test_a_policy_of_another_program_that_hides_rows() -> None:
    change(NOTE + HIDES)
    notes = entry(table())
    error = only(found(notes))
    assert error.id == "transfers.E109"
    assert "row-level security hides rows of note from the application's role (own_rows)" in error.msg
    paste(error.hint)
    assert found(notes) == []


def test_row_level_security_without_any_policy() -> None:
    change(NOTE + "ALTER TABLE note ENABLE ROW LEVEL SECURITY")
    error = only(found(entry(table())))
    assert (error.id, "no policy allows any" in error.msg) == ("transfers.E109", True)


def test_a_policy_for_another_role_does_not_help() -> None:
    change(NOTE + HIDES + "CREATE POLICY all_rows ON note TO postgres USING (true)")
    assert ids(found(entry(table()))) == ["transfers.E109"]


def test_a_policy_that_only_lets_rows_be_read() -> None:
    change(NOTE + HIDES + "CREATE POLICY all_rows ON note FOR SELECT USING (true)")
    assert ids(found(entry(table()))) == ["transfers.E109"]


def test_a_restrictive_policy() -> None:
    change(NOTE + HIDES + "CREATE POLICY all_rows ON note USING (true);")
    notes = entry(table())
    assert found(notes) == []
    change("CREATE POLICY recent ON note AS RESTRICTIVE USING (day IS NULL)")
    error = only(found(notes))
    assert (error.id, 'ALTER POLICY "recent" ON "note" TO' in str(error.hint)) == ("transfers.E109", True)
    change("ALTER POLICY recent ON note TO postgres")
    assert found(notes) == []


def test_a_child_with_a_policy() -> None:
    change(NOTE + PAGE + HIDES.replace("note", "page").replace("day", "note_id"))
    note = table()
    error = only(found(entry(note, rule=Overwrite(), children=(Child(child_of(note), "note"),))))
    assert (error.id, "hides rows of page" in error.msg) == ("transfers.E109", True)


# --- Rules -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("event", ["INSERT", "UPDATE", "DELETE"])
def test_a_rule_that_rewrites_statements(event: str) -> None:
    change(f"{NOTE} CREATE RULE kept AS ON {event} TO note DO INSTEAD NOTHING")
    notes = entry(table())
    error = only(found(notes))
    assert (error.id, f"the rule kept of note rewrites each {event}" in error.msg) == ("transfers.E110", True)
    paste(error.hint)
    assert found(notes) == []


def test_a_rule_that_is_disabled() -> None:
    change(
        NOTE + "CREATE RULE kept AS ON DELETE TO note DO INSTEAD NOTHING; ALTER TABLE note DISABLE RULE kept"
    )
    assert found(entry(table())) == []


# --- Triggers --------------------------------------------------------------------------------------------------------

FUNCTION = "CREATE FUNCTION ends() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
UPDATES = "CREATE TRIGGER ends BEFORE UPDATE ON note FOR EACH ROW EXECUTE FUNCTION ends();"


def found_with(trigger: str, rule: Rule | None = None, each: str = "ROW") -> list[CheckMessage]:
    made = f"CREATE TRIGGER ends {trigger} ON note FOR EACH {each} EXECUTE FUNCTION ends()"
    change(NOTE + FUNCTION + made)
    return found(entry(table(), rule=rule))


@pytest.mark.parametrize(
    ("trigger", "events"),
    [
        ("BEFORE DELETE", "DELETE"),
        ("BEFORE UPDATE", "UPDATE"),
        ("BEFORE UPDATE OF user_id", "UPDATE"),
        ("BEFORE INSERT OR UPDATE OR DELETE", "UPDATE and DELETE"),
    ],
)
def test_a_trigger_that_may_prevent_the_change_is_a_warning(trigger: str, events: str) -> None:
    warning = only(found_with(trigger, Overwrite()))
    assert warning.id == "transfers.W104"
    assert f"the trigger ends of note runs ends() before each {events} and" in warning.msg
    assert "CREATE TRIGGER ends BEFORE" in str(warning.hint)


@pytest.mark.parametrize("trigger", ["BEFORE INSERT", "AFTER UPDATE OR DELETE", "BEFORE UPDATE OF title"])
def test_triggers_that_do_not_fire_or_cannot_prevent_the_change(trigger: str) -> None:
    assert found_with(trigger, Overwrite()) == []


def test_a_trigger_on_delete_where_no_row_is_deleted() -> None:
    assert found_with("BEFORE DELETE", Combine()) == []


def test_a_trigger_for_each_statement() -> None:
    assert found_with("BEFORE UPDATE", each="STATEMENT") == []


def test_a_trigger_of_the_whole_table_fires_for_a_partition_that_is_a_data_type() -> None:
    change(FUNCTION)
    change("CREATE TABLE whole (id bigint PRIMARY KEY, user_id bigint) PARTITION BY RANGE (id)")
    change(
        "CREATE TABLE note PARTITION OF whole FOR VALUES FROM (1) TO (1000); CREATE INDEX ON whole (user_id)"
    )
    change(UPDATES.replace("ON note", "ON whole"))
    assert "transfers.W104" in ids(found(entry(table())))
    assert ids(found(entry(table("whole")))) == ["transfers.W104"], (
        "the trigger is there again for the partition"
    )


def test_a_trigger_that_is_disabled() -> None:
    change(NOTE + FUNCTION + UPDATES + "ALTER TABLE note DISABLE TRIGGER ends")
    assert found(entry(table())) == []


LOG = """
CREATE SCHEMA logs;
CREATE TABLE logs."Note log" (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id bigint);
CREATE INDEX ON logs."Note log" (user_id);
CREATE TABLE other (id bigint);
CREATE FUNCTION ends() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- INSERT INTO note
    /* INSERT INTO other */ INSERT
        INTO "logs" . "Note log" (user_id) VALUES (coalesce(NEW.user_id, OLD.user_id)); /* INSERT INTO other */
    RETURN NULL;
END $$;
"""


def test_a_trigger_that_writes_a_log() -> None:
    change(NOTE + LOG + "GRANT USAGE ON SCHEMA logs TO PUBLIC")
    change(
        "CREATE TRIGGER ends AFTER INSERT OR UPDATE OF user_id ON note FOR EACH ROW EXECUTE FUNCTION ends()"
    )
    notes = entry(table())
    warning = only(found(notes))
    assert (warning.id, "is transferred too" in str(warning.hint)) == ("transfers.W106", False)
    assert (
        "the trigger ends of note writes rows to logs.Note log with each UPDATE, so a transfer" in warning.msg
    )
    assert "CREATE TRIGGER ends AFTER" in str(warning.hint)
    assert "with each UPDATE and INSERT, so" in only(found(entry(table(), rule=Overwrite()))).msg
    log = DataType("Log", table('"logs"."Note log"'), (Column("user"),), Combine(), "The log.")
    [warning] = found(notes, log)
    assert (
        "Log (logs.Note log) is transferred too: if the trigger adds rows of the pair's users there"
        in str(warning.hint)
    )
    change(
        "DROP TRIGGER ends ON note; CREATE TRIGGER ends AFTER UPDATE OF title ON note EXECUTE FUNCTION ends()"
    )
    assert found(notes) == []
    replaced = entry(table(), rule=Overwrite())
    assert found(replaced) == []
    change("CREATE TRIGGER fresh BEFORE INSERT ON note FOR EACH ROW EXECUTE FUNCTION ends()")
    assert found(notes) == []
    [of_insert, warning] = sorted(found(replaced), key=lambda one: "with each UPDATE" in one.msg)
    assert "trigger fresh of note writes rows to logs.Note log with each INSERT" in of_insert.msg
    assert "trigger ends of note writes rows to logs.Note log with each UPDATE" in warning.msg, "in an undo"


def test_a_trigger_of_one_partition() -> None:
    change(FUNCTION + "CREATE TABLE note (id bigint PRIMARY KEY, user_id bigint) PARTITION BY RANGE (id);")
    change(
        "CREATE INDEX ON note (user_id); CREATE TABLE note_1 PARTITION OF note FOR VALUES FROM (1) TO (2);"
    )
    change(UPDATES.replace("ON note", "ON note_1"))
    assert "the trigger ends of note_1" in only(found(entry(table()))).msg


def test_a_trigger_of_a_partitioned_table_is_named_once() -> None:
    change(FUNCTION + "CREATE TABLE note (id bigint PRIMARY KEY, user_id bigint) PARTITION BY RANGE (id);")
    change(
        "CREATE INDEX ON note (user_id); CREATE TABLE note_1 PARTITION OF note FOR VALUES FROM (1) TO (2);"
    )
    change(UPDATES)
    assert "the trigger ends of note " in only(found(entry(table()))).msg


# --- Publications and primary keys -----------------------------------------------------------------------------------

PUBLISHED = ["FOR ALL TABLES", "FOR TABLES IN SCHEMA public", "FOR TABLE note"]
WITHOUT_KEY = "ALTER TABLE note DROP CONSTRAINT note_pkey;"


@pytest.mark.parametrize("what", PUBLISHED)
def test_a_publication_that_makes_the_database_refuse_changes(what: str) -> None:
    change(f"{NOTE} {WITHOUT_KEY} CREATE PUBLICATION everything {what}")
    notes = entry(table())
    messages = {message.id: message for message in found(notes)}
    assert set(messages) == {"transfers.W102", "transfers.W103"}
    assert "publication everything sends its updates and deletes" in messages["transfers.W102"].msg
    assert "cannot be given back by an undo" in messages["transfers.W103"].msg
    paste(messages["transfers.W102"].hint)
    assert ids(found(notes)) == ["transfers.W103"]
    paste(messages["transfers.W103"].hint)
    assert found(notes) == []


def test_a_unique_key_that_can_be_the_primary_key() -> None:
    change(
        NOTE + WITHOUT_KEY + "CREATE UNIQUE INDEX ON note (title); CREATE UNIQUE INDEX ON note (id, user_id);"
    )
    notes = entry(table(), rule=Combine(on_clash=KeepTarget()))
    change("ALTER TABLE note ALTER id SET NOT NULL")
    warning = only(found(notes))
    assert (warning.id, "unique key" in str(warning.hint)) == ("transfers.W103", True)
    paste(warning.hint)
    assert found(notes) == []


@pytest.mark.parametrize("what", PUBLISHED)
def test_a_publication_of_a_table_with_a_primary_key(what: str) -> None:
    change(f"{NOTE} CREATE PUBLICATION everything {what}")
    assert found(entry(table())) == []


def test_a_publication_of_inserts_only() -> None:
    change(f"{NOTE} {WITHOUT_KEY} CREATE PUBLICATION everything FOR ALL TABLES WITH (publish = 'insert')")
    assert ids(found(entry(table()))) == ["transfers.W103"]


def test_a_replica_identity_of_nothing() -> None:
    change(f"{NOTE} ALTER TABLE note REPLICA IDENTITY NOTHING; CREATE PUBLICATION everything FOR TABLE note")
    assert ids(found(entry(table()))) == ["transfers.W102"]


def test_a_partition_of_a_published_table() -> None:
    change(
        "CREATE TABLE note (id bigint, user_id bigint) PARTITION BY RANGE (id); CREATE INDEX ON note (user_id);"
    )
    change(
        "CREATE TABLE note_1 PARTITION OF note FOR VALUES FROM (1) TO (2); CREATE PUBLICATION p FOR TABLE note"
    )
    messages = {message.id: message for message in found(entry(table(), rule=Combine(KeepTarget())))}
    assert set(messages) == {"transfers.W102", "transfers.W103"}
    assert "note_1 has no primary key" in messages["transfers.W102"].msg
