-- The words of chains and documents by their trigrams. The index knows objects by numbers that a VACUUM
-- leaves alone, which row ids of tables without a number are not.
CREATE TABLE IF NOT EXISTS worded (
    number INTEGER PRIMARY KEY,
    shelf TEXT NOT NULL,
    id TEXT NOT NULL,
    UNIQUE (shelf, id)
);
CREATE VIRTUAL TABLE IF NOT EXISTS word_index USING fts5 (
    words, content = '', contentless_delete = 1, tokenize = 'trigram case_sensitive 1');

CREATE TEMP TABLE words_to_index AS
    SELECT 'chains' AS shelf, id, words FROM chains WHERE NOT EXISTS (SELECT 1 FROM worded)
    UNION ALL
    SELECT shelf, id, words FROM documents WHERE words <> '' AND NOT EXISTS (SELECT 1 FROM worded);
INSERT INTO worded (shelf, id) SELECT shelf, id FROM temp.words_to_index;
INSERT INTO word_index (rowid, words)
    SELECT w.number, i.words FROM temp.words_to_index i
    CROSS JOIN worded w ON w.shelf = i.shelf AND w.id = i.id;
DROP TABLE temp.words_to_index;

CREATE TRIGGER IF NOT EXISTS words_of_new_chain AFTER INSERT ON chains BEGIN
    INSERT INTO worded (shelf, id) VALUES ('chains', new.id);
    INSERT INTO word_index (rowid, words)
        SELECT number, new.words FROM worded WHERE shelf = 'chains' AND id = new.id;
END;
CREATE TRIGGER IF NOT EXISTS words_of_changed_chain AFTER UPDATE OF words ON chains
WHEN old.words <> new.words BEGIN
    INSERT OR REPLACE INTO word_index (rowid, words)
        SELECT number, new.words FROM worded WHERE shelf = 'chains' AND id = new.id;
END;
CREATE TRIGGER IF NOT EXISTS words_of_gone_chain AFTER DELETE ON chains BEGIN
    DELETE FROM word_index
        WHERE rowid = (SELECT number FROM worded WHERE shelf = 'chains' AND id = old.id);
    DELETE FROM worded WHERE shelf = 'chains' AND id = old.id;
END;
CREATE TRIGGER IF NOT EXISTS words_of_new_document AFTER INSERT ON documents
WHEN new.words <> '' BEGIN
    INSERT INTO worded (shelf, id) VALUES (new.shelf, new.id);
    INSERT INTO word_index (rowid, words)
        SELECT number, new.words FROM worded WHERE shelf = new.shelf AND id = new.id;
END;
CREATE TRIGGER IF NOT EXISTS words_of_changed_document AFTER UPDATE OF words ON documents
WHEN old.words <> new.words BEGIN
    INSERT OR IGNORE INTO worded (shelf, id) VALUES (new.shelf, new.id);
    INSERT OR REPLACE INTO word_index (rowid, words)
        SELECT number, new.words FROM worded WHERE shelf = new.shelf AND id = new.id;
END;
CREATE TRIGGER IF NOT EXISTS words_of_gone_document AFTER DELETE ON documents BEGIN
    DELETE FROM word_index
        WHERE rowid = (SELECT number FROM worded WHERE shelf = old.shelf AND id = old.id);
    DELETE FROM worded WHERE shelf = old.shelf AND id = old.id;
END;
