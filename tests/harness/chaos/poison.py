"""Pairs whose records have a trigger because of which they must fail ("poison").

When such records are moved or deleted, they raise an error, kill the worker, cut its connection, or keep what the
transfer changed: then the pair would look transferred if the transfer did not count again.
"""

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

import psycopg

from tests.harness.chaos.deadly.apps import DEADLY
from tests.harness.chaos.ground import Ground
from tests.harness.chaos.world import Bulk, holders_of

FUNCTION = """
CREATE FUNCTION chaos_{n}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ BEGIN {what} END $$;
REVOKE EXECUTE ON FUNCTION chaos_{n}() FROM PUBLIC;
"""
BEFORE_UPDATE = """
CREATE TRIGGER chaos_{n} BEFORE UPDATE ON quality_ccr FOR EACH ROW
WHEN (OLD.agent_id = {source} AND NEW.agent_id <> OLD.agent_id) EXECUTE FUNCTION chaos_{n}();
"""
DEFERRED = """
CREATE CONSTRAINT TRIGGER chaos_{n} AFTER UPDATE ON quality_ccr DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
WHEN (OLD.agent_id = {source} AND NEW.agent_id <> OLD.agent_id) EXECUTE FUNCTION chaos_{n}();
"""
BEFORE_DELETE = """
CREATE TRIGGER chaos_{n} BEFORE DELETE ON "Legacy CRM"."Open Cases" FOR EACH ROW
WHEN (OLD."Owner" = {target}) EXECUTE FUNCTION chaos_{n}();
"""


class Poison(NamedTuple):
    """A trigger on the records of one pair, which must make that pair fail with this code.

    `share` is the share of rounds that have such a pair.
    """

    what: str
    trigger: str = BEFORE_UPDATE
    code: str = "worker-died"
    share: float = 0.12


UNEQUAL = "numbers-do-not-add-up"
PUT_BACK = "UPDATE public.quality_ccr SET agent_id = OLD.agent_id WHERE id = NEW.id; RETURN NULL;"
MARK_DELETED = """
UPDATE "Legacy CRM"."Open Cases" SET "Title" = 'deleted ' || left(OLD."Title", 10) WHERE "Case No" = OLD."Case No";
RETURN NULL;
"""
POISON = {
    "raises": Poison("RAISE EXCEPTION 'a row that cannot be moved';", code="database-error"),
    "kills its worker": Poison(f"RAISE NOTICE '{DEADLY}'; PERFORM pg_sleep(1); RETURN NEW;"),
    "cuts its connection": Poison(
        "PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(1); RETURN NEW;"
    ),
    "puts its owner back in a deferred trigger": Poison(PUT_BACK, DEFERRED, UNEQUAL, 0.4),
    "marks rows as deleted instead of deleting them": Poison(MARK_DELETED, BEFORE_DELETE, UNEQUAL, 0.4),
}
# These kinds also cost the other pairs of the chunk up to two of their three attempts. At the third attempt, each pair
# runs alone.
DEADLY_POISON = {"kills its worker", "cuts its connection"}


def poison(ground: Ground, bulk: Bulk, kinds: Sequence[str], draw: Random) -> dict[int, str]:
    """Draw a pair with such records for each kind of poison, and create the trigger. Return {source ID: kind}."""
    given: dict[int, str] = {}
    targets = dict(bulk.pairs)
    with ground.connect() as connection:
        for kind in kinds:
            replaces = POISON[kind].trigger == BEFORE_DELETE
            able = sources_that_replace_cases(bulk) if replaces else bulk.sources_with_calls
            if able := [source for source in able if source not in given]:
                source = draw.choice(able)
                poison_pair(connection, kind, source, targets[source])
                given[source] = kind
    return given


def sources_that_replace_cases(bulk: Bulk) -> list[int]:
    """Return the sources that overwrite legacy cases of their target."""
    holders = holders_of("foreign.case")
    return [source for source, target in bulk.pairs if {source, target} <= holders]


def poison_pair(connection: psycopg.Connection, kind: str, source: int, target: int) -> None:
    what, trigger, *_ = POISON[kind]
    connection.execute((FUNCTION + trigger).format(n=source, source=source, target=target, what=what))
