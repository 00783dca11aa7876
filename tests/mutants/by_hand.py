"""Places of the engine's Python where a slip would cost somebody their records: (file, as it is, broken)."""

PLACES = [
    # Which way a type takes, and what is asked of the catalog.
    ("compile.py", "data_type.overwrites or not subject.keys", "data_type.overwrites or bool(subject.keys)"),
    ("compile.py", "subject.has_one_owner and (subject", "(subject"),
    ("compile.py", "len(self.owners) == 1 and self.owners[0].is_scalar", "len(self.owners) == 1"),
    ("compile.py", "len(self.owners) == 1 and self.owners[0].is_scalar", "self.owners[0].is_scalar"),
    ("compile.py", "bool(self.keys) or self.data_type.drop_self_edges or", "bool(self.keys) or"),
    ("catalog.py", "if key.columns & wanted", "if key.columns == wanted"),
    ("catalog.py", "i.indisunique AND i.indisvalid", "i.indisunique AND i.indisvalid AND i.indpred IS NULL"),
    ("catalog.py", "coalesce(pg_get_expr(i.indpred, i.indrelid), 'true')", "'true'"),
    ("steps.py", 'sql.SQL("true") if key.nulls_clash else clash', "clash"),
    ("steps.py", 'sql.SQL("true") if key.nulls_clash else clash', 'sql.SQL("true")'),
    ("stage.py", "or remembered[entry.key][0] != own", ""),
    # Judging.
    (
        "compile.py",
        '    for owner in subject.owners:\n        yield step("affected"',
        '    for owner in subject.owners[:1]:\n        yield step("affected"',
    ),
    ("compile.py", "if owner.column in in_keys", "if owner is subject.owners[0]"),
    ("compile.py", "        if index:\n", "        if index > 1:\n"),
    ("compile.py", 'sql.SQL("{} IS DISTINCT FROM r.{}")', 'sql.SQL("{} IS NOT DISTINCT FROM r.{}")'),
    (
        "compile.py",
        'return sql.SQL(" OR ").join(\n        sql.SQL("{} IS DISTINCT',
        'return sql.SQL(" AND ").join(\n        sql.SQL("{} IS DISTINCT',
    ),
    ("policies.py", 'sql.SQL("_arrives DESC")', 'sql.SQL("_arrives")'),
    ("policies.py", "{} DESC NULLS LAST, _arrives", "{} DESC NULLS FIRST, _arrives"),
    ("policies.py", "{} DESC NULLS LAST, _arrives", "{} DESC NULLS LAST"),
    ("policies.py", 'NULLS LAST, _arrives").format(ranks', 'NULLS FIRST, _arrives").format(ranks'),
    ("policies.py", 'NULLS LAST, _arrives").format(ranks', 'NULLS LAST").format(ranks'),
    ("policies.py", 'sql.SQL("{}, {}").format(first_of_all', 'sql.SQL("{}, {} DESC").format(first_of_all'),
    # Owners.
    (
        "owners.py",
        "p.source = u.value\n        GROUP BY 1",
        "p.source = u.value\n        GROUP BY 1, u.place",
    ),
    ("owners.py", "SELECT array_agg(e.value ORDER BY e.place)", "SELECT array_agg(e.value ORDER BY e.value)"),
    ("owners.py", "SELECT jsonb_agg(e.value ORDER BY e.place)", "SELECT jsonb_agg(e.value ORDER BY e.value)"),
    (
        "owners.py",
        '"{r}.{kind_field} = {kind} AND {r}.{field} = p.{role}{text}"',
        '"{r}.{field} = p.{role}{text}"',
    ),
    ("owners.py", " AND {r}.{tenant} = p.tenant", ""),
    ("owners.py", '"attribute": "p.holds = {holds} AND ', '"attribute": "'),
    ("owners.py", '"json": "({r}.{field}{steps})', '"json": "({r}.{field})'),
    # Children.
    ("children.py", "goes = always or branch.child.goes_with_parent", "goes = branch.child.goes_with_parent"),
    ("children.py", "goes = always or branch.child.goes_with_parent", "goes = always"),
    (
        "children.py",
        "        if not goes:\n            yield from clashing",
        "        if goes:\n            yield from clashing",
    ),
    (
        "children.py",
        '        if not branch.child.goes_with_parent:\n            yield step("adopt',
        '        if branch.child.goes_with_parent:\n            yield step("adopt',
    ),
    (
        "children.py",
        "        yield from lost_children(branch.below, tables, lock, always=always)",
        "        yield from ()",
    ),
    ("children.py", "        yield from part_with_children(branch.below)", "        yield from ()"),
    # Folds.
    ("folds.py", '"smallint": (-(2**15), 2**15 - 1)', '"smallint": (-(2**15), 2**15)'),
    ("folds.py", "least(greatest({0}, {1}), {2})", "least({0}, {2})"),
    ("folds.py", 'f.{0}::numeric, r.{0}::numeric, f.{0}::numeric)")', 'f.{0}::numeric, r.{0}::numeric)")'),
    ("folds.py", "coalesce(r.{column} OR f.{column}, r.{column}, f.{column})", "r.{column} OR f.{column}"),
    (
        "folds.py",
        "nullif(r.{column}, ''), f.{column}), {length})",
        "f.{column}, nullif(r.{column}, '')), {length})",
    ),
    (
        "folds.py",
        "CASE WHEN nullif(r.{column}::text, '') IS NULL THEN coalesce(f",
        "CASE WHEN r.{column} IS NULL THEN coalesce(f",
    ),
    # The batch: locks, refusals, control totals, failures.
    (
        "batch.py",
        '        execute(as_text(fill("lock_users", users=sql.Identifier(User._meta.db_table))))\n',
        "",
    ),
    ("batch.py", "pair for pair in pairs if pair.pk not in refused", "pair for pair in pairs"),
    ("batch.py", "pk__in=pair_ids, state=PairState.PENDING", "pk__in=pair_ids"),
    ("batch.py", "    verify.check(plans, before)\n", ""),
    ("batch.py", '        execute("SET CONSTRAINTS ALL IMMEDIATE")\n', ""),
    ("batch.py", "        if changed:\n", "        if True:\n"),
    ("verify.py", "    nothing_left_behind(plans)\n", ""),
    ("verify.py", "expected = held - lost.get(data_type, 0)", "expected = after[data_type]"),
    (
        "verify.py",
        "    for data_type, pair, held, done in rows(UNEQUAL):",
        "    for data_type, pair, held, done in []:",
    ),
    ("worker.py", "if attempts >= MAX_ATTEMPTS", "if attempts > MAX_ATTEMPTS"),
    ("worker.py", "SHARE_OF_CHUNK = {0: 1.0, 1: 0.1}", "SHARE_OF_CHUNK = {0: 1.0, 1: 1.0, 2: 1.0}"),
    ("worker.py", "    count_attempt(batch)\n    return batch", "    return batch"),
    ("worker.py", "        run_isolated(transfer, batch[middle:])", "        pass"),
    (
        "worker.py",
        "is_transient(error) or (alone and not is_definite(error))",
        "alone and not is_definite(error)",
    ),
    ("worker.py", "not transfer.is_open or transfer.stop_requested_at or", "not transfer.is_open or"),
]
