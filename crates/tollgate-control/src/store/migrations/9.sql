-- The entries of a revision are found by its number.
CREATE INDEX audit_by_revision ON audit (revision, number);
