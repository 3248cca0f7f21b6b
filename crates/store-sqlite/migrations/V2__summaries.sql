-- What is read of documents where all of a noun are looked through: a row of a hundred bytes, where `document` has a thousand.
CREATE TABLE summary (
    noun   TEXT    NOT NULL,
    id     TEXT    NOT NULL, -- of a document that belongs to no account
    secret INTEGER NOT NULL, -- the last of its rows of `secret`
    text   TEXT    NOT NULL,
    PRIMARY KEY (noun, id)
) STRICT, WITHOUT ROWID;

-- Those of the tokens that nobody has bound: what makes their codes.
INSERT INTO summary
SELECT noun, id, secrets ->> '$[#-1]', concat_ws(
    ' ',
    body ->> '$.id',
    body ->> '$.parameters.algorithm',
    body ->> '$.parameters.digits',
    body ->> '$.parameters.period_s',
    body ->> '$.measured_offset_steps',
    body -> '$.counter' -- as it is written, for it may be more than an INTEGER
)
FROM document
WHERE noun = 'token' AND coalesce(body ->> '$.state.imported.secret', body ->> '$.state.assigned.secret') IS NOT NULL;
