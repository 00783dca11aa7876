-- Protects the audit log in the database itself, so that SQL run with the application's role cannot bypass the
-- protection. Reasons: docs/decisions/audit-chain.md. Uses plain triggers, because any role can disable the triggers of
-- django-pgtrigger with the setting pgtrigger.ignore.
--
-- 0001_first.py replaces @schema@ with the current schema. The functions find nothing else in it: on a database upgraded
-- from PostgreSQL 14 every role may create functions in `public`, and a better match would be called by the owner.

-- Sets the id and time of each event, so that the application cannot choose them. The owner of the table can
-- choose them, to restore events from a backup.
CREATE FUNCTION audit_stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'USAGE') THEN
        NEW.id := nextval(pg_get_serial_sequence(TG_RELID::regclass::text, 'id'));
        NEW.at := clock_timestamp();
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER audit_stamp BEFORE INSERT ON audit_auditevent
FOR EACH ROW EXECUTE FUNCTION audit_stamp();

-- Marks new events as waiting to be sealed, in the transaction that adds them.
CREATE FUNCTION audit_wait() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO @schema@.audit_auditwaiting (event_id, tenant_id) SELECT id, tenant_id FROM added;
    RETURN NULL;
END $$;

CREATE TRIGGER audit_wait AFTER INSERT ON audit_auditevent
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION audit_wait();

-- Seals the oldest waiting events of a tenant, at most a thousand. Does nothing if none is waiting or another sealer
-- is running. audit/chain.py describes what is hashed, and has the same expressions for the verification.
-- Uses the index (tenant_id, event_id) of the waiting events, and the unique index (tenant_id, number) of the seals.
CREATE FUNCTION audit_seal(of_tenant bigint, at_most integer, OUT seal integer, OUT head text, OUT amount integer)
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF NOT pg_try_advisory_xact_lock(6818731310815641600 + of_tenant) THEN
        RETURN;
    END IF;
    WITH taken AS (
        DELETE FROM @schema@.audit_auditwaiting WHERE event_id IN (
            SELECT event_id FROM @schema@.audit_auditwaiting WHERE tenant_id = of_tenant
            ORDER BY event_id LIMIT greatest(1, least(at_most, 1000))
        )
        RETURNING event_id
    ), before AS (
        SELECT number, digest FROM @schema@.audit_auditseal WHERE tenant_id = of_tenant ORDER BY number DESC LIMIT 1
    ), s AS (
        SELECT coalesce((SELECT number FROM before), 0) + 1 AS number, clock_timestamp() AS sealed_at,
            array_agg(event_id ORDER BY event_id) AS events,
            array_agg(CASE WHEN e.id IS NULL THEN sha256('') ELSE sha256(convert_to(jsonb_build_array(
                e.id, e.tenant_id, (extract(epoch FROM e.at) * 1000000)::bigint, e.kind, e.actor_id, e.actor_name,
                host(e.address), e.transfer_number, e.pair_id, e.details
            )::text, 'UTF8')) END ORDER BY event_id) AS digests
        FROM taken LEFT JOIN @schema@.audit_auditevent AS e ON e.id = event_id AND e.tenant_id = of_tenant
        HAVING count(*) > 0
    )
    INSERT INTO @schema@.audit_auditseal AS made (tenant_id, number, sealed_at, events, digests, digest)
    SELECT of_tenant, s.number, s.sealed_at, s.events, s.digests, sha256(
        coalesce((SELECT digest FROM before), ''::bytea)
        || convert_to(format('%s %s %s ', of_tenant, s.number, (extract(epoch FROM s.sealed_at) * 1000000)::bigint)
            || array_to_string(s.events, ','), 'UTF8')
        || (SELECT string_agg(d, ''::bytea ORDER BY n) FROM unnest(s.digests) WITH ORDINALITY AS t (d, n))
    )
    FROM s
    RETURNING made.number, encode(made.digest, 'hex'), cardinality(made.events) INTO seal, head, amount;
END $$;

-- Ensures that nothing that another role creates can take the place of what these functions use, and that no role can use
-- the functions in triggers on its own tables. `migrate` grants the application EXECUTE on audit_seal.
DO $$
DECLARE f regprocedure;
BEGIN
    FOREACH f IN ARRAY '{audit_stamp(),audit_wait(),"audit_seal(bigint,integer)"}'::regprocedure[] LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = pg_catalog, pg_temp', f);
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
    END LOOP;
END $$;
