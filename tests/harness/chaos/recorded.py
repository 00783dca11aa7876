"""Check what was recorded about the pairs of a round: states, audit events, counts, journal, email and audit chain."""

from collections.abc import Iterator

import psycopg
from django.db import connection
from psycopg import sql

from audit.verification import tenants_to_verify, verify
from operations.mail import queue_ended
from tenancy.context import all_tenants_context
from transfer_site.run.embedded import APPLICATION
from transfers.registry import data_types
from transfers.rules import Profile

# The demo's, that of users who must differ, and that of a deferred trigger. No unique key or exclusion constraint.
VIOLATED_ON_PURPOSE = "constraint (demo_frozen_records|two_apart_are_two)|a user can have five pledges"
# Each query must return no rows.
MUST_BE_EMPTY = {
    "a pair whose audit events do not match its state": """
        SELECT p.id, p.state, array_agg(a.kind) FROM transfers_transferpair AS p
        LEFT JOIN audit_auditevent AS a ON a.pair_id = p.id
        WHERE p.transfer_id = %(id)s GROUP BY p.id HAVING array_agg(a.kind::text) IS DISTINCT FROM CASE p.state
            WHEN 'succeeded' THEN ARRAY['pair-succeeded'] WHEN 'failed' THEN ARRAY['pair-failed']
            ELSE ARRAY[NULL] END
    """,
    "an audit event whose counts differ from the pair's": """
        SELECT p.id FROM transfers_transferpair AS p JOIN audit_auditevent AS a ON a.pair_id = p.id
        WHERE a.kind = 'pair-succeeded' AND a.details->'counts' IS DISTINCT FROM p.counts
    """,
    "an ended transfer with a pending pair": """
        SELECT id FROM transfers_transferpair WHERE transfer_id = %(id)s AND state = 'pending'
    """,
    "a transfer whose state does not match its pairs": """
        SELECT t.state, of_pairs.state FROM transfers_transfer AS t CROSS JOIN (
            SELECT CASE
                WHEN bool_or(state = 'not started') THEN 'stopped'
                WHEN NOT bool_or(state = 'failed') THEN 'succeeded'
                WHEN bool_or(state = 'succeeded') THEN 'finished with errors'
                ELSE 'failed' END AS state
            FROM transfers_transferpair WHERE transfer_id = %(id)s
        ) AS of_pairs
        WHERE t.id = %(id)s AND t.state <> of_pairs.state
    """,
    "a pair with more than three attempts": """
        SELECT id, state, attempts FROM transfers_transferpair WHERE transfer_id = %(id)s AND attempts > 3
    """,
    "a failed pair without code, reason or remedy": """
        SELECT id, code, reason, remedy FROM transfers_transferpair
        WHERE transfer_id = %(id)s AND (state = 'failed') = (code = '' OR reason = '' OR remedy = '')
    """,
    "a pair that was refused by a constraint that rows of this world do not violate on purpose": """
        SELECT id, reason FROM transfers_transferpair
        WHERE transfer_id = %(id)s AND code = 'constraint' AND reason !~ %(on_purpose)s
    """,
    "a transfer without an email, or with two": """
        SELECT n FROM (SELECT count(*) AS n FROM operations_mail WHERE transfer_id = %(id)s) AS m WHERE n <> 1
    """,
    "a transfer whose end is not recorded exactly once, with the numbers of its pairs": """
        SELECT s.* FROM (
            SELECT count(*) FILTER (WHERE state = 'succeeded') AS succeeded,
                count(*) FILTER (WHERE state = 'failed') AS failed,
                count(*) FILTER (WHERE state = 'not started') AS not_started
            FROM transfers_transferpair WHERE transfer_id = %(id)s
        ) AS s
        WHERE (
            SELECT count(*) FROM audit_auditevent AS a
            WHERE (a.tenant_id, a.transfer_number) = (
                SELECT tenant_id, number FROM transfers_transfer WHERE id = %(id)s
            ) AND a.kind = 'transfer-finished'
            AND a.details->>'succeeded' = s.succeeded::text AND a.details->>'failed' = s.failed::text
            AND a.details->>'not_started' = s.not_started::text
        ) <> 1 OR (
            SELECT count(*) FROM audit_auditevent
            WHERE (tenant_id, transfer_number) = (
                SELECT tenant_id, number FROM transfers_transfer WHERE id = %(id)s
            ) AND kind IN ('transfer-confirmed', 'transfer-started', 'transfer-finished')
        ) <> CASE WHEN (SELECT started_at FROM transfers_transfer WHERE id = %(id)s) IS NULL THEN 2 ELSE 3 END
    """,
    "a user who is still a participant": "SELECT user_id FROM transfers_participant WHERE transfer_id = %(id)s",
    "a pair whose journal and counts differ": """
        SELECT pair, type, what, j.n, c.n
        FROM (
            SELECT pair_id AS pair, data_type AS type,
                CASE what WHEN 'changed' THEN 'moved' WHEN 'folded' THEN 'merged' ELSE what END AS what, sum(n) AS n
            FROM transfers_journalentry
            WHERE transfer_id = %(id)s AND what <> 'adopted'
                AND (what <> 'folded' OR data_type = ANY (%(profiles)s)) GROUP BY 1, 2, 3
        ) AS j
        FULL JOIN (
            SELECT p.id AS pair, t.type, n.what, n.v::bigint AS n
            FROM transfers_transferpair AS p, jsonb_each(p.counts) AS t(type, numbers),
                jsonb_each_text(t.numbers) AS n(what, v)
            WHERE p.transfer_id = %(id)s
                AND n.what NOT IN ('source', 'target', 'same_user', 'replaced_children')
        ) AS c USING (pair, type, what)
        WHERE j.n IS DISTINCT FROM c.n
    """,
}


def records_of_the_transfer(live: psycopg.Connection, transfer_id: int) -> Iterator[str]:
    profiles = [entry.key for entry in data_types() if isinstance(entry.rule, Profile)]
    for name, statement in MUST_BE_EMPTY.items():
        parameters = {"id": transfer_id, "profiles": profiles, "on_purpose": VIOLATED_ON_PURPOSE}
        found = live.execute(statement, parameters).fetchall()
        if found:
            yield f"{name}: {found[:3]}"


def records_of_the_site() -> Iterator[str]:
    """Queue the email about the ended transfer, and yield a sentence for each fault in the audit log.

    In production, Celery beat queues the email within 15 seconds. Both steps use the application's database role.
    """
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(APPLICATION)))
    with all_tenants_context():
        queue_ended()
    for tenant_id in tenants_to_verify():
        if wrong := verify(tenant_id).wrong:
            yield f"the audit log of tenant {tenant_id}: {wrong}"
    connection.close()
