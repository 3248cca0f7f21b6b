-- Who owns the directory, and which write-ahead log belongs to this file.
CREATE TABLE owner (
    only        INTEGER PRIMARY KEY CHECK (only = 0),
    epoch       INTEGER NOT NULL, -- raised by each start of an owner; whoever has an older one writes nothing more
    -- "checkpoint " and sixteen hex digits, so that it can be read from the file without the log: raised in the log before
    -- the log is copied into the file, so a file that has it has everything that was committed before.
    checkpoint  TEXT    NOT NULL,
    log_follows TEXT    NOT NULL  -- the checkpoint on which the log that holds this builds
) STRICT;
INSERT INTO owner VALUES (0, 0, 'checkpoint 0000000000000000', 'checkpoint 0000000000000000');

-- A sealed witness of each key of the keyring, see `store::Witnesses`.
CREATE TABLE witness (
    key_id INTEGER NOT NULL PRIMARY KEY,
    bytes  BLOB    NOT NULL
) STRICT;
