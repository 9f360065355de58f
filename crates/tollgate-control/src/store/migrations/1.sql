-- Both engines read this. Instants are milliseconds since 1970 in UTC; switches are 0 or 1. What refers
-- to a service, package, plan, member or application may name one that a file owns, so those
-- references are checked by the program, not here.

-- The newest revision; one row.
CREATE TABLE feed (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    epoch BIGINT NOT NULL,
    number BIGINT NOT NULL
);

-- What each revision changed.
CREATE TABLE revisions (
    epoch BIGINT NOT NULL,
    number BIGINT NOT NULL,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    touched TEXT NOT NULL,
    PRIMARY KEY (epoch, number)
);

-- Every change and every refusal, each chained to the one before by its hash.
CREATE TABLE audit (
    number BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    kind TEXT NOT NULL,
    object TEXT NOT NULL,
    outcome TEXT NOT NULL,
    details TEXT NOT NULL,
    epoch BIGINT,
    revision BIGINT,
    hash BYTEA NOT NULL
);
CREATE INDEX audit_by_object ON audit (kind, object, number);
CREATE INDEX audit_by_actor ON audit (actor, number);

-- What else a store knows of itself.
CREATE TABLE facts (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
