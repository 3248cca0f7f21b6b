-- Who made this file: "CSGN".
PRAGMA application_id = 0x4353474E;

-- The register of the trail's chains: one a writer and start.
CREATE TABLE audit_chain (
    chain             INTEGER PRIMARY KEY,
    writer            TEXT    NOT NULL,
    at                INTEGER NOT NULL,
    previous          BLOB    NOT NULL,
    opening_signature BLOB    NOT NULL,
    owner             INTEGER NOT NULL, -- 1: its writer held the data directory, so it is dead once another one does
    after             INTEGER NOT NULL, -- every row of it has a higher sequence number
    last              INTEGER,          -- its last row (0: none); NULL while only a walk from the end can tell
    position          INTEGER,          -- this and the next two: how it was closed
    hash              BLOB,
    closing_signature BLOB
) STRICT;

-- The trail: a row a commit. No index beside the key: rows come in at the end, and that is the price of a verification.
CREATE TABLE audit (
    sequence INTEGER PRIMARY KEY,
    chain    INTEGER NOT NULL,
    position INTEGER NOT NULL,
    states   BLOB,             -- the states of users that became durable by this row
    hash     BLOB    NOT NULL,
    events   TEXT    NOT NULL  -- a JSON list of {at, salt, event}; of {at, commitment}, where the event was erased
) STRICT;

-- The history's index, filled behind the writer: which events of the trail are about a user, a device or a token. How far
-- it goes says the document `trail_reader` with the id `history`.
CREATE TABLE history (
    subject  BLOB    NOT NULL, -- 'u' and the id of the user's row, 'd' and the device's, 't' and the token's serial number
    sequence INTEGER NOT NULL, -- the row of `audit`
    event    INTEGER NOT NULL, -- which of its events, from 1
    PRIMARY KEY (subject, sequence, event)
) STRICT, WITHOUT ROWID;

-- Rows of the trail up to here have their states in user_state, or a newer one stands there.
CREATE TABLE fold (
    only    INTEGER PRIMARY KEY CHECK (only = 0),
    through INTEGER NOT NULL
) STRICT;
INSERT INTO fold VALUES (0, 0);

-- Sealed secrets. Rows are only appended, and overwritten in place by as many bytes: SQLite never moves one to another
-- page, so that what is written over it leaves no copy behind. (secure_delete does not clean what a page split leaves.)
--
-- The record that has a secret names its number, and no row names its record: the sealed bytes say by themselves what
-- they are bound to, so that a secret can be sealed anew without it, and no name has to be erased here.
CREATE TABLE secret (
    number INTEGER PRIMARY KEY,
    key_id BLOB    NOT NULL, -- the sealing key of the keyring, four bytes, for an INTEGER is wider for a higher key;
                             -- 0: it was erased
    bytes  BLOB    NOT NULL
) STRICT;
-- What a key still seals; its last column is the number.
CREATE INDEX secret_key ON secret (key_id);

-- Rows of `secret` that hold zeroes and may be written again.
CREATE TABLE secret_free (
    length INTEGER NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (length, number)
) STRICT, WITHOUT ROWID;

-- The users of whom the trail says something. What changes by binding; one descent finds it.
CREATE TABLE user (
    account      TEXT    NOT NULL,
    user         TEXT    NOT NULL,
    id           BLOB    NOT NULL, -- by which user_state and the trail mean this row
    names_key    INTEGER NOT NULL, -- the row of `secret` with the key under which the trail has their addresses
    devices      BLOB    NOT NULL, -- the bound ones, without secrets and states
    secret       INTEGER,          -- the first one's row of `secret`
    more_secrets TEXT,             -- those of the others, as a JSON list
    PRIMARY KEY (account, user)
) STRICT, WITHOUT ROWID;

-- Whom the trail means.
CREATE INDEX user_id ON user (id);

-- The same users: what changes by use. Behind the trail by what is not folded yet.
CREATE TABLE user_state (
    user       BLOB    NOT NULL PRIMARY KEY,
    generation INTEGER NOT NULL, -- this and the next two: the revision, that is the row of the trail that made it
    chain      INTEGER NOT NULL,
    position   INTEGER NOT NULL,
    state      BLOB    NOT NULL
) STRICT, WITHOUT ROWID;

-- Everything else: a record a row, of whatever noun.
CREATE TABLE document (
    account    TEXT    NOT NULL, -- empty: it belongs to no account
    user       TEXT    NOT NULL, -- empty: it belongs to no user
    noun       TEXT    NOT NULL, -- what it is
    id         TEXT    NOT NULL, -- which one; empty where there is one at most
    version    INTEGER NOT NULL,
    expires_at INTEGER,          -- when housekeeping has to look at it
    lookups    TEXT,             -- its rows of `lookup`, as a JSON list of [name, value]
    secrets    TEXT,             -- its rows of `secret`, as a JSON list of numbers, in the order in which the body says "sealed"
    body       TEXT    NOT NULL, -- a JSON object; `v` is its format
    PRIMARY KEY (account, user, noun, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX document_expiry ON document (noun, expires_at) WHERE expires_at IS NOT NULL;

-- By what a document is found beside its key.
CREATE TABLE lookup (
    noun    TEXT    NOT NULL,
    name    TEXT    NOT NULL,
    value   TEXT    NOT NULL, -- its parts, with U+0001 between them
    account TEXT    NOT NULL,
    user    TEXT    NOT NULL,
    id      TEXT    NOT NULL,
    PRIMARY KEY (noun, name, value, account, user, id)
) STRICT, WITHOUT ROWID;

-- Who owns the directory, and which write-ahead log belongs to this file.
CREATE TABLE owner (
    only        INTEGER PRIMARY KEY CHECK (only = 0),
    generation  INTEGER NOT NULL, -- 1; to be raised where the database is restored from a copy; part of each revision
    epoch       INTEGER NOT NULL, -- raised by each start of an owner; whoever has an older one writes nothing more
    -- "checkpoint " and sixteen hex digits, so that it can be read from the file without the log: raised in the log before
    -- the log is copied into the file, so a file that has it has everything that was committed before.
    checkpoint  TEXT    NOT NULL,
    log_follows TEXT    NOT NULL, -- the checkpoint on which the log that holds this builds
    erasing     INTEGER NOT NULL  -- 1: a user was erased, and nobody has looked for copies of their name yet
) STRICT;
INSERT INTO owner VALUES (0, 1, 0, 'checkpoint 0000000000000000', 'checkpoint 0000000000000000', 0);
