-- What each webhook's deliveries are signed with, sealed. Webhooks themselves are documents.
CREATE TABLE webhook_secrets (
    webhook TEXT PRIMARY KEY,
    sealed BYTEA NOT NULL
);

-- What webhooks are told: an event once for each of them. `next` is when it is tried next, or how
-- long whoever tries it has for that; null once it is over.
CREATE TABLE deliveries (
    id TEXT PRIMARY KEY,
    webhook TEXT NOT NULL,
    event TEXT NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    created BIGINT NOT NULL,
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    next BIGINT,
    tried BIGINT,
    status BIGINT,
    failure TEXT
);
CREATE INDEX deliveries_due ON deliveries (next, webhook) WHERE next IS NOT NULL;
CREATE INDEX deliveries_of_webhook ON deliveries (webhook, created, id);
CREATE INDEX deliveries_by_age ON deliveries (created);

-- Of what is told once in a period: when that ends, in seconds since 1970.
CREATE TABLE told (
    name TEXT PRIMARY KEY,
    until BIGINT NOT NULL
);
CREATE INDEX told_until ON told (until);

CREATE INDEX keys_by_overlap ON keys (superseded_until) WHERE superseded_until IS NOT NULL;
