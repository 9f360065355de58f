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

-- Objects of which there are few enough to be looked through: their fields stand in `body`, a JSON
-- object. `parent` is what the object lies below: a plan's package, an application's member.
CREATE TABLE documents (
    shelf TEXT NOT NULL,
    id TEXT NOT NULL,
    parent TEXT NOT NULL,
    name TEXT NOT NULL,
    body TEXT NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    PRIMARY KEY (shelf, id)
);
CREATE INDEX documents_by_parent ON documents (shelf, parent, created, id);
CREATE INDEX documents_by_name ON documents (shelf, name);

-- Key sets and package keys: chains of successive keys. `due` is when the scheduler comes next.
CREATE TABLE chains (
    id TEXT PRIMARY KEY,
    version BIGINT NOT NULL,
    name TEXT NOT NULL,
    application TEXT NOT NULL,
    auth_type TEXT NOT NULL,
    policy TEXT,
    template TEXT,
    suspended_itself BIGINT NOT NULL,
    application_suspended BIGINT NOT NULL,
    last_error TEXT,
    due BIGINT,
    package TEXT,
    plan TEXT,
    qps_limit_ceiling BIGINT,
    qps_limit_exempt BIGINT NOT NULL,
    rate_limit_ceiling BIGINT,
    rate_limit_exempt BIGINT NOT NULL,
    body TEXT NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    is_key_set BIGINT NOT NULL,
    words TEXT NOT NULL
);
CREATE INDEX chains_by_application ON chains (application, is_key_set, created, id);
CREATE INDEX chains_by_age ON chains (is_key_set, created, id);
CREATE INDEX chains_by_due ON chains (due);
CREATE INDEX chains_by_plan ON chains (package, plan);

-- The keys of chains. The first key of a chain has the chain's id.
CREATE TABLE keys (
    id TEXT PRIMARY KEY,
    chain TEXT NOT NULL REFERENCES chains (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    latest BIGINT NOT NULL,
    state TEXT NOT NULL,
    superseded_until BIGINT,
    provisioned BIGINT,
    rotation_planned BIGINT,
    rotation_due BIGINT,
    rotated BIGINT,
    expiration BIGINT,
    expiration_is_day BIGINT NOT NULL,
    expired BIGINT,
    revoked BIGINT,
    digest TEXT NOT NULL UNIQUE,
    sealed BYTEA,
    sealed_secret BYTEA,
    secret_digest TEXT,
    wrapped_secret TEXT,
    created BIGINT NOT NULL
);
CREATE UNIQUE INDEX keys_of_chain ON keys (chain, number);
CREATE INDEX keys_by_state ON keys (latest, state);
CREATE INDEX keys_by_expiration ON keys (latest, expiration);

-- Which API a key set may call, and under which plan.
CREATE TABLE subscriptions (
    id TEXT PRIMARY KEY,
    chain TEXT NOT NULL REFERENCES chains (id) ON DELETE CASCADE,
    service TEXT NOT NULL,
    package TEXT NOT NULL,
    plan TEXT NOT NULL,
    created BIGINT NOT NULL,
    cancelled BIGINT
);
CREATE INDEX subscriptions_of_chain ON subscriptions (chain, created);
CREATE INDEX subscriptions_by_service ON subscriptions (service);

-- What has happened to a chain.
CREATE TABLE timeline (
    chain TEXT NOT NULL REFERENCES chains (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    at BIGINT NOT NULL,
    key_number BIGINT NOT NULL,
    what TEXT NOT NULL,
    details TEXT,
    PRIMARY KEY (chain, number)
);
