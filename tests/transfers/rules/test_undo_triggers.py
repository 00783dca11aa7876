"""What triggers do with the rows that an undo writes: they may stamp, replace or skip what it restores."""

import pytest
from django.db import DatabaseError, connection, models, transaction

from accounts.models import User
from tests.transfers.rules.featured import change, model_of, put, to
from tests.transfers.rules.meddling import meddle
from tests.transfers.rules.people import People
from tests.transfers.rules.restoring import execute, restore, rows_as_text
from tests.transfers.rules.running import insert, only, query, run_pairs, type_of, undo_all
from tests.transfers.rules.test_undo import run_after_leaving
from transfers.engine.verification.mismatch import TotalsMismatch
from transfers.rules import Column, Combine, DataType, KeepTarget


def test_what_a_trigger_stamps_on_new_rows(people: People) -> None:
    """It is written again, as it was."""
    sched = put(people, "smallapp_sched", ("T", 2, 1), ("S", 1, 2), columns="owner slot v")
    meddle("smallapp_sched", "BEFORE INSERT", "NEW.v = NEW.v + 1; NEW.slot = 9; RETURN NEW;")
    before = rows_as_text([sched])
    restore(run_after_leaving(people, people.pairs[:1], "smallapp_sched"))
    assert rows_as_text([sched]) == before


@pytest.fixture
def stamped(people: People) -> int:
    """Shifts with the times of their creation and of their last change. Returns the ID of the transfer."""
    change("""
        ALTER TABLE smallapp_shift ADD created timestamptz DEFAULT '2020-01-01 UTC',
            ADD touched timestamptz DEFAULT '2020-01-01 UTC', ADD code text DEFAULT 'A';
        CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN NEW.touched = '2030-01-01 UTC'; RETURN NEW; END $$;
    """)
    put(people, "smallapp_shift", ("T", 1), ("S", 2), columns="worker slot")
    return run_after_leaving(people, people.pairs[:1], "smallapp_shift")


def times() -> dict[int, tuple[int, int]]:
    """Return the years of creation and of the last change of each shift."""
    execute("SET LOCAL TimeZone = 'UTC'")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, extract(year FROM created), extract(year FROM touched) FROM smallapp_shift"
        )
        return {number: (int(created), int(touched)) for number, created, touched in cursor.fetchall()}


def test_the_time_that_a_trigger_stamps_on_new_rows_and_on_changed_ones(people: People, stamped: int) -> None:
    """As in rows that were moved back, the column then has what the trigger writes; all others are as they were."""
    change(
        "ALTER TABLE smallapp_shift ADD day date GENERATED ALWAYS AS ((touched AT TIME ZONE 'UTC')::date) STORED"
    )
    change(
        "CREATE TRIGGER touch BEFORE INSERT OR UPDATE ON smallapp_shift FOR EACH ROW EXECUTE FUNCTION touch()"
    )
    restore(stamped)
    assert times() == {1: (2020, 2030), 2: (2020, 2030)}


def test_the_times_that_two_triggers_stamp_on_new_rows_and_on_changed_ones(
    people: People, stamped: int
) -> None:
    meddle("smallapp_shift", "BEFORE INSERT", "NEW.created = now(); RETURN NEW;")
    change("CREATE TRIGGER touch BEFORE UPDATE ON smallapp_shift FOR EACH ROW EXECUTE FUNCTION touch()")
    restore(stamped)
    assert times() == {1: (2020, 2030), 2: (2020, 2030)}


@pytest.mark.parametrize(
    ("event", "body"),
    [
        ("BEFORE INSERT OR UPDATE", "NEW.code = lower(NEW.code)"),
        (
            "BEFORE INSERT OR UPDATE",
            "IF TG_OP = 'INSERT' THEN NEW.code = 'B'; ELSE NEW.code = OLD.code; END IF",
        ),
    ],
)
def test_a_trigger_that_writes_more_than_times(people: People, stamped: int, event: str, body: str) -> None:
    """What it replaces is gone, so the record would not be what it was."""
    meddle("smallapp_shift", event, f"{body}; RETURN NEW;")
    with pytest.raises(
        TotalsMismatch, match="1 deleted records of smallapp_shift did not return as they were"
    ):
        undo_all(stamped)


