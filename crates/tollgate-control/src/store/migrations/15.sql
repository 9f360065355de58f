-- Which database the store is at home in, where a copy of it can come to stand in another: of which server,
-- its number there, and the transaction that wrote this. One row; none in a file. There is no primary key,
-- so that what rewrites tables row by row leaves this one alone.
CREATE TABLE home (
    server TEXT,
    base BIGINT NOT NULL,
    written BIGINT NOT NULL
);
