"""Hand-picked places in the Python code of the engine and its checks where a mistake would lose records.

Each entry is (file below transfers/, current code, broken code).
"""

PLACES = [
    # Choosing the direct or the conflict-resolving plan, and reading the database catalog.
    (
        "engine/compiler/subject.py",
        "data_type.overwrites or not self.keys",
        "data_type.overwrites or bool(self.keys)",
    ),
    ("engine/compiler/subject.py", "self.has_one_owner and (self", "(self"),
    (
        "engine/compiler/subject.py",
        "len(self.owners) == 1 and self.owners[0].is_scalar",
        "len(self.owners) == 1",
    ),
    (
        "engine/compiler/subject.py",
        "len(self.owners) == 1 and self.owners[0].is_scalar",
        "self.owners[0].is_scalar",
    ),
    (
        "engine/compiler/subject.py",
        "bool(self.keys) or self.data_type.drop_self_edges or",
        "bool(self.keys) or",
    ),
    ("engine/compiler/catalog.py", "if key.columns & wanted", "if key.columns == wanted"),
    (
        "engine/compiler/catalog.py",
        "i.indisunique AND i.indisvalid",
        "i.indisunique AND i.indisvalid AND i.indpred IS NULL",
    ),
    ("engine/compiler/catalog.py", "coalesce(pg_get_expr(i.indpred, i.indrelid), 'true')", "'true'"),
    ("engine/compiler/steps.py", 'sql.SQL("true") if key.nulls_equal else all_set', "all_set"),
    ("engine/compiler/steps.py", 'sql.SQL("true") if key.nulls_equal else all_set', 'sql.SQL("true")'),
    ("engine/stage.py", "or plan_cache[name][0] != own", ""),
    ("engine/compiler/plans.py", "    in_one_table(subject)\n", ""),
    ("engine/compiler/plans.py", "or subject.tables[name].is_plain)", "or subject.table.is_plain)"),
    ("engine/compiler/plans.py", "    columns_can_be_written(data_type, table)\n", ""),
    ("engine/compiler/plans.py", "    attributes_are_exact(data_type, table, owners)\n", ""),
    ("engine/compiler/plans.py", "    keys_identify_owners(data_type, table, owners)\n", ""),
    ("engine/compiler/requirements.py", "            key_holds_beside(data_type, key, owner)\n", ""),
    ("engine/compiler/requirements.py", "            key_holds_attribute(data_type, key, owner)\n", ""),
    (
        "engine/compiler/requirements.py",
        "or is_for_users_only(data_type, key, owner)",
        "or key.predicate != 'true'",
    ),
    (
        "engine/compiler/requirements.py",
        "            if only_in_predicate(key, table, owner.column):\n                continue\n",
        "",
    ),
    ("engine/compiler/catalog.py", "for base in base_columns[table, column]", "for base in [column]"),
    (
        "engine/compiler/steps.py",
        "for name, expression in table.generated.items()",
        "for name, expression in ()",
    ),
    ("checks/database.py", "        yield from not_prepared(plans)\n", "        yield from ()\n"),
    ("checks/trial.py", '            cursor.execute(";\\n".join', '            str(";\\n".join'),
    # Resolving conflicts.
    (
        "engine/compiler/conflict_resolving.py",
        '    for owner in subject.owners:\n        yield step("affected"',
        '    for owner in subject.owners[:1]:\n        yield step("affected"',
    ),
    ("engine/compiler/conflict_resolving.py", "if owner.column in in_keys", "if owner is subject.owners[0]"),
    ("engine/compiler/conflict_resolving.py", "        if index:\n", "        if index > 1:\n"),
    (
        "engine/compiler/conflict_resolving.py",
        'sql.SQL("{} IS DISTINCT FROM r.{}")',
        'sql.SQL("{} IS NOT DISTINCT FROM r.{}")',
    ),
    (
        "engine/compiler/conflict_resolving.py",
        'return sql.SQL(" OR ").join(\n        sql.SQL("{} IS DISTINCT',
        'return sql.SQL(" AND ").join(\n        sql.SQL("{} IS DISTINCT',
    ),
    ("engine/compiler/policies.py", 'sql.SQL("_arrives DESC")', 'sql.SQL("_arrives")'),
    ("engine/compiler/policies.py", "{} DESC NULLS LAST, _arrives", "{} DESC NULLS FIRST, _arrives"),
    ("engine/compiler/policies.py", "{} DESC NULLS LAST, _arrives", "{} DESC NULLS LAST"),
    (
        "engine/compiler/policies.py",
        'NULLS LAST, _arrives").format(ranks',
        'NULLS FIRST, _arrives").format(ranks',
    ),
    ("engine/compiler/policies.py", 'NULLS LAST, _arrives").format(ranks', 'NULLS LAST").format(ranks'),
    (
        "engine/compiler/policies.py",
        'sql.SQL("{}, {}").format(policy_order',
        'sql.SQL("{}, {} DESC").format(policy_order',
    ),
    # Owners.
    (
        "engine/compiler/owners.py",
        "p.source = u.value\n        GROUP BY 1",
        "p.source = u.value\n        GROUP BY 1, u.place",
    ),
    (
        "engine/compiler/owners.py",
        "SELECT array_agg(e.value ORDER BY e.place)",
        "SELECT array_agg(e.value ORDER BY e.value)",
    ),
    (
        "engine/compiler/owners.py",
        "SELECT jsonb_agg(e.value ORDER BY e.place)",
        "SELECT jsonb_agg(e.value ORDER BY e.value)",
    ),
    (
        "engine/compiler/owners.py",
        '"{r}.{kind_field} = {kind} AND {r}.{field} = p.{role}{text}"',
        '"{r}.{field} = p.{role}{text}"',
    ),
    ("engine/compiler/owners.py", " AND {r}.{tenant} = p.tenant", ""),
    ("engine/compiler/owners.py", '"attribute": "p.holds = {holds} AND ', '"attribute": "'),
    ("engine/compiler/owners.py", '"json": "({r}.{field}{steps})', '"json": "({r}.{field})'),
    ("engine/compiler/owners.py", "owner.mapped(mapped.get(owner.column))", "owner.mapped()"),
    ("engine/compiler/owners.py", 'self.names.get("path", NO_PATH) == NO_PATH', "False"),
    # Children.
    (
        "engine/compiler/children.py",
        "all_lost = always or branch.child.goes_with_parent",
        "all_lost = branch.child.goes_with_parent",
    ),
    (
        "engine/compiler/children.py",
        "all_lost = always or branch.child.goes_with_parent",
        "all_lost = always",
    ),
    (
        "engine/compiler/children.py",
        "        if not all_lost:\n            yield from conflicting",
        "        if all_lost:\n            yield from conflicting",
    ),
    (
        "engine/compiler/children.py",
        '        if not branch.child.goes_with_parent:\n            yield step("adopt',
        '        if branch.child.goes_with_parent:\n            yield step("adopt',
    ),
    (
        "engine/compiler/children.py",
        "        yield from lost_children(branch.below, tables, lock, always=always)",
        "        yield from ()",
    ),
    (
        "engine/compiler/children.py",
        "        yield from remove_and_adopt_children(branch.below)",
        "        yield from ()",
    ),
    ("engine/compiler/children.py", "        if index:\n", "        if index > 1:\n"),
    # Folds.
    ("engine/compiler/folds.py", '"smallint": (-(2**15), 2**15 - 1)', '"smallint": (-(2**15), 2**15)'),
    ("engine/compiler/folds.py", "least(greatest({0}, {1}), {2})", "least({0}, {2})"),
    ("engine/compiler/folds.py", 'f.{0}{1}, r.{0}{1}, f.{0}{1})")', 'f.{0}{1}, r.{0}{1})")'),
    ("engine/compiler/folds.py", '"" if sql_type.startswith("interval") else "::numeric"', '"::numeric"'),
    (
        "engine/compiler/folds.py",
        "coalesce(r.{column} OR f.{column}, r.{column}, f.{column})",
        "r.{column} OR f.{column}",
    ),
    (
        "engine/compiler/folds.py",
        "nullif(r.{column}, ''), f.{column}), {length})",
        "f.{column}, nullif(r.{column}, '')), {length})",
    ),
    (
        "engine/compiler/folds.py",
        "CASE WHEN nullif(r.{column}::text, '') IS NULL THEN coalesce(f",
        "CASE WHEN r.{column} IS NULL THEN coalesce(f",
    ),
    # Batches and workers: locks, refusals, control totals, failures.
    (
        "engine/batch.py",
        '        execute(as_text(fill("lock_users", users=sql.Identifier(User._meta.db_table))))\n',
        "",
    ),
    ("engine/batch.py", "pair for pair in pairs if pair.pk not in refused", "pair for pair in pairs"),
    ("engine/batch.py", "pk__in=pair_ids, state=PairState.PENDING", "pk__in=pair_ids"),
    ("engine/batch.py", "    verify.check(plans, before)\n", ""),
    ("engine/batch.py", '        execute("SET CONSTRAINTS ALL IMMEDIATE")\n', ""),
    ("engine/batch.py", "        if changed:\n", "        if True:\n"),
    ("engine/verify.py", "    check_left_behind(plans)\n", ""),
    ("engine/verify.py", "expected = rows_before - lost.get(data_type, 0)", "expected = after[data_type]"),
    (
        "engine/verify.py",
        "    for data_type, pair, source_rows, done in fetch(UNEQUAL):",
        "    for data_type, pair, source_rows, done in []:",
    ),
    ("engine/worker.py", "if spent >= MAX_ATTEMPTS", "if spent > MAX_ATTEMPTS"),
    ("engine/worker.py", 'then=F("attempts") - 1', 'then=F("attempts")'),
    ("engine/worker.py", "SHARE_OF_CHUNK = {0: 1.0, 1: 0.1}", "SHARE_OF_CHUNK = {0: 1.0, 1: 1.0, 2: 1.0}"),
    ("engine/worker.py", "    count_attempt(batch)\n    return batch", "    return batch"),
    ("engine/worker.py", "for half in (batch[:middle], batch[middle:]):", "for half in (batch[:middle],):"),
    ("engine/worker.py", '.order_by("pauses", "chunk")', '.order_by("chunk")'),
    ("engine/worker.py", '.order_by("pauses", "spent", "pk")', '.order_by("spent", "pk")'),
    ("engine/worker.py", "if not alone and time.monotonic() > deadline:", "if False:"),
    (
        "engine/worker.py",
        "Q(server_began__isnull=False) & ~Q(server_began=SERVER_BEGAN)",
        "Q(started_at__lt=SERVER_BEGAN)",
    ),
    ("engine/worker.py", 'attempts=F("attempts") - 1,\n', "\n"),
    ("engine/batch.py", "SET LOCAL lock_timeout = 0; ", ""),
    ("engine/worker.py", "return is_transient(error) and tries < MAX_ATTEMPTS", "return False"),
    ("engine/worker.py", "return not is_definite(error) and left.exists()", "return left.exists()"),
    ("engine/worker.py", ".filter(spent__lt=MAX_ATTEMPTS)", ""),
    ("engine/worker.py", "not transfer.is_open or transfer.stop_requested_at or", "not transfer.is_open or"),
]
