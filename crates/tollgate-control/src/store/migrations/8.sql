-- What lists of chains are narrowed and ordered by stands in the chain itself, LATEST's state and dates
-- included, so that neither a page nor a count looks at anything but one index.
ALTER TABLE chains ADD COLUMN state TEXT NOT NULL DEFAULT 'pending';
ALTER TABLE chains ADD COLUMN provisioned BIGINT;
ALTER TABLE chains ADD COLUMN rotation_planned BIGINT;
ALTER TABLE chains ADD COLUMN expiration BIGINT;
ALTER TABLE chains ADD COLUMN expiration_is_day BIGINT NOT NULL DEFAULT 0;
ALTER TABLE chains ADD COLUMN revoked BIGINT;
UPDATE chains SET
    state = (SELECT k.state FROM keys k WHERE k.chain = chains.id AND k.latest = 1),
    provisioned = (SELECT k.provisioned FROM keys k WHERE k.chain = chains.id AND k.latest = 1),
    rotation_planned = (SELECT k.rotation_planned FROM keys k WHERE k.chain = chains.id AND k.latest = 1),
    expiration = (SELECT k.expiration FROM keys k WHERE k.chain = chains.id AND k.latest = 1),
    expiration_is_day = (SELECT k.expiration_is_day FROM keys k WHERE k.chain = chains.id AND k.latest = 1),
    revoked = (SELECT k.revoked FROM keys k WHERE k.chain = chains.id AND k.latest = 1);

DROP INDEX keys_by_state;
DROP INDEX keys_by_expiration;
DROP INDEX chains_by_age;
DROP INDEX chains_by_application;
DROP INDEX chains_by_plan;
-- Whatever else is asked for, looking through this is quicker than through the chains.
CREATE INDEX chains_by_age ON chains (
    is_key_set, created, id, state, application, package, plan, auth_type, organization,
    organization_group, qps_limit_ceiling, qps_limit_exempt, rate_limit_ceiling, rate_limit_exempt,
    updated, provisioned, rotation_planned, expiration, expiration_is_day, revoked);
CREATE INDEX chains_by_state ON chains (
    is_key_set, state, created, id, application, package, plan, auth_type, organization,
    organization_group);
CREATE INDEX chains_by_plan ON chains (is_key_set, package, plan, created, id, state, application);
CREATE INDEX chains_by_application ON chains (application, is_key_set, created, id, state);
CREATE INDEX chains_by_update ON chains (is_key_set, updated, created, id);
CREATE INDEX chains_by_provision ON chains (is_key_set, provisioned) WHERE provisioned IS NOT NULL;
CREATE INDEX chains_by_rotation ON chains (is_key_set, rotation_planned) WHERE rotation_planned IS NOT NULL;
CREATE INDEX chains_by_expiration ON chains (is_key_set, expiration) WHERE expiration IS NOT NULL;
CREATE INDEX chains_by_revocation ON chains (is_key_set, revoked) WHERE revoked IS NOT NULL;
CREATE INDEX chains_by_qps ON chains (is_key_set, qps_limit_ceiling) WHERE qps_limit_ceiling IS NOT NULL;
CREATE INDEX chains_by_quota ON chains (is_key_set, rate_limit_ceiling) WHERE rate_limit_ceiling IS NOT NULL;
CREATE INDEX chains_without_qps ON chains (is_key_set, qps_limit_exempt) WHERE qps_limit_exempt = 1;
CREATE INDEX chains_without_quota ON chains (is_key_set, rate_limit_exempt) WHERE rate_limit_exempt = 1;
CREATE INDEX chains_with_more ON chains (is_key_set, created, id) WHERE body <> '{}';

-- What applications and members are found by, in lower case, and whose they are. The program gives both
-- to those that are there already.
ALTER TABLE documents ADD COLUMN words TEXT NOT NULL DEFAULT '';
ALTER TABLE documents ADD COLUMN organization TEXT;
ALTER TABLE documents ADD COLUMN organization_group TEXT;
CREATE INDEX documents_by_age ON documents (shelf, created, id);
