use rusqlite::{Connection, OptionalExtension, Params, Row, ToSql};
use store::{Fingerprint, Id, Owner, Sealed, Token, TokenFilter, TokenState};
use verify::UnixMs;

use super::{Columns, Unreadable, secret};
use crate::error::Result;

const SELECT: &str = "SELECT serial_number, id, version, batch, manufacturer, model, label, algorithm, digits, period_s, \
    fingerprint, fingerprint_key, drift_steps, starts_at, expires_at, imported_at, changed_at, exported_at, stage, account, \
    user, device, key_id, s.bytes, management_key_id, m.bytes \
    FROM token LEFT JOIN secret s ON s.number = secret LEFT JOIN secret m ON m.number = management ";

/// In the order of the serial numbers asked.
pub(crate) fn each(conn: &Connection, serial_numbers: &[String]) -> Result<Vec<Option<Token>>> {
    let one = |serial_number: &String| {
        let mut found = list(conn, "WHERE serial_number = ?", [serial_number])?;
        Ok(found.pop())
    };
    serial_numbers.iter().map(one).collect()
}

/// In the order of serial numbers.
pub(crate) fn page(conn: &Connection, filter: &TokenFilter, after: Option<&str>, limit: u32) -> Result<Vec<Token>> {
    // No serial number is empty.
    let after = after.unwrap_or_default();
    let stage = filter.stage.map(|stage| stage.name());
    let (which, mut params): (_, Vec<&dyn ToSql>) = match (&filter.batch, &stage) {
        (None, None) => ("WHERE ", vec![]),
        (None, Some(stage)) => ("WHERE stage = ? AND ", vec![stage]),
        (Some(batch), None) => ("WHERE batch = ? AND ", vec![batch]),
        (Some(batch), Some(stage)) => ("WHERE batch = ? AND stage = ? AND ", vec![batch, stage]),
    };
    params.extend([&after as &dyn ToSql, &limit]);
    let which = format!("{which}serial_number > ? ORDER BY serial_number LIMIT ?");
    list(conn, &which, &*params)
}

/// Those that are somebody's device, in the order of serial numbers.
pub(crate) fn page_of_bound(conn: &Connection, after: Option<&str>, limit: u32) -> Result<Vec<Token>> {
    list(
        conn,
        "WHERE device IS NOT NULL AND serial_number > ? ORDER BY serial_number LIMIT ?",
        (after.unwrap_or_default(), limit),
    )
}

/// A few whose secret is in the inventory.
pub(crate) fn some_sealed(conn: &Connection) -> Result<Vec<Token>> {
    list(conn, "WHERE secret IS NOT NULL LIMIT 16", [])
}

pub(crate) fn fingerprint_keys(conn: &Connection) -> Result<Vec<u32>> {
    let mut statement = conn.prepare_cached("SELECT key_id FROM token_fingerprint_key ORDER BY key_id")?;
    let keys = statement.query_map([], |row| row.get(0))?;
    Ok(keys.collect::<Result<_, _>>()?)
}

/// Whether some token has, or had, the secret of this fingerprint.
pub(crate) fn is_known(conn: &Connection, mac: &[u8; 32]) -> Result<bool> {
    Ok(conn
        .prepare_cached("SELECT 1 FROM token_fingerprint WHERE mac = ?")?
        .exists([mac])?)
}

/// Whether this write meets the version it was made for, and a secret that is new where it is another one.
pub(crate) fn meets(conn: &Connection, expected: Option<u64>, next: &Token) -> Result<bool> {
    let found = conn
        .prepare_cached("SELECT version, fingerprint FROM token WHERE serial_number = ?")?
        .query_row([&next.serial_number], |row| {
            Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get::<_, [u8; 32]>(1)?))
        })
        .optional()?;
    let mac = &next.fingerprint.mac;
    let same_secret = found.is_some_and(|(_, old)| old == *mac);
    Ok(found.map(|(version, _)| version) == expected && (same_secret || !is_known(conn, mac)?))
}