def test_a_time_in_a_unique_key_that_a_trigger_stamps(people: People, stamped: int) -> None:
    change("CREATE UNIQUE INDEX ON smallapp_shift (id, touched)")
    change(
        "CREATE TRIGGER touch BEFORE INSERT OR UPDATE ON smallapp_shift FOR EACH ROW EXECUTE FUNCTION touch()"
    )
    with pytest.raises(
        TotalsMismatch, match="1 deleted records of smallapp_shift did not return as they were"
    ):
        undo_all(stamped)


def test_a_column_that_became_generated_since(people: People, stamped: int) -> None:
    change("ALTER TABLE smallapp_shift DROP code, ADD code text GENERATED ALWAYS AS ('S' || slot) STORED")
    with pytest.raises(
        TotalsMismatch, match="1 deleted records of smallapp_shift did not return as they were"
    ):
        undo_all(stamped)


def test_an_identity_column_and_a_trigger_that_stamps_each_change(people: People) -> None:
    """Only the database writes the column, but the trigger could have changed any, so all are compared."""
    change("""
        ALTER TABLE smallapp_keyed ALTER id DROP IDENTITY IF EXISTS;
        ALTER TABLE smallapp_keyed ALTER id ADD GENERATED ALWAYS AS IDENTITY;
    """)
    meddle("smallapp_keyed", "BEFORE INSERT OR UPDATE", "NEW.v = NEW.v + 0; RETURN NEW;")
    s, t = people["S"].pk, people["T"].pk
    for owner, k in ((s, 1), (t, 1), (s, 2)):
        execute("INSERT INTO smallapp_keyed (owner_id, k, v) VALUES (%s, %s, 0)", owner, k)
    before = rows_as_text([type_of("smallapp_keyed")])
    restore(run_after_leaving(people, people.pairs[:1], "smallapp_keyed"))
    assert rows_as_text([type_of("smallapp_keyed")]) == before


@pytest.mark.parametrize(
    ("table", "event", "body"),
    [
        ("smallapp_shift", "BEFORE INSERT OR UPDATE", "NEW.worker_id = {other}; RETURN NEW;"),
        ("smallapp_shiftbreak", "BEFORE INSERT OR UPDATE", "NEW.shift_id = 1; RETURN NEW;"),
        (
            "smallapp_shift",
            "AFTER INSERT",
            "UPDATE smallapp_shift SET slot = 5 WHERE id = NEW.id; RETURN NULL;",
        ),
        (
            "smallapp_shiftbreak",
            "AFTER INSERT",
            "UPDATE smallapp_shift SET slot = 5 WHERE id = 2; RETURN NULL;",
        ),
    ],
)
def test_a_trigger_that_changes_more_of_a_row_that_returns(
    people: People, table: str, event: str, body: str
) -> None:
    """Its user or its parent; or the row of another statement, such as the parent."""
    S, T, X = (people[letter].pk for letter in "STX")
    insert("smallapp_shift", [{"id": n, "worker_id": who, "slot": n} for n, who in ((1, S), (2, T))])
    insert("smallapp_shiftbreak", [{"id": 1, "shift_id": 2}])
    made = run_after_leaving(people, people.pairs[:1], "smallapp_shift")
    meddle(table, event, body.format(other=X))
    before = rows_as_text([type_of("smallapp_shift")])
    with pytest.raises(TotalsMismatch, match=f"trigger meddler on {table}"), transaction.atomic():
        undo_all(made, leave_changed=True)
    assert rows_as_text([type_of("smallapp_shift")]) == before


def test_a_trigger_that_changes_a_row_without_a_key_that_returns(people: People) -> None:
    """It cannot be found again."""
    change("ALTER TABLE smallapp_sched DROP CONSTRAINT smallapp_sched_pkey")
    sched = put(people, "smallapp_sched", ("T", 2, 1), ("S", 1, 2), columns="owner slot v")
    made = run_after_leaving(people, people.pairs[:1], "smallapp_sched")
    meddle("smallapp_sched", "BEFORE INSERT", "NEW.v = NEW.v + 1; RETURN NEW;")
    before = rows_as_text([sched])
    with pytest.raises(TotalsMismatch) as mismatch, transaction.atomic():
        undo_all(made, leave_changed=True)
    message = "1 deleted records of smallapp_sched did not return as they were. A possible cause is the trigger meddler"
    assert message in str(mismatch.value)
    assert rows_as_text([sched]) == before


