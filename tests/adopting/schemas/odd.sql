-- What tables of other programs look like at their worst.

CREATE SCHEMA odd;
SET search_path = odd, public;

CREATE EXTENSION IF NOT EXISTS btree_gist WITH SCHEMA public;
CREATE TYPE level AS ENUM ('gold', 'silver');
CREATE TYPE pair AS (a integer, b text);
CREATE DOMAIN person_number AS integer CHECK (VALUE > 0);

CREATE TABLE person (person_id person_number PRIMARY KEY, login text UNIQUE, manager_id integer REFERENCES person);
CREATE TABLE agent (person_id integer PRIMARY KEY REFERENCES person, extension text);

-- Names
CREATE TABLE "class" (
    "id" bigint PRIMARY KEY,
    "def" text,
    "Owner ID" integer REFERENCES person,
    owner_id integer REFERENCES person,
    "save" text,
    "pk" integer,
    "match" text,
    "100%" numeric,
    "größe" numeric(6, 2),
    "it's ""quoted""" text,
    check_ boolean
);
COMMENT ON TABLE "class" IS 'What a person "owns"';
CREATE TABLE "OrderItem" (id uuid PRIMARY KEY, agent_id integer REFERENCES agent);
CREATE TABLE orderitem (id uuid PRIMARY KEY, agent_id integer REFERENCES agent);
CREATE TABLE "2nd log" (person_id integer REFERENCES person, note text);
CREATE TABLE meta (id serial PRIMARY KEY, objects integer, model text);
CREATE TABLE meta_person (person_id integer REFERENCES person, meta_id integer REFERENCES meta);

-- Types and keys
CREATE TABLE wide (
    row_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    agent_id smallint,
    words tsvector,
    place point,
    both_of pair,
    rank level,
    during tstzrange,
    stamp xid8,
    bits bit varying(8),
    raw bytea,
    amounts numeric(8, 2)[],
    copied_agent_id integer GENERATED ALWAYS AS (agent_id + 0) STORED
);
CREATE TABLE booking (
    booking_id uuid PRIMARY KEY,
    agent_id integer NOT NULL REFERENCES agent,
    during tstzrange NOT NULL,
    EXCLUDE USING gist (agent_id WITH =, during WITH &&)
);
CREATE TABLE workday (
    person_id integer REFERENCES person,
    day date,
    hours numeric,
    updated_at timestamptz,
    PRIMARY KEY (person_id, day)
);
CREATE TABLE folder (
    id bigint PRIMARY KEY,
    owner integer NOT NULL REFERENCES person,
    name varchar(40) NOT NULL,
    parent_id bigint REFERENCES folder ON DELETE CASCADE,
    UNIQUE (owner, name)
);
CREATE TABLE file (id bigint PRIMARY KEY, folder_id bigint NOT NULL REFERENCES folder, author_id integer REFERENCES person);

-- Children, three levels down
CREATE TABLE shift (
    id bigint PRIMARY KEY,
    agent_id integer NOT NULL REFERENCES agent,
    day date NOT NULL,
    UNIQUE (agent_id, day)
);
CREATE TABLE shift_break (id bigint PRIMARY KEY, shift_id bigint NOT NULL REFERENCES shift ON DELETE CASCADE);
CREATE TABLE break_mark (id bigint PRIMARY KEY, break_id bigint NOT NULL REFERENCES shift_break ON DELETE CASCADE);
CREATE TABLE mark_note (id bigint PRIMARY KEY, mark_id bigint REFERENCES break_mark ON DELETE SET NULL);
CREATE TABLE swap (id bigint PRIMARY KEY, from_shift_id bigint REFERENCES shift, to_shift_id bigint REFERENCES shift);

-- What hides, changes or sends rows
CREATE TABLE watched (id bigint PRIMARY KEY, agent_id integer REFERENCES agent);
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER watch_changes BEFORE UPDATE ON watched FOR EACH ROW EXECUTE FUNCTION keep();
CREATE TABLE watched_before (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, agent_id integer REFERENCES agent);
CREATE FUNCTION log_watched() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN INSERT INTO odd.watched_before (agent_id) VALUES (OLD.agent_id); RETURN NULL; END';
CREATE TRIGGER log_changes AFTER UPDATE ON watched FOR EACH ROW EXECUTE FUNCTION log_watched();
CREATE TABLE hidden (id bigint PRIMARY KEY, agent_id integer REFERENCES agent, branch text);
ALTER TABLE hidden ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_branch ON hidden USING (branch = current_setting('app.branch', true));
CREATE TABLE ruled (id bigint PRIMARY KEY, agent_id integer REFERENCES agent);
CREATE RULE no_delete AS ON DELETE TO ruled DO INSTEAD NOTHING;
CREATE TABLE sent (agent_id integer REFERENCES agent, at timestamptz);
CREATE PUBLICATION to_archive FOR TABLE watched;
CREATE VIEW all_shifts AS SELECT * FROM shift;

