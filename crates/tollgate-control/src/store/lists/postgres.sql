-- What has nothing comes before what has something, as the lists want it. The state is what they are
-- narrowed by most: what is not meant is skipped within the index.
CREATE INDEX chains_by_expiration ON chains (
    is_key_set, expiration NULLS FIRST, expiration_is_day DESC, created, id, state);
CREATE INDEX chains_by_qps ON chains (is_key_set, qps_limit_ceiling NULLS FIRST, created, id, state);
CREATE INDEX chains_by_quota ON chains (
    is_key_set, rate_limit_ceiling NULLS FIRST, created, id, state);

-- How many chains applications have, in each state.
CREATE TABLE application_tallies (
    application TEXT NOT NULL,
    is_key_set BIGINT NOT NULL,
    state TEXT NOT NULL,
    number BIGINT NOT NULL,
    PRIMARY KEY (application, is_key_set, state)
);
INSERT INTO application_tallies
    SELECT application, is_key_set, state, count(*) FROM chains
    GROUP BY application, is_key_set, state;

-- By statement, not by row: an import adds hundreds at a time to one kind.
CREATE FUNCTION tally_new_chains() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tallies AS t
        SELECT is_key_set, state, auth_type, package, plan, organization, organization_group,
            qps_limit_exempt, rate_limit_exempt, count(*)
        FROM new_chains
        GROUP BY is_key_set, state, auth_type, package, plan, organization, organization_group,
            qps_limit_exempt, rate_limit_exempt
        ON CONFLICT (is_key_set, state, auth_type, (coalesce(package, '')), (coalesce(plan, '')),
            (coalesce(organization, '')), (coalesce(organization_group, '')), qps_limit_exempt,
            rate_limit_exempt)
        DO UPDATE SET number = t.number + excluded.number;
    INSERT INTO application_tallies AS t
        SELECT application, is_key_set, state, count(*) FROM new_chains
        GROUP BY application, is_key_set, state
        ON CONFLICT (application, is_key_set, state)
        DO UPDATE SET number = t.number + excluded.number;
    RETURN NULL;
END $$;
CREATE FUNCTION tally_old_chains() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE tallies t SET number = t.number - o.number
    FROM (
        SELECT is_key_set, state, auth_type, package, plan, organization, organization_group,
            qps_limit_exempt, rate_limit_exempt, count(*) AS number
        FROM old_chains
        GROUP BY is_key_set, state, auth_type, package, plan, organization, organization_group,
            qps_limit_exempt, rate_limit_exempt) o
    WHERE t.is_key_set = o.is_key_set AND t.state = o.state AND t.auth_type = o.auth_type
        AND coalesce(t.package, '') = coalesce(o.package, '')
        AND coalesce(t.plan, '') = coalesce(o.plan, '')
        AND coalesce(t.organization, '') = coalesce(o.organization, '')
        AND coalesce(t.organization_group, '') = coalesce(o.organization_group, '')
        AND t.qps_limit_exempt = o.qps_limit_exempt
        AND t.rate_limit_exempt = o.rate_limit_exempt;
    UPDATE application_tallies t SET number = t.number - o.number
    FROM (
        SELECT application, is_key_set, state, count(*) AS number FROM old_chains
        GROUP BY application, is_key_set, state) o
    WHERE t.application = o.application AND t.is_key_set = o.is_key_set AND t.state = o.state;
    -- A kind of which there is nothing any more is forgotten.
    DELETE FROM tallies WHERE number = 0;
    DELETE FROM application_tallies
    WHERE number = 0 AND application IN (SELECT application FROM old_chains);
    RETURN NULL;
END $$;
CREATE FUNCTION tally_changed_chain() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    place TID;
    remaining BIGINT;
BEGIN
    INSERT INTO tallies AS t VALUES (
        new.is_key_set, new.state, new.auth_type, new.package, new.plan, new.organization,
        new.organization_group, new.qps_limit_exempt, new.rate_limit_exempt, 1)
    ON CONFLICT (is_key_set, state, auth_type, (coalesce(package, '')), (coalesce(plan, '')),
        (coalesce(organization, '')), (coalesce(organization_group, '')), qps_limit_exempt,
        rate_limit_exempt)
    DO UPDATE SET number = t.number + 1;
    UPDATE tallies SET number = number - 1
    WHERE is_key_set = old.is_key_set AND state = old.state AND auth_type = old.auth_type
        AND coalesce(package, '') = coalesce(old.package, '')
        AND coalesce(plan, '') = coalesce(old.plan, '')
        AND coalesce(organization, '') = coalesce(old.organization, '')
        AND coalesce(organization_group, '') = coalesce(old.organization_group, '')
        AND qps_limit_exempt = old.qps_limit_exempt AND rate_limit_exempt = old.rate_limit_exempt
    RETURNING number, ctid INTO remaining, place;
    IF remaining = 0 THEN
        DELETE FROM tallies WHERE ctid = place;
    END IF;
    INSERT INTO application_tallies AS t
    VALUES (new.application, new.is_key_set, new.state, 1)
    ON CONFLICT (application, is_key_set, state) DO UPDATE SET number = t.number + 1;
    UPDATE application_tallies SET number = number - 1
    WHERE application = old.application AND is_key_set = old.is_key_set AND state = old.state;
    DELETE FROM application_tallies
    WHERE application = old.application AND is_key_set = old.is_key_set AND state = old.state
        AND number = 0;
    RETURN NULL;
END $$;
CREATE TRIGGER tally_of_new_chains AFTER INSERT ON chains
    REFERENCING NEW TABLE AS new_chains
    FOR EACH STATEMENT EXECUTE FUNCTION tally_new_chains();
CREATE TRIGGER tally_of_gone_chains AFTER DELETE ON chains
    REFERENCING OLD TABLE AS old_chains
    FOR EACH STATEMENT EXECUTE FUNCTION tally_old_chains();
CREATE TRIGGER tally_of_changed_chain AFTER UPDATE ON chains FOR EACH ROW
    WHEN ((old.application, old.is_key_set, old.state, old.auth_type, old.package, old.plan,
           old.organization, old.organization_group, old.qps_limit_exempt, old.rate_limit_exempt)
          IS DISTINCT FROM
          (new.application, new.is_key_set, new.state, new.auth_type, new.package, new.plan,
           new.organization, new.organization_group, new.qps_limit_exempt, new.rate_limit_exempt))
    EXECUTE FUNCTION tally_changed_chain();
