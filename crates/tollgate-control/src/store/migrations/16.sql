-- What remote proxies and programs prove themselves with. One that was revoked stays until it is deleted.
CREATE TABLE access_keys (
    id TEXT PRIMARY KEY,
    capability TEXT NOT NULL,
    region TEXT NOT NULL,
    member TEXT NOT NULL,
    organization TEXT,
    organization_group TEXT,
    created BIGINT NOT NULL,
    revoked BIGINT,
    digest BYTEA NOT NULL
);
CREATE INDEX access_keys_of_region ON access_keys (region) WHERE revoked IS NULL;