@pytest.mark.parametrize(
    ("kind", "before", "value"),
    [
        ("daterange", "[2020-01-01,2021-01-01)", "daterange(lower(NEW.state), NULL)"),
        ("timestamptz[]", "{}", "NEW.state || now()"),
        ("timesheet_state", "approved", "'draft'"),
    ],
)
def test_a_trigger_that_writes_what_is_no_time(
    people: People, stamped: int, kind: str, before: str, value: str
) -> None:
    change("CREATE TYPE timesheet_state AS ENUM ('draft', 'approved')")
    change(f"ALTER TABLE smallapp_sched ADD state {kind} DEFAULT '{before}'")
    put(people, "smallapp_sched", ("T", 1, 1), ("S", 1, 2), columns="owner slot v")
    made = run_after_leaving(people, people.pairs[:1], "smallapp_sched")
    meddle("smallapp_sched", "BEFORE INSERT OR UPDATE", f"NEW.state = {value}; RETURN NEW;")
    with pytest.raises(TotalsMismatch, match="smallapp_sched did not return as they were"):
        undo_all(made)


def test_a_trigger_that_notes_since_when_a_value_is_so(people: People, stamped: int) -> None:
    """What the undo writes again changes the value, and so the time: both are written once more."""
    body = """
        IF TG_OP = 'INSERT' THEN NEW.code = 'new'; END IF;
        IF TG_OP = 'INSERT' OR NEW.code <> OLD.code THEN NEW.touched = now(); END IF;
    """
    meddle("smallapp_shift", "BEFORE INSERT OR UPDATE", f"{body} RETURN NEW;")
    restore(stamped)
    assert times() == {1: (2020, 2020), 2: (2020, 2020)}
    assert query("SELECT DISTINCT code FROM {}", "smallapp_shift") == ["A"]


@pytest.mark.parametrize("unit", ["minute", "month"])
def test_a_trigger_that_rounds_times(people: People, stamped: int, unit: str) -> None:
    """What it writes depends on the time that is written, so it is no stamp."""
    change("ALTER TABLE smallapp_sched ADD due timestamptz DEFAULT '2020-01-15 10:20:30 UTC'")
    put(people, "smallapp_sched", ("T", 1, 1), ("S", 1, 2), columns="owner slot v")
    made = run_after_leaving(people, people.pairs[:1], "smallapp_sched")
    meddle(
        "smallapp_sched", "BEFORE INSERT OR UPDATE", f"NEW.due = date_trunc('{unit}', NEW.due); RETURN NEW;"
    )
    with pytest.raises(TotalsMismatch, match="smallapp_sched did not return as they were"):
        undo_all(made)


@pytest.mark.parametrize(
    "body", ["RAISE 'It is final.'", "DELETE FROM reminder", "UPDATE smallapp_plain SET id = id"]
)
def test_a_trigger_of_another_column_with_a_time(people: People, stamped: int, body: str) -> None:
    """An update of this column is tried and taken back, but PostgreSQL counts what was done."""
    change(
        "CREATE TABLE reminder (id bigint); INSERT INTO reminder VALUES (1); GRANT ALL ON reminder TO PUBLIC"
    )
    put(people, "smallapp_plain", "X")
    change(
        "CREATE TRIGGER touch BEFORE INSERT OR UPDATE ON smallapp_shift FOR EACH ROW EXECUTE FUNCTION touch()"
    )
    meddle("smallapp_shift", "AFTER UPDATE OF created", f"{body}; RETURN NULL;")
    restore(stamped)
    assert times() == {1: (2020, 2030), 2: (2020, 2030)}
    assert query("SELECT count(*) FROM {}", "reminder") == [1]


