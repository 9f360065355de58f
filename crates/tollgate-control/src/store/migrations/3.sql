-- When keys were last used, in seconds since 1970, as proxies have counted and told now and then.
CREATE TABLE uses (
    key TEXT PRIMARY KEY,
    at BIGINT NOT NULL
);
