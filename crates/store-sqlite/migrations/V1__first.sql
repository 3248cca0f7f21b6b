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

-- The trail. No index beside the key: rows come in at the end, and that is the price of a verification.
CREATE TABLE audit (
    sequence   INTEGER PRIMARY KEY,
    chain      INTEGER NOT NULL,
    position   INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    salt       BLOB    NOT NULL,
    payload    TEXT,    -- NULL once erased; then
    commitment BLOB,    -- this is what is left of it
    states     BLOB,    -- the device states that became durable by this row
    hash       BLOB    NOT NULL
) STRICT;

-- Rows of the trail up to here have their states in device_state, or a newer one stands there.
CREATE TABLE fold (
    only    INTEGER PRIMARY KEY CHECK (only = 0),
    through INTEGER NOT NULL
) STRICT;
INSERT INTO fold VALUES (0, 0);

-- Sealed secrets. Rows are only appended, and overwritten in place by as many bytes: SQLite never moves one to another
-- page, so that zeroes over it leave no copy behind. (secure_delete does not clean what a page split leaves.)
CREATE TABLE secret (
    number INTEGER PRIMARY KEY,
    bytes  BLOB NOT NULL
) STRICT;

-- Rows of `secret` that hold zeroes and may be written again.
CREATE TABLE secret_free (
    length INTEGER NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (length, number)
) STRICT, WITHOUT ROWID;

-- Clustered by owner: one descent finds all devices of a user.
CREATE TABLE device (
    account       TEXT    NOT NULL,
    user          TEXT    NOT NULL,
    id            BLOB    NOT NULL,
    kind          TEXT    NOT NULL,
    serial_number TEXT,
    label         TEXT    NOT NULL,
    algorithm     TEXT    NOT NULL,
    digits        INTEGER NOT NULL,
    period_s      INTEGER NOT NULL,
    bound_at      INTEGER NOT NULL,
    secret        INTEGER NOT NULL,
    key_id        INTEGER NOT NULL,
    PRIMARY KEY (account, user, id)
) STRICT, WITHOUT ROWID;

-- Apart, so that a user's past does not slow down the present.
CREATE TABLE device_tombstone (
    account       TEXT    NOT NULL,
    user          TEXT    NOT NULL,
    id            BLOB    NOT NULL,
    kind          TEXT    NOT NULL,
    serial_number TEXT,
    label         TEXT    NOT NULL,
    algorithm     TEXT    NOT NULL,
    digits        INTEGER NOT NULL,
    period_s      INTEGER NOT NULL,
    bound_at      INTEGER NOT NULL,
    unbound_at    INTEGER NOT NULL,
    PRIMARY KEY (account, user, id)
) STRICT, WITHOUT ROWID;

-- Of every device that ever was. Behind the trail by what is not folded yet.
CREATE TABLE device_state (
    device BLOB NOT NULL PRIMARY KEY,
    state  BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE enrollment (
    account      TEXT    NOT NULL,
    user         TEXT    NOT NULL,
    id           BLOB    NOT NULL,
    version      INTEGER NOT NULL,
    kind         TEXT    NOT NULL,
    issuer       TEXT    NOT NULL,
    label        TEXT    NOT NULL,
    algorithm    TEXT    NOT NULL,
    digits       INTEGER NOT NULL,
    period_s     INTEGER NOT NULL,
    proof_method TEXT    NOT NULL,
    proof_at     INTEGER NOT NULL,
    proof_by     TEXT    NOT NULL,
    replaces     BLOB,
    started_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    state        TEXT    NOT NULL, -- started, superseded, confirmed, abandoned
    wrong_codes  INTEGER,
    device       BLOB,
    secret       INTEGER,          -- while it is started or superseded
    key_id       INTEGER,
    PRIMARY KEY (account, user, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX enrollment_open ON enrollment (account, user, id) WHERE secret IS NOT NULL;
CREATE INDEX enrollment_expiry ON enrollment (expires_at) WHERE secret IS NOT NULL;

CREATE TABLE recovery_codes (
    account      TEXT    NOT NULL,
    user         TEXT    NOT NULL,
    version      INTEGER NOT NULL,
    issued_at    INTEGER NOT NULL,
    codes        BLOB    NOT NULL,
    budget       BLOB    NOT NULL,
    last_request BLOB,
    PRIMARY KEY (account, user)
) STRICT, WITHOUT ROWID;

CREATE TABLE protection (
    account              TEXT    NOT NULL,
    user                 TEXT    NOT NULL,
    version              INTEGER NOT NULL,
    login_protection     INTEGER NOT NULL,
    operation_protection INTEGER NOT NULL,
    PRIMARY KEY (account, user)
) STRICT, WITHOUT ROWID;

CREATE TABLE api_key (
    id         BLOB    NOT NULL PRIMARY KEY,
    hash       BLOB    NOT NULL,
    roles      TEXT    NOT NULL, -- names between commas
    owner      TEXT    NOT NULL,
    accounts   TEXT,             -- names between line feeds; NULL: all accounts
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT, WITHOUT ROWID;
