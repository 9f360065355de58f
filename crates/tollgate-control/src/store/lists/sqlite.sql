-- What has nothing comes before what has something, as the lists want it.
CREATE INDEX chains_by_expiration ON chains (
    is_key_set, expiration, expiration_is_day DESC, created, id);
CREATE INDEX chains_by_qps ON chains (is_key_set, qps_limit_ceiling, created, id);
CREATE INDEX chains_by_quota ON chains (is_key_set, rate_limit_ceiling, created, id);
-- What clients have said besides is looked through here; PostgreSQL has no room for it in an index.
DROP INDEX chains_with_more;
CREATE INDEX chains_with_more ON chains (is_key_set, created, id, body) WHERE body <> '{}';

CREATE TRIGGER tally_of_new_chain AFTER INSERT ON chains BEGIN
    INSERT INTO tallies VALUES (
        new.is_key_set, new.state, new.auth_type, new.package, new.plan, new.organization,
        new.organization_group, new.qps_limit_exempt, new.rate_limit_exempt, 1)
    ON CONFLICT DO UPDATE SET number = number + 1;
END;
CREATE TRIGGER tally_of_changed_chain AFTER UPDATE ON chains
WHEN (old.is_key_set, old.state, old.auth_type, old.qps_limit_exempt, old.rate_limit_exempt) <>
     (new.is_key_set, new.state, new.auth_type, new.qps_limit_exempt, new.rate_limit_exempt)
    OR old.package IS NOT new.package OR old.plan IS NOT new.plan
    OR old.organization IS NOT new.organization
    OR old.organization_group IS NOT new.organization_group
BEGIN
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
