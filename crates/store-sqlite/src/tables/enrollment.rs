use rusqlite::{Connection, OptionalExtension, Params, Row};
use store::{Enrollment, EnrollmentState, Id, IdentityProof, Owner};
use verify::UnixMs;

use super::{Columns, Unreadable, kind_name, secret};
use crate::error::Result;

const SELECT: &str = "SELECT account, user, id, version, kind, issuer, label, algorithm, digits, period_s, \
    proof_method, proof_at, proof_by, serial_number, replaces, started_at, expires_at, state, wrong_codes, device, \
    key_id, bytes \
    FROM enrollment LEFT JOIN secret ON number = secret ";

pub(crate) fn one(conn: &Connection, owner: &Owner, id: Id) -> Result<Option<Enrollment>> {
    let found = list(
        conn,
        "WHERE account = ? AND user = ? AND id = ?",
        (&owner.account, &owner.user, id.as_bytes()),
    )?;
    Ok(found.into_iter().next())
}

/// Those of an owner that are open, oldest first.
pub(crate) fn open(conn: &Connection, owner: &Owner) -> Result<Vec<Enrollment>> {
    list(
        conn,
        "WHERE account = ? AND user = ? AND state IN ('started', 'superseded') ORDER BY id",
        (&owner.account, &owner.user),
    )
}

/// Those that are open and should not be any more, the longest overdue first.
pub(crate) fn expired(conn: &Connection, now: UnixMs, limit: u32) -> Result<Vec<Enrollment>> {
    list(
        conn,
        "WHERE state IN ('started', 'superseded') AND expires_at < ? ORDER BY expires_at LIMIT ?",
        (now.get(), limit),
    )
}

pub(crate) fn version(conn: &Connection, owner: &Owner, id: Id) -> Result<Option<u64>> {
    let mut statement =
        conn.prepare_cached("SELECT version FROM enrollment WHERE account = ? AND user = ? AND id = ?")?;
    let found = statement.query_row((&owner.account, &owner.user, id.as_bytes()), |row| row.get::<_, i64>(0));
    Ok(found.optional()?.map(i64::cast_unsigned))
}

/// Whether a secret was erased by this.
pub(crate) fn put(tx: &Connection, next: &Enrollment) -> Result<bool> {
    let key = (&next.owner.account, &next.owner.user, next.id.as_bytes());
    let old = tx
        .prepare_cached("SELECT secret FROM enrollment WHERE account = ? AND user = ? AND id = ?")?
        .query_row(key, |row| row.get::<_, Option<i64>>(0))
        .optional()?
        .flatten();
    let sealed = next.state.sealed();
    let secret = secret::replace(tx, old, sealed)?;
    let (state, wrong_codes, device) = match &next.state {
        EnrollmentState::Started { wrong_codes, .. } => ("started", Some(*wrong_codes), None),
        EnrollmentState::Superseded { .. } => ("superseded", None, None),
        EnrollmentState::Confirmed { device } => ("confirmed", None, Some(device.as_bytes())),
        EnrollmentState::Abandoned => ("abandoned", None, None),
    };
    const SQL: &str = "INSERT OR REPLACE INTO enrollment (account, user, id, version, kind, issuer, label, algorithm, \
        digits, period_s, proof_method, proof_at, proof_by, replaces, started_at, expires_at, state, wrong_codes, \
        device, secret, key_id, serial_number) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    tx.prepare_cached(SQL)?.execute(rusqlite::params![
        key.0,
        key.1,
        key.2,
        next.version.cast_signed(),
        kind_name(next.kind),
        next.issuer,
        next.label,
        next.parameters.algorithm.name(),
        next.parameters.digits.get(),
        next.parameters.period.get_s(),
        next.identity_proof.method,
        next.identity_proof.at.get(),
        next.identity_proof.by,
        next.replaces.as_ref().map(Id::as_bytes),
        next.started_at.get(),
        next.expires_at.get(),
        state,
        wrong_codes,
        device,
        secret.number,
        sealed.map(|sealed| sealed.key_id),
        next.serial_number,
    ])?;
    Ok(secret.erased)
}

fn list(conn: &Connection, which: &str, params: impl Params) -> Result<Vec<Enrollment>> {
    let mut statement = conn.prepare_cached(&format!("{SELECT}{which}"))?;
    let mut rows = statement.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let id = row.get::<_, [u8; 16]>(2).map(Id::from_bytes).unwrap_or_default();
        found.push(read(row).map_err(Unreadable::of("enrollment", id))?);
    }
    Ok(found)
}

fn read(row: &Row<'_>) -> Result<Enrollment, Unreadable> {
    let mut columns = Columns::of(row);
    Ok(Enrollment {
        owner: Owner {
            account: columns.get()?,
            user: columns.get()?,
        },
        id: columns.id()?,
        version: columns.version()?,
        kind: columns.kind()?,
        issuer: columns.get()?,
        label: columns.get()?,
        parameters: columns.parameters()?,
        identity_proof: IdentityProof {
            method: columns.get()?,
            at: columns.time()?,
            by: columns.get()?,
        },
        serial_number: columns.get()?,
        replaces: columns.get::<Option<[u8; 16]>>()?.map(Id::from_bytes),
        started_at: columns.time()?,
        expires_at: columns.time()?,
        state: read_state(&mut columns)?,
    })
}

fn read_state(columns: &mut Columns<'_, '_>) -> Result<EnrollmentState, Unreadable> {
    let name: String = columns.get()?;
    let wrong_codes: Option<u32> = columns.get()?;
    let device = columns.get::<Option<[u8; 16]>>()?.map(Id::from_bytes);
    let sealed = columns.sealed()?;
    match (name.as_str(), sealed, wrong_codes, device) {
        ("started", sealed, Some(wrong_codes), _) => Ok(EnrollmentState::Started { sealed, wrong_codes }),
        ("superseded", Some(sealed), ..) => Ok(EnrollmentState::Superseded { sealed }),
        ("confirmed", None, _, Some(device)) => Ok(EnrollmentState::Confirmed { device }),
        ("abandoned", None, ..) => Ok(EnrollmentState::Abandoned),
        _ => Err(Unreadable),
    }
}
