"""The reason of a failed pair names what refused the change, the remedy says who can help, and neither names a user."""

import pytest
from django.db import connection

from accounts.models import User
from tests.fixtures import records
from tests.fixtures.cast import Cast, agent
from tests.fixtures.roles import as_owner
from tests.fixtures.running import run_single
from transfers.models import PairState, TransferPair

pytestmark = pytest.mark.django_db

TRIGGER = """
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN {body} RETURN coalesce(NEW, OLD); END$$;
CREATE TRIGGER {name}_trigger BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {name}();
"""
TABLE = "workforce_agentschedule"


def alter(statements: str) -> None:
    """Execute statements as the tables' owner."""
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(
            "SET CONSTRAINTS ALL IMMEDIATE"
        )  # else a table with pending trigger events cannot be altered
        cursor.execute(statements)


def trigger(body: str, *, name: str = "watch", table: str = TABLE) -> None:
    alter(TRIGGER.format(name=name, body=body, table=table))


def failed_pair(cast: Cast) -> TransferPair:
    """Transfer from Ana to Bo, who both have a schedule, which fails and changes nothing."""
    for user in (cast.ana, cast.bo):
        records.everything(user, 1)
    before = records.snapshot()
    pair = run_single(cast.ada, cast.ana, cast.bo).pairs.get()
    assert pair.state == PairState.FAILED
    assert records.snapshot() == before
    return pair


def test_the_message_of_a_trigger_is_shown_with_table_trigger_and_who_knows(cast: Cast) -> None:
    trigger("RAISE 'contract 17 is closed' USING DETAIL = 'signed by Ana';")
    pair = failed_pair(cast)
    assert pair.code == "database-error"
    assert pair.reason == (
        "Agent Schedules: the database refused the change: “contract 17 is closed” (table workforce_agentschedule,"
        " trigger watch_trigger, function watch(), error code P0001)."
    )
    assert pair.remedy == (
        "Ask the owner of the trigger watch_trigger on table workforce_agentschedule what it requires. When that is"
        " done, retry this pair."
    )


def test_names_with_unusual_characters(cast: Cast) -> None:
    odd = "50% %s {0} 'a' \u202e" + "ä" * 22 + "x"  # 63 bytes
    trigger("RAISE 'closed';")
    alter(f'ALTER TRIGGER watch_trigger ON {TABLE} RENAME TO "{odd}"')
    pair = failed_pair(cast)
    shown = odd.replace("\u202e", "\ufffd")
    assert len(odd.encode()) == 63
    assert f"trigger {shown}, function watch()" in pair.reason
    assert f"Ask the owner of the trigger {shown} on table" in pair.remedy


def test_a_function_called_by_a_trigger_leads_to_the_trigger(cast: Cast) -> None:
    alter("CREATE FUNCTION helper(n int) RETURNS int LANGUAGE plpgsql AS $$BEGIN RAISE 'no % more', n; END$$")
    trigger("PERFORM helper(3);")
    pair = failed_pair(cast)
    assert (
        "“no 3 more” (table workforce_agentschedule, trigger watch_trigger, function watch()" in pair.reason
    )


def test_a_function_of_several_triggers_is_named_with_the_trigger_of_the_data_type(cast: Cast) -> None:
    trigger("RAISE 'closed';")
    alter("CREATE TRIGGER elsewhere BEFORE UPDATE ON quality_ccr FOR EACH ROW EXECUTE FUNCTION watch()")
    pair = failed_pair(cast)
    assert "trigger watch_trigger" in pair.reason or "trigger elsewhere" in pair.reason
    assert f"table {'quality_ccr' if 'elsewhere' in pair.reason else TABLE}" in pair.reason


