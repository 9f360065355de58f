-- Who may log in: the argon2id string of a member's password.
CREATE TABLE passwords (
    member TEXT PRIMARY KEY,
    hash TEXT NOT NULL,
    changed BIGINT NOT NULL
);

-- The programs through which members log in, and the SHA-256 of each one's secret.
CREATE TABLE clients (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    digest BYTEA NOT NULL,
    created BIGINT NOT NULL
);

-- Logins that last: `session` with a password, `api` for a token that a member made. `name` is the
-- member's own word for the latter.
CREATE TABLE logins (
    id TEXT PRIMARY KEY,
    member TEXT NOT NULL,
    client TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX logins_by_member ON logins (member, created);
CREATE INDEX logins_by_expiry ON logins (expires);

-- The SHA-256 of each token. A refresh token that was used is kept: that it comes again ends its login.
CREATE TABLE tokens (
    digest BYTEA PRIMARY KEY,
    login TEXT NOT NULL REFERENCES logins (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    expires BIGINT NOT NULL,
    spent BIGINT
);
CREATE INDEX tokens_of_login ON tokens (login);
