-- Remote proxies. A row stays until it is forgotten. What it says of the end of a lease is never earlier than what
-- the proxy goes by.
CREATE TABLE proxies (
    name TEXT PRIMARY KEY,
    access_key TEXT NOT NULL,
    region TEXT NOT NULL,
    software TEXT NOT NULL,
    registered BIGINT NOT NULL,
    seen BIGINT NOT NULL,
    connected BIGINT NOT NULL,
    epoch BIGINT,
    number BIGINT,
    enforced_at BIGINT,
    keys BIGINT NOT NULL,
    skew BIGINT NOT NULL,
    serve_for BIGINT,
    leased_until BIGINT NOT NULL,
    problem TEXT,
    session BIGINT NOT NULL
);
