-- The words of documents by their trigrams. The index knows objects by numbers that a VACUUM leaves
-- alone, which row ids of tables without a number are not.
CREATE TABLE IF NOT EXISTS worded (
    number INTEGER PRIMARY KEY,
    shelf TEXT NOT NULL,
    id TEXT NOT NULL,
    UNIQUE (shelf, id)
);
CREATE VIRTUAL TABLE IF NOT EXISTS word_index USING fts5 (
    words, content = '', contentless_delete = 1, tokenize = 'trigram case_sensitive 1');

CREATE TEMP TABLE words_to_index AS
    SELECT shelf, id, words FROM documents WHERE words <> '' AND NOT EXISTS (SELECT 1 FROM worded);
INSERT INTO worded (shelf, id) SELECT shelf, id FROM temp.words_to_index;
INSERT INTO word_index (rowid, words)
    SELECT w.number, i.words FROM temp.words_to_index i
    CROSS JOIN worded w ON w.shelf = i.shelf AND w.id = i.id;
DROP TABLE temp.words_to_index;

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

-- The words of chains: once for all chains that have the same. Before, each chain had its own.
DROP TRIGGER IF EXISTS words_of_new_chain;
DROP TRIGGER IF EXISTS words_of_changed_chain;
DROP TRIGGER IF EXISTS words_of_gone_chain;
DELETE FROM word_index WHERE rowid IN (SELECT number FROM worded WHERE shelf = 'chains');
DELETE FROM worded WHERE shelf = 'chains';
CREATE TABLE IF NOT EXISTS wordings (
    number INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    words TEXT NOT NULL
);
CREATE VIRTUAL TABLE IF NOT EXISTS wording_index USING fts5 (
    words, content = '', contentless_delete = 1, tokenize = 'trigram case_sensitive 1');
CREATE TRIGGER IF NOT EXISTS new_wording AFTER INSERT ON wordings BEGIN
    INSERT INTO wording_index (rowid, words) VALUES (new.number, new.words);
END;
CREATE TRIGGER IF NOT EXISTS gone_wording AFTER DELETE ON wordings BEGIN
    DELETE FROM wording_index WHERE rowid = old.number;
END;

INSERT INTO wordings (id, words)
    SELECT wording, min(words) FROM chains
    WHERE wording IS NOT NULL AND NOT EXISTS (SELECT 1 FROM wordings) GROUP BY wording;

CREATE TRIGGER IF NOT EXISTS wording_of_new_chain AFTER INSERT ON chains
WHEN new.wording IS NOT NULL AND NOT EXISTS (SELECT 1 FROM wordings WHERE id = new.wording) BEGIN
    INSERT INTO wordings (id, words) VALUES (new.wording, new.words);
END;
CREATE TRIGGER IF NOT EXISTS wording_of_changed_chain AFTER UPDATE OF wording ON chains
WHEN old.wording IS NOT new.wording BEGIN
    INSERT INTO wordings (id, words) SELECT new.wording, new.words WHERE new.wording IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM wordings WHERE id = new.wording);
    DELETE FROM wordings
        WHERE id = old.wording AND NOT EXISTS (SELECT 1 FROM chains WHERE wording = old.wording);
END;
CREATE TRIGGER IF NOT EXISTS wording_of_gone_chain AFTER DELETE ON chains
WHEN NOT EXISTS (SELECT 1 FROM chains WHERE wording = old.wording) BEGIN
    DELETE FROM wordings WHERE id = old.wording;
END;
