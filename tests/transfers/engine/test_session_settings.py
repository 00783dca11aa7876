"""TRANSFER_SESSION_SETTINGS gives values for the settings that triggers of other systems read."""

import pytest
from django.conf import LazySettings
from django.db import connection, transaction

from tests.fixtures import records
from tests.fixtures.cast import Cast
from tests.fixtures.roles import as_owner
from tests.fixtures.running import confirm, run, run_single
from transfers import actions
from transfers.engine.prediction import on_stage
from transfers.engine.stage import StagedPair
from transfers.models import PairState

pytestmark = pytest.mark.django_db

TRIGGER = """
CREATE TABLE changes (who text); GRANT ALL ON changes TO PUBLIC;
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
    INSERT INTO changes VALUES (current_setting('app.user_id'));
    RETURN coalesce(NEW, OLD);
END$$;
CREATE TRIGGER note BEFORE UPDATE OR DELETE ON workforce_agentschedule FOR EACH ROW EXECUTE FUNCTION note();
"""
VALUE = "it's 100% 0; SELECT 1"


def add_trigger(cast: Cast, setting: str) -> None:
    """Once set, a setting exists, empty, until the end of the session, so each test reads one of its own."""
    for user in (cast.ana, cast.bo):
        records.schedule(user, 1)
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(TRIGGER.replace("app.user_id", setting))


def current_value() -> str | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('app.user_id', true)")
        return cursor.fetchone()[0] or None


def test_without_the_setting_the_pair_fails_and_names_it(cast: Cast) -> None:
    add_trigger(cast, "app.never_given")
    pair = run_single(cast.ada, cast.ana, cast.bo).pairs.get()
    assert (pair.state, pair.attempts) == (PairState.FAILED, 1)
    assert "trigger note reads the setting app.never_given" in pair.reason


def test_with_the_setting_the_trigger_reads_its_value(cast: Cast, settings: LazySettings) -> None:
    add_trigger(cast, "app.user_id")
    confirmed = confirm(
        actions.start_single(by=cast.ada, source_id=cast.ana.pk, target_id=cast.bo.pk), cast.ada
    )
    settings.TRANSFER_SESSION_SETTINGS = {
        "app.user_id": VALUE
    }  # not before: the preview is in the same transaction
    assert run(confirmed).pairs.get().state == PairState.SUCCEEDED
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT who FROM changes")
        assert cursor.fetchall() == [(VALUE,)]


@pytest.mark.django_db(transaction=True)
def test_a_preview_has_the_setting_for_its_transaction_only(settings: LazySettings) -> None:
    cast = Cast()
    settings.TRANSFER_SESSION_SETTINGS = {"app.user_id": VALUE}
    with on_stage([StagedPair(1, cast.ana.pk, cast.bo.pk)]):
        assert current_value() == VALUE
        with connection.cursor() as cursor:
            cursor.execute("SHOW transaction_isolation")
            assert cursor.fetchone() == ("repeatable read",)
    with transaction.atomic():
        assert current_value() is None
