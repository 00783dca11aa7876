-- What keeps the audit log as it is, in the database itself, so that whoever can only speak SQL as the application has to
-- go through it. Why so: docs/decisions/audit-chain.md. These are plain triggers, because those of django-pgtrigger can be
-- silenced by a setting (pgtrigger.ignore), which anybody may set.

-- When an event was and which id it has is not for the application to say. Whoever owns the table restores old ones.
CREATE FUNCTION transfers_audit_stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'USAGE') THEN
        NEW.id := nextval('transfers_auditevent_id_seq');
        NEW.at := clock_timestamp();
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER transfers_audit_stamp BEFORE INSERT ON transfers_auditevent
FOR EACH ROW EXECUTE FUNCTION transfers_audit_stamp();

-- Notes the events that are in no seal yet, in their own transaction.
CREATE FUNCTION transfers_audit_wait() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO transfers_auditwaiting (event_id, tenant_id) SELECT id, tenant_id FROM added;
    RETURN NULL;
END $$;

CREATE TRIGGER transfers_audit_wait AFTER INSERT ON transfers_auditevent
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION transfers_audit_wait();

-- Takes the oldest events of a tenant that wait, a thousand at most, and appends their seal; nothing while another sealer
-- is at it or when none waits. What is hashed is described in transfers/audit_chain.py, which computes it anew.
-- Leans on the index (tenant_id, event_id) of what waits, and the unique index (tenant_id, number) of the seals.
CREATE FUNCTION transfers_seal(of_tenant bigint, at_most integer, OUT seal integer, OUT head text, OUT amount integer)
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF NOT pg_try_advisory_xact_lock(6818731310815641600 + of_tenant) THEN
        RETURN;
    END IF;
    WITH taken AS (
        DELETE FROM transfers_auditwaiting WHERE event_id IN (
            SELECT event_id FROM transfers_auditwaiting WHERE tenant_id = of_tenant
            ORDER BY event_id LIMIT greatest(1, least(at_most, 1000))
        )
        RETURNING event_id
    ), before AS (
        SELECT number, digest FROM transfers_auditseal WHERE tenant_id = of_tenant ORDER BY number DESC LIMIT 1
    ), s AS (
        SELECT coalesce((SELECT number FROM before), 0) + 1 AS number, clock_timestamp() AS sealed_at,
            array_agg(event_id ORDER BY event_id) AS events,
            array_agg(CASE WHEN e.id IS NULL THEN sha256('') ELSE sha256(convert_to(jsonb_build_array(
                e.id, e.tenant_id, (extract(epoch FROM e.at) * 1000000)::bigint, e.kind, e.actor_id, e.actor_name,
                host(e.address), e.transfer_id, e.pair_id, e.details
            )::text, 'UTF8')) END ORDER BY event_id) AS digests
        FROM taken LEFT JOIN transfers_auditevent AS e ON e.id = event_id AND e.tenant_id = of_tenant
        HAVING count(*) > 0
    )
    INSERT INTO transfers_auditseal AS made (tenant_id, number, sealed_at, events, digests, digest)
    SELECT of_tenant, s.number, s.sealed_at, s.events, s.digests, sha256(
        coalesce((SELECT digest FROM before), ''::bytea)
        || convert_to(format('%s %s %s ', of_tenant, s.number, (extract(epoch FROM s.sealed_at) * 1000000)::bigint)
            || array_to_string(s.events, ','), 'UTF8')
        || (SELECT string_agg(d, ''::bytea ORDER BY n) FROM unnest(s.digests) WITH ORDINALITY AS t (d, n))
    )
    FROM s
    RETURNING made.number, encode(made.digest, 'hex'), cardinality(made.events) INTO seal, head, amount;
END $$;

-- Nobody's temporary tables stand in the way, and nobody puts these on tables of their own. `migrate` lets the
-- application call the last one.
DO $$
DECLARE f regprocedure;
BEGIN
    FOREACH f IN ARRAY '{transfers_audit_stamp(),transfers_audit_wait(),"transfers_seal(bigint,integer)"}'::regprocedure[] LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = pg_catalog, %I, pg_temp', f, current_schema());
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
    END LOOP;
END $$;
