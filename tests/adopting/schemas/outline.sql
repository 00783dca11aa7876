-- Tables shaped after Outline's published structure: uuid keys, names in mixed case, arrays of people. Outline itself does
-- not partition its tables; `events` and `views` are partitioned here, as large installations of such systems are.

CREATE SCHEMA outline;
SET search_path = outline;

CREATE TABLE teams (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name varchar(255));
CREATE TABLE users (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    email varchar(255),
    name varchar(255) NOT NULL,
    "teamId" uuid REFERENCES teams ON DELETE CASCADE,
    "suspendedById" uuid REFERENCES users,
    "invitedById" uuid REFERENCES users ON DELETE SET NULL,
    "createdAt" timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE collections (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name varchar(255),
    "teamId" uuid NOT NULL REFERENCES teams ON DELETE CASCADE,
    "createdById" uuid NOT NULL REFERENCES users,
    "documentStructure" jsonb
);
CREATE TABLE documents (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    title varchar(255) NOT NULL,
    "collectionId" uuid REFERENCES collections ON DELETE CASCADE,
    "parentDocumentId" uuid,
    "createdById" uuid NOT NULL REFERENCES users,
    "lastModifiedById" uuid REFERENCES users,
    "collaboratorIds" uuid[],
    "publishedAt" timestamptz,
    "updatedAt" timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX documents_created_by_id ON documents ("createdById");
CREATE INDEX documents_collaborator_ids ON documents USING gin ("collaboratorIds");
CREATE TABLE revisions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    title varchar(255) NOT NULL,
    "userId" uuid NOT NULL REFERENCES users,
    "documentId" uuid NOT NULL REFERENCES documents ON DELETE CASCADE,
    "createdAt" timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE stars (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    "documentId" uuid REFERENCES documents ON DELETE CASCADE,
    "userId" uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    "index" varchar(255),
    UNIQUE ("userId", "documentId")
);
CREATE TABLE views (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    "documentId" uuid NOT NULL,
    "userId" uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    count integer NOT NULL DEFAULT 1,
    "updatedAt" timestamptz NOT NULL DEFAULT now(),
    UNIQUE ("userId", "documentId")
) PARTITION BY HASH ("userId");
CREATE TABLE views_0 PARTITION OF views FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE views_1 PARTITION OF views FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE events (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    name varchar(255) NOT NULL,
    data jsonb,
    "userId" uuid REFERENCES users,
    "actorId" uuid REFERENCES users,
    "collectionId" uuid,
    "createdAt" timestamptz NOT NULL,
    PRIMARY KEY (id, "createdAt")
) PARTITION BY RANGE ("createdAt");
CREATE TABLE events_2026_01 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE events_rest PARTITION OF events DEFAULT;
CREATE TABLE groups (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name varchar(255) NOT NULL,
    "teamId" uuid NOT NULL REFERENCES teams ON DELETE CASCADE,
    "createdById" uuid NOT NULL REFERENCES users
);
CREATE TABLE group_users (
    "userId" uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    "groupId" uuid NOT NULL REFERENCES groups ON DELETE CASCADE,
    "createdById" uuid NOT NULL REFERENCES users,
    "createdAt" timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY ("groupId", "userId")
);
CREATE TABLE user_permissions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    "collectionId" uuid REFERENCES collections ON DELETE CASCADE,
    "documentId" uuid REFERENCES documents ON DELETE CASCADE,
    "sourceId" uuid REFERENCES user_permissions ON DELETE SET NULL,
    "userId" uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    permission varchar(255) NOT NULL,
    "createdById" uuid NOT NULL REFERENCES users
);
CREATE UNIQUE INDEX user_permissions_once ON user_permissions ("userId", "documentId") WHERE "sourceId" IS NULL;
CREATE TABLE comments (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    data jsonb NOT NULL,
    "documentId" uuid NOT NULL REFERENCES documents ON DELETE CASCADE,
    "parentCommentId" uuid REFERENCES comments ON DELETE CASCADE,
    "createdById" uuid NOT NULL REFERENCES users,
    "resolvedById" uuid REFERENCES users
);
CREATE TABLE reactions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    emoji varchar(50) NOT NULL,
    "userId" uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    "commentId" uuid NOT NULL REFERENCES comments ON DELETE CASCADE
);
CREATE INDEX reactions_comment_id ON reactions ("commentId");
CREATE TABLE subscriptions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    "userId" uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    "documentId" uuid REFERENCES documents ON DELETE CASCADE,
    event varchar(255) NOT NULL,
    "deletedAt" timestamptz
);
CREATE UNIQUE INDEX subscriptions_once ON subscriptions ("userId", "documentId", event);
CREATE TABLE notifications (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    "userId" uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    "actorId" uuid REFERENCES users,
    event varchar(255),
    "viewedAt" timestamptz
);

RESET search_path;