/// Whether a secret was erased by this.
pub(crate) fn put(tx: &Connection, next: &Token) -> Result<bool> {
    let old = tx
        .prepare_cached("SELECT secret, management FROM token WHERE serial_number = ?")?
        .query_row([&next.serial_number], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (old_secret, old_management): (Option<i64>, Option<i64>) = old.unwrap_or_default();
    let sealed = next.state.sealed();
    let secret = secret::replace(tx, old_secret, sealed)?;
    let management = secret::replace(tx, old_management, next.management.as_ref())?;
    let device = next.state.device();
    let owner = next.state.owner();
    const SQL: &str = "INSERT OR REPLACE INTO token (serial_number, id, version, batch, manufacturer, model, label, \
        algorithm, digits, period_s, fingerprint, fingerprint_key, drift_steps, starts_at, expires_at, imported_at, \
        changed_at, exported_at, stage, account, user, device, secret, key_id, management, management_key_id) \
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    tx.prepare_cached(SQL)?.execute(rusqlite::params![
        next.serial_number,
        next.id.as_bytes(),
        next.version.cast_signed(),
        next.batch,
        next.manufacturer,
        next.model,
        next.label,
        next.parameters.algorithm.name(),
        next.parameters.digits.get(),
        next.parameters.period.get_s(),
        next.fingerprint.mac,
        next.fingerprint.key_id,
        next.drift_steps,
        next.starts_at.map(UnixMs::get),
        next.expires_at.map(UnixMs::get),
        next.imported_at.get(),
        next.changed_at.get(),
        next.exported_at.map(UnixMs::get),
        next.state.stage().name(),
        owner.map(|owner| &owner.account),
        owner.map(|owner| &owner.user),
        device.as_ref().map(Id::as_bytes),
        secret.number,
        sealed.map(|sealed| sealed.key_id),
        management.number,
        next.management.as_ref().map(|sealed| sealed.key_id),
    ])?;
    tx.prepare_cached("INSERT OR IGNORE INTO token_fingerprint VALUES (?)")?
        .execute([next.fingerprint.mac])?;
    tx.prepare_cached("INSERT OR IGNORE INTO token_fingerprint_key VALUES (?)")?
        .execute([next.fingerprint.key_id])?;
    Ok(secret.erased || management.erased)
}

fn list(conn: &Connection, which: &str, params: impl Params) -> Result<Vec<Token>> {
    let mut statement = conn.prepare_cached(&format!("{SELECT}{which}"))?;
    let mut rows = statement.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let serial_number: String = row.get(0).unwrap_or_default();
        found.push(read(row).map_err(Unreadable::of("token", serial_number))?);
    }
    Ok(found)
}

fn read(row: &Row<'_>) -> Result<Token, Unreadable> {
    let mut columns = Columns::of(row);
    let token = Token {
        serial_number: columns.get()?,
        id: columns.id()?,
        version: columns.version()?,
        batch: columns.get()?,
        manufacturer: columns.get()?,
        model: columns.get()?,
        label: columns.get()?,
        parameters: columns.parameters()?,
        fingerprint: Fingerprint {
            mac: columns.get()?,
            key_id: columns.get()?,
        },
        drift_steps: columns.get()?,
        starts_at: columns.optional_time()?,
        expires_at: columns.optional_time()?,
        imported_at: columns.time()?,
        changed_at: columns.time()?,
        exported_at: columns.optional_time()?,
        state: read_state(&mut columns)?,
        management: None,
    };
    let management = columns.sealed()?;
    Ok(Token { management, ..token })
}

fn read_state(columns: &mut Columns<'_, '_>) -> Result<TokenState, Unreadable> {
    let stage: String = columns.get()?;
    let (account, user) = (columns.get::<Option<String>>()?, columns.get::<Option<String>>()?);
    let owner = Option::zip(account, user).map(|(account, user)| Owner::new(account, user));
    let device = columns.get::<Option<[u8; 16]>>()?.map(Id::from_bytes);
    let sealed: Option<Sealed> = columns.sealed()?;
    match (stage.as_str(), sealed, owner, device) {
        ("imported", Some(sealed), None, None) => Ok(TokenState::Imported { sealed }),
        ("assigned", Some(sealed), Some(owner), None) => Ok(TokenState::Assigned { sealed, owner }),
        ("bound", None, Some(owner), Some(device)) => Ok(TokenState::Bound { owner, device }),
        ("lost", None, owner, device) if owner.is_some() == device.is_some() => Ok(TokenState::Lost {
            bound: Option::zip(owner, device),
        }),
        ("returned", None, None, None) => Ok(TokenState::Returned),
        ("retired", None, None, None) => Ok(TokenState::Retired),
        _ => Err(Unreadable),
    }
}