@pytest.mark.parametrize(
    "said",
    [
        "{first} {last} is locked",
        "{last}, {first} is locked",
        "{first} is locked",
        "{username} is locked",
        "<{email}> is locked",
        "{upper} is locked",
    ],
)
def test_names_of_the_users_are_replaced_by_their_ids(cast: Cast, said: str) -> None:
    source = agent(cast.support, "Zoë Fernández-Ortiz")
    User.objects.filter(pk=source.pk).update(email="zoe.private@example.org", username="z.fernandez")
    records.everything(source, 1)
    names = {
        "first": "Zoë",
        "last": "Fernández-Ortiz",
        "username": "z.fernandez",
        "email": "zoe.private@example.org",
    }
    trigger(f"RAISE '{said.format(**names, upper='FERNÁNDEZ-ORTIZ')}, says {cast.bo.first_name}';")
    pair = run_single(cast.ada, source, cast.bo).pairs.get()
    assert f"user {source.pk}" in pair.reason
    assert f"is locked, says user {cast.bo.pk}”" in pair.reason
    for name in (*names.values(), "FERNÁNDEZ", cast.bo.first_name):
        assert name not in pair.reason


def test_a_message_is_one_short_line(cast: Cast) -> None:
    trigger(r"RAISE E'closed\n\x1b[31m\u202e%', repeat('x', 5000);")
    reason = failed_pair(cast).reason
    assert "closed \ufffd[31m\ufffdxxx" in reason
    assert reason.isprintable()
    assert len(reason) < 600


def test_names_of_the_database_are_shown_safely(cast: Cast) -> None:
    """Whoever owns a table may name it, or its trigger, so that the text around it reads differently."""
    trigger('INSERT INTO "kept\u202e" VALUES (1), (1);')
    alter(
        'CREATE TABLE "kept\u202e" (id int CONSTRAINT "once\n\x1b[2J" UNIQUE); GRANT ALL ON "kept\u202e" TO PUBLIC;'
        f' ALTER TRIGGER watch_trigger ON {TABLE} RENAME TO "שמור"'
    )
    pair = failed_pair(cast)
    assert "(table kept\ufffd, constraint once \ufffd[2J, trigger \u2068שמור\u2069, function" in pair.reason
    assert "Ask the owner of the trigger \u2068שמור\u2069 on table kept\ufffd" in pair.remedy


def test_a_trigger_that_may_have_caused_a_mismatch_is_named_safely(cast: Cast) -> None:
    alter(
        "CREATE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NULL; END$$;"
        f' CREATE TRIGGER "keep\u202e" BEFORE UPDATE OR DELETE ON {TABLE} FOR EACH ROW EXECUTE FUNCTION skip()'
    )
    pair = failed_pair(cast)
    assert pair.code == "numbers-do-not-add-up"
    assert f'the trigger "keep\ufffd" on {TABLE}' in pair.reason


def test_a_unique_key_is_named_without_its_values(cast: Cast) -> None:
    trigger("INSERT INTO only_once VALUES (1, 'Secret'), (1, 'Secret');")
    alter(
        "CREATE TABLE only_once (id int, name text, CONSTRAINT once UNIQUE (id, name));"
        " GRANT ALL ON only_once TO PUBLIC"
    )
    pair = failed_pair(cast)
    assert pair.code == "constraint"
    assert "table only_once, constraint once" in pair.reason
    assert "Secret" not in pair.reason + pair.remedy


def test_a_restricting_foreign_key_names_the_table_that_refers(cast: Cast) -> None:
    alter(
        f"CREATE TABLE contract (schedule bigint CONSTRAINT of_schedule REFERENCES {TABLE} ON DELETE RESTRICT);"
        " CREATE FUNCTION sign() RETURNS trigger LANGUAGE plpgsql AS"
        " $$BEGIN INSERT INTO contract VALUES (NEW.id); RETURN NEW; END$$;"
        f" CREATE TRIGGER sign AFTER INSERT ON {TABLE} FOR EACH ROW EXECUTE FUNCTION sign();"
        " GRANT ALL ON contract TO PUBLIC"
    )
    pair = failed_pair(cast)
    assert pair.code == "constraint"
    assert pair.reason.startswith(
        "Agent Schedules: the database refused the change because another record still refers"
    )
    assert "ON DELETE RESTRICT" in pair.reason
    assert "table contract, constraint of_schedule" in pair.reason
    assert "owner of table contract" in pair.remedy


