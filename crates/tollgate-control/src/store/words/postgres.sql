-- The words of chains: once for all chains that have the same.
CREATE TABLE IF NOT EXISTS wordings (
    id BYTEA PRIMARY KEY,
    words TEXT NOT NULL
);
INSERT INTO wordings (id, words)
    SELECT wording, min(words) FROM chains
    WHERE wording IS NOT NULL AND NOT EXISTS (SELECT 1 FROM wordings) GROUP BY wording;

CREATE OR REPLACE FUNCTION wordings_of_new_chains() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO wordings (id, words) SELECT wording, min(words) FROM new_chains
        WHERE wording IS NOT NULL GROUP BY wording ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION wording_of_changed_chain() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND new.wording IS NOT NULL THEN
        INSERT INTO wordings (id, words) VALUES (new.wording, new.words) ON CONFLICT DO NOTHING;
    END IF;
    DELETE FROM wordings
        WHERE id = old.wording AND NOT EXISTS (SELECT 1 FROM chains WHERE wording = old.wording);
    RETURN NULL;
END $$;

-- The trigrams of words, where the server has the extension for it and lets the database's owner add
-- it. Without it, lists look through all words.
DO $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_trigger WHERE tgrelid = 'chains'::regclass
                   AND tgname = 'wordings_of_new_chains') THEN
        CREATE TRIGGER wordings_of_new_chains AFTER INSERT ON chains
            REFERENCING NEW TABLE AS new_chains
            FOR EACH STATEMENT EXECUTE FUNCTION wordings_of_new_chains();
        CREATE TRIGGER wording_of_changed_chain AFTER UPDATE ON chains FOR EACH ROW
            WHEN (old.wording IS DISTINCT FROM new.wording)
            EXECUTE FUNCTION wording_of_changed_chain();
        CREATE TRIGGER wording_of_gone_chain AFTER DELETE ON chains FOR EACH ROW
            EXECUTE FUNCTION wording_of_changed_chain();
    END IF;
END $$;
DO $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm') THEN
        CREATE EXTENSION pg_trgm;
    END IF;
    -- Before, each chain had its own.
    DROP INDEX IF EXISTS chains_by_words;
    CREATE INDEX IF NOT EXISTS wordings_by_words ON wordings USING gin (words gin_trgm_ops);
    CREATE INDEX IF NOT EXISTS documents_by_words ON documents USING gin (words gin_trgm_ops);
    -- What few chains have beside their columns: their eav, which lists are narrowed by.
    CREATE INDEX IF NOT EXISTS chains_by_body ON chains USING gin (body gin_trgm_ops) WHERE body <> '{}';
EXCEPTION
    WHEN insufficient_privilege OR undefined_file OR feature_not_supported OR undefined_object THEN
        RAISE WARNING 'no index of words: %', SQLERRM;
END $$;
