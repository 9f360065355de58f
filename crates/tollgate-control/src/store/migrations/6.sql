-- Whose a chain is: that of its application, so that lists can be held to it without looking at every
-- application. Chains that are there already are given theirs by the program.
ALTER TABLE chains ADD COLUMN organization TEXT;
ALTER TABLE chains ADD COLUMN organization_group TEXT;
CREATE INDEX chains_by_owner ON chains (organization, organization_group);