def test_a_missing_value_names_its_column(cast: Cast) -> None:
    trigger("INSERT INTO notes VALUES (NULL);")
    alter("CREATE TABLE notes (note text NOT NULL); GRANT ALL ON notes TO PUBLIC")
    assert (
        "lose a required value (table notes, column note, trigger watch_trigger" in failed_pair(cast).reason
    )


@pytest.mark.parametrize(
    ("statement", "because"),
    [
        (
            "PERFORM 40000::smallint;",
            "because a number would be too large for its column (table {table}, column user_id",
        ),
        (
            "PERFORM '\"\\u0000\"'::jsonb;",
            "because a text or JSON value has a character that PostgreSQL cannot convert",
        ),
        (
            "PERFORM 'Secret'::int;",
            "“invalid input syntax for type integer” (table {table}, trigger watch_trigger",
        ),
    ],
)
def test_a_value_that_does_not_fit(cast: Cast, statement: str, because: str) -> None:
    trigger(statement)
    pair = failed_pair(cast)
    assert because.format(table=TABLE) in pair.reason
    assert "Secret" not in pair.reason


def test_a_row_too_large_for_a_view_names_the_view(cast: Cast) -> None:
    alter(
        "CREATE TABLE few (n int); CREATE VIEW small AS SELECT n FROM few WHERE n < 5 WITH CHECK OPTION;"
        " GRANT ALL ON few, small TO PUBLIC"
    )
    trigger("INSERT INTO small VALUES (9);")
    pair = failed_pair(cast)
    assert "because a record would no longer be part of the view small (WITH CHECK OPTION)" in pair.reason
    assert "owner of the view small" in pair.remedy


def test_row_level_security_of_another_program_is_named(cast: Cast) -> None:
    alter(
        "CREATE TABLE hidden (n int); GRANT ALL ON hidden TO PUBLIC; ALTER TABLE hidden ENABLE ROW LEVEL SECURITY;"
        " CREATE POLICY p ON hidden WITH CHECK (n < 5)"
    )
    trigger("INSERT INTO hidden VALUES (9);")
    pair = failed_pair(cast)
    assert "because the row-level security of table hidden does not allow the changed record" in pair.reason
    assert "owner of table hidden" in pair.remedy


def test_a_table_without_replica_identity_comes_with_the_statement(cast: Cast) -> None:
    alter(
        "CREATE TABLE log (n int); GRANT ALL ON log TO PUBLIC; INSERT INTO log VALUES (1);"
        " CREATE PUBLICATION everything FOR TABLE log"
    )
    trigger("DELETE FROM log;")
    pair = failed_pair(cast)
    assert "because the table log is in a publication but has no primary key" in pair.reason
    assert "ALTER TABLE log REPLICA IDENTITY FULL" in pair.remedy


def test_a_setting_without_a_value_is_named_with_the_setting_that_gives_it_one(cast: Cast) -> None:
    trigger("PERFORM current_setting('app.without_value');")
    pair = failed_pair(cast)
    assert (
        "because trigger watch_trigger reads the setting app.without_value, which has no value" in pair.reason
    )
    assert f"table {TABLE}" in pair.reason
    assert (
        "Give app.without_value a value in TRANSFER_SESSION_SETTINGS, for example app.without_value=0"
        in pair.remedy
    )


def test_a_right_that_a_trigger_lacks_leads_to_its_owner(cast: Cast) -> None:
    alter("CREATE TABLE closed_book (n int)")
    trigger("INSERT INTO closed_book VALUES (1);")
    pair = failed_pair(cast)
    assert "“permission denied for table closed_book”" in pair.reason
    assert "owner of the trigger watch_trigger" in pair.remedy


def test_the_log_has_the_message_without_details(cast: Cast, caplog: pytest.LogCaptureFixture) -> None:
    trigger("RAISE 'contract 17 is closed' USING DETAIL = 'signed by Ana';")
    failed_pair(cast)
    lines = [line for line in caplog.messages if "try=1" in line]
    assert len(lines) == 1
    assert lines[0].endswith(
        "pairs=1 try=1: step replace of workforce.agentschedule failed: RaiseException P0001: contract 17 is closed"
    )
