-- How SQLite is to think of chains: as a store of a million has them, however few there are yet.
-- Without figures it takes a key set as rare as a digest, and with counted ones its plans would
-- depend on the day of counting. The first number is of all rows, each further one of those that
-- have equal values in so many columns (https://sqlite.org/fileformat2.html#the_sqlite_stat1_table).
PRAGMA analysis_limit = 1;
ANALYZE chains;
DELETE FROM sqlite_stat1;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('chains', 'sqlite_autoindex_chains_1', '1000000 1'),
    ('chains', 'chains_by_age',
     '1000000 500000 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1'),
    ('chains', 'chains_by_state',
     '1000000 500000 100000 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1'),
    ('chains', 'chains_by_plan', '1000000 500000 100000 20000 1 1 1 1'),
    ('chains', 'chains_by_application', '1000000 100 100 1 1 1'),
    ('chains', 'chains_by_wording', '1000000 100 100 1 1 1'),
    ('chains', 'chains_by_owner', '1000000 10000 1000'),
    ('chains', 'chains_by_update', '1000000 500000 2 1 1'),
    ('chains', 'chains_by_provision', '1000000 500000 2'),
    ('chains', 'chains_by_rotation', '500000 250000 100'),
    ('chains', 'chains_by_expiration', '1000000 500000 100 100 1 1 1'),
    ('chains', 'chains_by_revocation', '100000 50000 2'),
    ('chains', 'chains_by_qps', '1000000 500000 500 1 1 1'),
    ('chains', 'chains_by_quota', '1000000 500000 500 1 1 1'),
    ('chains', 'chains_by_qps_exempt', '1000000 500000 100000 1 1'),
    ('chains', 'chains_by_quota_exempt', '1000000 500000 100000 1 1'),
    ('chains', 'chains_by_status', '1000000 500000 100000 1 1'),
    ('chains', 'chains_with_more', '100000 50000 1 1 1'),
    ('chains', 'chains_by_template', '500000 5000 1'),
    ('chains', 'chains_by_due', '1000000 10');
ANALYZE sqlite_schema;
