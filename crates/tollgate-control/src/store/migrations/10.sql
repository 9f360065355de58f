-- The key sets of a policy template, when its schedule is enforced.
CREATE INDEX chains_by_template ON chains (template, id) WHERE template IS NOT NULL;
