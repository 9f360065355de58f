-- The words of chains and documents by their trigrams, where the server has the extension for it and lets
-- the database's owner add it. Without it, lists look through all words.
DO $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm') THEN
        CREATE EXTENSION pg_trgm;
    END IF;
    CREATE INDEX IF NOT EXISTS chains_by_words ON chains USING gin (words gin_trgm_ops);
    CREATE INDEX IF NOT EXISTS documents_by_words ON documents USING gin (words gin_trgm_ops);
EXCEPTION
    WHEN insufficient_privilege OR undefined_file OR feature_not_supported OR undefined_object THEN
        RAISE WARNING 'no index of words: %', SQLERRM;
END $$;