-- Rows of the account, logs, settings, numbers
CREATE TABLE agent_password (agent_id integer PRIMARY KEY REFERENCES agent, hash text);
CREATE TABLE badge (agent_id integer PRIMARY KEY REFERENCES agent, "passwordHash" text);
CREATE TABLE role (id bigint PRIMARY KEY, created_by integer REFERENCES agent);
CREATE TABLE app_session (sid text PRIMARY KEY, user_id integer);
CREATE TABLE training_session (id bigint PRIMARY KEY, agent_id integer REFERENCES agent);
CREATE TABLE agent_setting (agent_id integer REFERENCES agent, name text, value text);
CREATE TABLE exam_attempt (
    id bigint PRIMARY KEY,
    agent_id integer REFERENCES agent,
    exam integer,
    attempt smallint,
    updated_at timestamptz,
    UNIQUE (exam, agent_id, attempt)
);
CREATE TABLE page_visit (
    agent_id integer REFERENCES agent,
    page integer,
    modified integer,
    lastaccess integer,
    PRIMARY KEY (agent_id, page)
);
CREATE TABLE page_mark (agent_id integer REFERENCES agent, page integer, timemodified bigint, PRIMARY KEY (agent_id, page));
CREATE TABLE page_list (agent_id integer REFERENCES agent, page integer, modified integer, PRIMARY KEY (agent_id, page));
CREATE TABLE page_count (agent_id integer REFERENCES agent, page integer, updated_at integer, PRIMARY KEY (agent_id, page));
CREATE TABLE folder_reader (agent_id integer NOT NULL REFERENCES agent, folder_id bigint NOT NULL REFERENCES folder, created_at date);
CREATE TABLE pinned (
    id bigint NOT NULL UNIQUE,
    agent_id integer NOT NULL REFERENCES agent,
    page integer,
    source_id bigint REFERENCES pinned (id) ON DELETE SET NULL
);
CREATE UNIQUE INDEX pinned_once ON pinned (agent_id, page) WHERE source_id IS NULL;

-- Names that are meant to be code: quotes, a new line, a percent sign, characters that reorder others
CREATE TYPE U&"level\000Aimport os" AS ENUM ('x');
CREATE TABLE U&"a.b""""""\000Aimport os # \202E%s \\" (
    id bigint PRIMARY KEY,
    U&"agent\000A# \202E%(x)s {y} ' "" \\n_id" integer NOT NULL REFERENCES agent,
    U&"\000Aimport os" text NOT NULL,
    "models" text,
    "None" U&"level\000Aimport os",
    "array-field" text,
    "array_field" text,
    "agent of the longest possible name of a column of this table_id" integer,
    "agent of the longest possible name of a column of this table-id" integer,
    "folder id" bigint,
    folder_id bigint REFERENCES folder,
    UNIQUE (U&"agent\000A# \202E%(x)s {y} ' "" \\n_id", U&"\000Aimport os")
);
COMMENT ON TABLE U&"a.b""""""\000Aimport os # \202E%s \\" IS E'Ends """ here\nimport os \u202e \\';
CREATE TRIGGER U&"t\000A- # \202E" AFTER UPDATE ON U&"a.b""""""\000Aimport os # \202E%s \\"
    FOR EACH ROW EXECUTE FUNCTION log_watched();
CREATE TABLE array_field (id bigint PRIMARY KEY, agent_id integer REFERENCES agent);
CREATE TABLE "%" (id bigint PRIMARY KEY, agent_id integer REFERENCES agent);

-- Without a foreign key
CREATE TABLE call (
    call_id bigint PRIMARY KEY,
    handled_by integer,
    taken_from text,
    listeners integer[],
    details jsonb
);

RESET search_path;
