-- Rows that were written ahead of the change by which they come: those whose ids lie between `first` and
-- `last`, of `owner`, which is a number by which its process is known. `over` = they are taken away again.
CREATE TABLE ahead (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    first TEXT NOT NULL,
    last TEXT NOT NULL,
    owner BIGINT NOT NULL,
    over BIGINT NOT NULL
);
