-- What the certificate is known by that is presented in the place of a secret. Such a key has no digest: none is
-- as short as nothing.
ALTER TABLE access_keys ADD COLUMN certificate TEXT;
