-- Answers to changes that were asked for with a key of the client's own (`Idempotency-Key`), so that the
-- same request is answered alike when it comes again. They are sealed.
CREATE TABLE answers (
    member TEXT NOT NULL,
    client_key TEXT NOT NULL,
    answer BYTEA NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (member, client_key)
);
CREATE INDEX answers_by_age ON answers (at);
