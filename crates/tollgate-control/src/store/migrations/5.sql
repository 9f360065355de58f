-- Under which scheme a key was digested: `sha256`, or `hmac-sha256:` and the fingerprint of the pepper.
-- NULL: not known, because it was made before this column.
ALTER TABLE keys ADD COLUMN scheme TEXT;
UPDATE keys SET scheme = 'sha256' WHERE digest LIKE 'sha256:%';
CREATE INDEX keys_by_scheme ON keys (scheme, state);
