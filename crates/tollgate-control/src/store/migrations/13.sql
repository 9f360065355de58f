-- Lists of chains are ordered by indices, and counted by what is counted already: how many chains there
-- are of each kind. Each engine does it its own way.
DROP INDEX chains_by_state;
DROP INDEX chains_by_expiration;
DROP INDEX chains_by_qps;
DROP INDEX chains_by_quota;
DROP INDEX chains_without_qps;
DROP INDEX chains_without_quota;
-- With what lists are ordered by, so that what is found by a state is ordered within the index.
CREATE INDEX chains_by_state ON chains (
    is_key_set, state, created, id, application, package, plan, auth_type, organization,
    organization_group, qps_limit_ceiling, qps_limit_exempt, rate_limit_ceiling, rate_limit_exempt,
    updated, expiration, expiration_is_day);
CREATE INDEX chains_by_qps_exempt ON chains (is_key_set, qps_limit_exempt, created, id);
CREATE INDEX chains_by_quota_exempt ON chains (is_key_set, rate_limit_exempt, created, id);
CREATE INDEX chains_by_status ON chains (
    is_key_set, (CASE state WHEN 'active' THEN 0 WHEN 'pending' THEN 2 ELSE 1 END), created, id);

CREATE TABLE tallies (
    is_key_set BIGINT NOT NULL,
    state TEXT NOT NULL,
    auth_type TEXT NOT NULL,
    package TEXT,
    plan TEXT,
    organization TEXT,
    organization_group TEXT,
    qps_limit_exempt BIGINT NOT NULL,
    rate_limit_exempt BIGINT NOT NULL,
    number BIGINT NOT NULL
);
-- Nothing is like nothing here.
CREATE UNIQUE INDEX tallies_of_kinds ON tallies (
    is_key_set, state, auth_type, (coalesce(package, '')), (coalesce(plan, '')),
    (coalesce(organization, '')), (coalesce(organization_group, '')), qps_limit_exempt,
    rate_limit_exempt);
INSERT INTO tallies
    SELECT is_key_set, state, auth_type, package, plan, organization, organization_group,
        qps_limit_exempt, rate_limit_exempt, count(*)
    FROM chains
    GROUP BY is_key_set, state, auth_type, package, plan, organization, organization_group,
        qps_limit_exempt, rate_limit_exempt;
