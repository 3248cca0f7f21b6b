-- Which token an enrollment is for, and enrollments that are open without a secret of their own.
ALTER TABLE enrollment ADD COLUMN serial_number TEXT;
DROP INDEX enrollment_open;
DROP INDEX enrollment_expiry;
CREATE INDEX enrollment_open ON enrollment (account, user, id) WHERE state IN ('started', 'superseded');
CREATE INDEX enrollment_expiry ON enrollment (expires_at) WHERE state IN ('started', 'superseded');

CREATE TABLE batch (
    name       TEXT    NOT NULL PRIMARY KEY,
    version    INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    open_to    TEXT    NOT NULL, -- nobody, accounts, users, everybody
    opened     TEXT,             -- accounts between line feeds; of users each has a tab before the user's name
    note       TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE token (
    serial_number     TEXT    NOT NULL PRIMARY KEY,
    id                BLOB    NOT NULL,
    version           INTEGER NOT NULL,
    batch             TEXT    NOT NULL,
    manufacturer      TEXT,
    model             TEXT,
    label             TEXT,
    algorithm         TEXT    NOT NULL,
    digits            INTEGER NOT NULL,
    period_s          INTEGER NOT NULL,
    fingerprint       BLOB    NOT NULL,
    fingerprint_key   INTEGER NOT NULL,
    drift_steps       INTEGER NOT NULL,
    starts_at         INTEGER,
    expires_at        INTEGER,
    imported_at       INTEGER NOT NULL,
    changed_at        INTEGER NOT NULL,
    exported_at       INTEGER,
    stage             TEXT    NOT NULL, -- imported, assigned, bound, lost, returned, retired
    account           TEXT,             -- while it is assigned, bound, or lost and still bound
    user              TEXT,
    device            BLOB,             -- while it is bound, or lost and still bound
    secret            INTEGER,          -- while it is imported or assigned
    key_id            INTEGER,
    management        INTEGER,          -- until it is retired
    management_key_id INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX token_stage ON token (stage, serial_number);
CREATE INDEX token_batch ON token (batch, serial_number);
CREATE INDEX token_device ON token (serial_number) WHERE device IS NOT NULL;

-- Of every secret that any token ever had.
CREATE TABLE token_fingerprint (
    mac BLOB NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- The keys under which they were made.
CREATE TABLE token_fingerprint_key (
    key_id INTEGER NOT NULL PRIMARY KEY
) STRICT;

-- Seeds that shall leave: one person has the wish, another approves of it.
CREATE TABLE export (
    id               BLOB    NOT NULL PRIMARY KEY,
    version          INTEGER NOT NULL,
    serial_numbers   TEXT    NOT NULL, -- between line feeds
    recipient        TEXT    NOT NULL,
    recipient_key    BLOB    NOT NULL, -- its keyed hash
    recipient_key_id INTEGER NOT NULL,
    requested_key    BLOB    NOT NULL,
    requested_owner  TEXT    NOT NULL,
    requested_actor  TEXT    NOT NULL,
    requested_at     INTEGER NOT NULL,
    expires_at       INTEGER NOT NULL,
    state            TEXT    NOT NULL, -- requested, approved, handed_out, withdrawn
    approved_key     BLOB,
    approved_owner   TEXT,
    approved_actor   TEXT
) STRICT, WITHOUT ROWID;

-- How often somebody has asked what may be asked only so often.
CREATE TABLE allowance (
    name    TEXT    NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    since   INTEGER NOT NULL,
    used    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
