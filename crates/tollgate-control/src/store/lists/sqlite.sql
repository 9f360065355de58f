-- What has nothing comes before what has something, as the lists want it. The state is what they are
-- narrowed by most: what is not meant is skipped within the index.
CREATE INDEX chains_by_expiration ON chains (
    is_key_set, expiration, expiration_is_day DESC, created, id, state);
CREATE INDEX chains_by_qps ON chains (is_key_set, qps_limit_ceiling, created, id, state);
CREATE INDEX chains_by_quota ON chains (is_key_set, rate_limit_ceiling, created, id, state);
-- What clients have said besides is looked through here; PostgreSQL has no room for it in an index.
DROP INDEX chains_with_more;
CREATE INDEX chains_with_more ON chains (is_key_set, created, id, body) WHERE body <> '{}';

-- How many chains applications have, in each state.
CREATE TABLE application_tallies (
    application TEXT NOT NULL,
    is_key_set BIGINT NOT NULL,
    state TEXT NOT NULL,
    number BIGINT NOT NULL,
    PRIMARY KEY (application, is_key_set, state)
) WITHOUT ROWID;
INSERT INTO application_tallies
    SELECT application, is_key_set, state, count(*) FROM chains
    GROUP BY application, is_key_set, state;

CREATE TRIGGER tally_of_new_chain AFTER INSERT ON chains BEGIN
    INSERT INTO application_tallies VALUES (new.application, new.is_key_set, new.state, 1)
    ON CONFLICT DO UPDATE SET number = number + 1;
    INSERT INTO tallies VALUES (
        new.is_key_set, new.state, new.auth_type, new.package, new.plan, new.organization,
        new.organization_group, new.qps_limit_exempt, new.rate_limit_exempt, 1)
    ON CONFLICT DO UPDATE SET number = number + 1;
END;
CREATE TRIGGER tally_of_changed_chain AFTER UPDATE ON chains
WHEN (old.is_key_set, old.state, old.auth_type, old.qps_limit_exempt, old.rate_limit_exempt) <>
     (new.is_key_set, new.state, new.auth_type, new.qps_limit_exempt, new.rate_limit_exempt)
    OR old.application <> new.application
    OR old.package IS NOT new.package OR old.plan IS NOT new.plan
    OR old.organization IS NOT new.organization
    OR old.organization_group IS NOT new.organization_group
BEGIN
    INSERT INTO application_tallies VALUES (new.application, new.is_key_set, new.state, 1)
    ON CONFLICT DO UPDATE SET number = number + 1;
    UPDATE application_tallies SET number = number - 1
    WHERE application = old.application AND is_key_set = old.is_key_set AND state = old.state;
    INSERT INTO tallies VALUES (
        new.is_key_set, new.state, new.auth_type, new.package, new.plan, new.organization,
        new.organization_group, new.qps_limit_exempt, new.rate_limit_exempt, 1)
    ON CONFLICT DO UPDATE SET number = number + 1;
    UPDATE tallies SET number = number - 1
    WHERE is_key_set = old.is_key_set AND state = old.state AND auth_type = old.auth_type
        AND coalesce(package, '') = coalesce(old.package, '')
        AND coalesce(plan, '') = coalesce(old.plan, '')
        AND coalesce(organization, '') = coalesce(old.organization, '')
        AND coalesce(organization_group, '') = coalesce(old.organization_group, '')
        AND qps_limit_exempt = old.qps_limit_exempt AND rate_limit_exempt = old.rate_limit_exempt;
END;
CREATE TRIGGER tally_of_gone_chain AFTER DELETE ON chains BEGIN
    UPDATE application_tallies SET number = number - 1
    WHERE application = old.application AND is_key_set = old.is_key_set AND state = old.state;
    UPDATE tallies SET number = number - 1
    WHERE is_key_set = old.is_key_set AND state = old.state AND auth_type = old.auth_type
        AND coalesce(package, '') = coalesce(old.package, '')
        AND coalesce(plan, '') = coalesce(old.plan, '')
        AND coalesce(organization, '') = coalesce(old.organization, '')
        AND coalesce(organization_group, '') = coalesce(old.organization_group, '')
        AND qps_limit_exempt = old.qps_limit_exempt AND rate_limit_exempt = old.rate_limit_exempt;
END;
-- A kind of which there is nothing any more is forgotten.
CREATE TRIGGER tally_of_nothing AFTER UPDATE OF number ON tallies WHEN new.number = 0 BEGIN
    DELETE FROM tallies WHERE rowid = new.rowid;
END;
CREATE TRIGGER application_tally_of_nothing AFTER UPDATE OF number ON application_tallies
WHEN new.number = 0 BEGIN
    DELETE FROM application_tallies
    WHERE application = new.application AND is_key_set = new.is_key_set AND state = new.state;
END;