@pytest.mark.parametrize(
    "updated",
    [
        "NEW.created = OLD.created; NEW.touched = now(); RETURN NEW;",
        "IF NEW.worker_id = OLD.worker_id THEN RETURN NULL; END IF; RETURN NEW;",
        "RAISE 'The time of creation stays.';",
    ],
)
def test_a_trigger_that_keeps_the_time_of_creation(people: People, stamped: int, updated: str) -> None:
    """That would be the time of the undo. A time that is stamped at each change may be."""
    body = f"IF TG_OP = 'INSERT' THEN NEW.created = now(); RETURN NEW; END IF; {updated}"
    meddle("smallapp_shift", "BEFORE INSERT OR UPDATE OF created, touched", body)
    with pytest.raises(
        (TotalsMismatch, DatabaseError), match="did not return as they were|time of creation stays"
    ):
        undo_all(stamped)


def test_the_time_of_a_row_that_no_other_row_shows_to_be_stamped(people: People, stamped: int) -> None:
    """The trigger may as well keep it: there is no row of which to see that."""
    change("DELETE FROM smallapp_shift")
    change(
        "CREATE TRIGGER touch BEFORE INSERT OR UPDATE ON smallapp_shift FOR EACH ROW EXECUTE FUNCTION touch()"
    )
    with pytest.raises(TotalsMismatch, match="smallapp_shift did not return as they were"):
        undo_all(stamped, leave_changed=True)


def test_a_time_that_refers_to_another_row(people: People, stamped: int) -> None:
    """The row would return with another parent."""
    change("""
        CREATE TABLE slot (start timestamptz PRIMARY KEY);
        INSERT INTO slot VALUES ('2020-01-01 UTC'), ('2030-01-01 UTC');
        ALTER TABLE smallapp_shift ADD FOREIGN KEY (touched) REFERENCES slot;
        CREATE TRIGGER touch BEFORE INSERT OR UPDATE ON smallapp_shift FOR EACH ROW EXECUTE FUNCTION touch();
    """)
    with pytest.raises(TotalsMismatch, match="smallapp_shift did not return as they were"):
        undo_all(stamped)


# --- Triggers on changed rows ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("timing", "body"),
    [
        ("BEFORE", "NEW.verified = false; RETURN NEW;"),
        ("AFTER", "INSERT INTO outbox VALUES (NEW.email); RETURN NULL;"),
    ],
)
def test_a_trigger_of_a_column_that_an_undo_does_not_restore(people: People, timing: str, body: str) -> None:
    """A trigger that stamps each change makes the journal keep all columns."""
    change("""
        CREATE TABLE outbox (email text); GRANT INSERT, SELECT ON outbox TO PUBLIC;
        ALTER TABLE smallapp_plain
            ADD email text DEFAULT 'a', ADD verified boolean DEFAULT true, ADD touched timestamptz;
        CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.touched = NULL; RETURN NEW; END $$;
        CREATE TRIGGER touch BEFORE UPDATE ON smallapp_plain FOR EACH ROW EXECUTE FUNCTION touch();
    """)
    meddle("smallapp_plain", f"{timing} UPDATE OF email", body)
    plain = put(people, "smallapp_plain", "S", "T")
    before = rows_as_text([plain])
    restore(run_after_leaving(people, people.pairs[:1], "smallapp_plain"))
    assert rows_as_text([plain]) == before
    assert query("SELECT count(*) FROM {}", "outbox") == [0]


def test_columns_of_which_each_row_gets_others_back(people: People) -> None:
    """Each kind of change is written by a statement of its own, so that a trigger fires for what is restored."""
    change("CREATE TABLE seen (id bigint); GRANT INSERT, SELECT ON seen TO PUBLIC")
    counter = put(people, "smallapp_counter", ("S", 1, 5), ("T", 1, 7), ("S", 2, 1), columns="owner day n")
    before = rows_as_text([counter])
    made = run_after_leaving(people, people.pairs[:1], "smallapp_counter")
    meddle("smallapp_counter", "AFTER UPDATE OF n", "INSERT INTO seen VALUES (NEW.id); RETURN NULL;")
    restore(made)
    assert rows_as_text([counter]) == before
    assert query("SELECT id FROM {}", "seen") == [2]


