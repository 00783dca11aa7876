"""Which triggers fire in this session."""

# Of pg_trigger AS g. In a session that applies replicated changes, those fire that are enabled as REPLICA or ALWAYS.
FIRES = """
g.tgenabled IN ('A', CASE current_setting('session_replication_role') WHEN 'replica' THEN 'R' ELSE 'O' END)
""".strip()
