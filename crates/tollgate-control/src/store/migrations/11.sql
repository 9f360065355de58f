-- What chains are found by is looked up once for all that are found by the same, which are those of an
-- application above all: `wording` stands for `words`. The program gives it to those that are there.
ALTER TABLE chains ADD COLUMN wording BYTEA;
CREATE INDEX chains_by_wording ON chains (wording, is_key_set, created, id, state);
DROP INDEX chains_by_age;
CREATE INDEX chains_by_age ON chains (
    is_key_set, created, id, state, application, package, plan, auth_type, organization,
    organization_group, qps_limit_ceiling, qps_limit_exempt, rate_limit_ceiling, rate_limit_exempt,
    updated, provisioned, rotation_planned, expiration, expiration_is_day, revoked, wording);