def sheets(people: People) -> DataType:
    """Sheets of S and T, each in a partition of its own."""
    change(
        "CREATE DOMAIN remark AS text;"
        " CREATE TABLE sheet (id bigint, owner_id bigint, state text, note remark, made timestamptz,"
        " PRIMARY KEY (id, owner_id)) PARTITION BY LIST (owner_id)"
    )
    for number, letter in enumerate("ST", start=1):
        change(f"CREATE TABLE sheet_{number} PARTITION OF sheet FOR VALUES IN ({people[letter].pk})")
        execute("INSERT INTO sheet VALUES (%s, %s, 'done', '', '2020-01-01 UTC')", number, people[letter].pk)
    sheet = model_of("sheet", owner=to(User), state=models.TextField())
    return DataType("Sheets", sheet, (Column("owner"),), Combine(KeepTarget()), "Sheets.")


@pytest.mark.parametrize("is_new", [False, True])
def test_a_trigger_that_changes_rows_that_come_back_to_a_partition(people: People, *, is_new: bool) -> None:
    """The journal has what it replaced. What people wrote since stays. The trigger may be made after the transfer."""
    entry = sheets(people)
    before = rows_as_text([entry])
    body = "NEW.state = 'new'; NEW.note = 'new'; RETURN NEW;"
    if not is_new:
        meddle("sheet", "BEFORE INSERT", body)
    with only(entry):
        ran = run_pairs(people.by, people.pairs[:1], [entry])
    if is_new:
        meddle("sheet", "BEFORE INSERT", body)
    execute("UPDATE sheet SET note = 'ours' WHERE id = 1")
    restore(ran.transfer_id)
    expected = [
        row.replace('done,""', "done,ours") if row.startswith("(1") else row for row in before["sheet"]
    ]
    assert rows_as_text([entry]) == {"sheet": expected}
    assert expected != before["sheet"]


@pytest.mark.parametrize(
    ("updated", "is_right"), [("NEW.made = OLD.made", False), ("NEW.made = '2030-01-01 UTC'", True)]
)
def test_a_time_of_rows_that_come_back_to_a_partition(
    people: People, updated: str, *, is_right: bool
) -> None:
    """One that is stamped at each change may be, but not one that is kept: it would be that of the undo."""
    body = f"IF TG_OP = 'INSERT' THEN NEW.made = now(); ELSE {updated}; END IF; RETURN NEW;"
    entry = sheets(people)
    meddle("sheet", "BEFORE INSERT OR UPDATE", body)
    with only(entry):
        ran = run_pairs(people.by, people.pairs[:1], [entry])
    if is_right:
        restore(ran.transfer_id)
        assert query("SELECT extract(year FROM made AT TIME ZONE 'UTC') FROM {} WHERE id = 1", "sheet") == [
            2030
        ]
    else:
        with pytest.raises(
            TotalsMismatch, match="records of sheet do not have the values that were restored"
        ):
            undo_all(ran.transfer_id)


def test_a_trigger_that_counts_the_changes_of_rows_that_stay_in_their_partition(people: People) -> None:
    """They are written once."""
    change("CREATE TABLE sheet (id bigint PRIMARY KEY, owner_id bigint, n integer) PARTITION BY LIST (id)")
    change("CREATE TABLE sheet_1 PARTITION OF sheet DEFAULT")
    execute("INSERT INTO sheet VALUES (1, %s, 0)", people["S"].pk)
    meddle("sheet", "BEFORE INSERT OR UPDATE", "NEW.n = NEW.n + 1; RETURN NEW;")
    sheet = model_of("sheet", owner=to(User), n=models.IntegerField())
    entry = DataType("Sheets", sheet, (Column("owner"),), Combine(), "Sheets.")
    with only(entry):
        ran = run_pairs(people.by, people.pairs[:1], [entry])
    restore(ran.transfer_id)
    assert query("SELECT n FROM {}", "sheet") == [1]


def test_a_trigger_that_changes_rows_of_a_type_of_which_nothing_was_moved(people: People) -> None:
    plain = put(people, "smallapp_plain", "X")
    put(people, "smallapp_sched", ("T", 1, 1), ("S", 1, 2), columns="owner slot v")
    made = run_after_leaving(people, people.pairs[:1], "smallapp_sched")
    before = rows_as_text([plain])
    meddle("smallapp_sched", "AFTER INSERT", "UPDATE smallapp_plain SET id = id; RETURN NULL;")
    with (
        pytest.raises(TotalsMismatch, match="1 records of smallapp_plain were changed"),
        transaction.atomic(),
    ):
        undo_all(made)
    assert rows_as_text([plain]) == before
