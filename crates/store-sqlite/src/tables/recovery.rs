use rusqlite::{Connection, Row};
use store::{Owner, RecoveryCode, RecoveryCodes, codec};
use verify::UnixMs;

use super::{Columns, Unreadable};
use crate::error::Result;

/// How a code stands in the column: MAC, key id, whether it was spent, when.
const CODE_LEN: usize = 32 + 4 + 1 + 8;

pub(crate) fn one(conn: &Connection, owner: &Owner) -> Result<Option<RecoveryCodes>> {
    const SQL: &str = "SELECT version, issued_at, codes, budget, last_request FROM recovery_codes \
         WHERE account = ? AND user = ?";
    let mut statement = conn.prepare_cached(SQL)?;
    let mut rows = statement.query([&owner.account, &owner.user])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    read(row, owner)
        .map(Some)
        .map_err(Unreadable::of("recovery_codes of", format_args!("{owner:?}")))
}

pub(crate) fn put(tx: &Connection, next: &RecoveryCodes) -> Result<()> {
    tx.prepare_cached("INSERT OR REPLACE INTO recovery_codes VALUES (?, ?, ?, ?, ?, ?, ?)")?
        .execute((
            &next.owner.account,
            &next.owner.user,
            next.version.cast_signed(),
            next.issued_at.get(),
            encode(&next.codes),
            codec::encode_budget(&next.budget),
            next.last_request.as_ref().map(codec::encode_last_request),
        ))?;
    Ok(())
}

fn read(row: &Row<'_>, owner: &Owner) -> Result<RecoveryCodes, Unreadable> {
    let mut columns = Columns::of(row);
    Ok(RecoveryCodes {
        owner: owner.clone(),
        version: columns.version()?,
        issued_at: columns.time()?,
        codes: decode(&columns.get::<Vec<u8>>()?)?,
        budget: codec::decode_budget(&columns.get::<Vec<u8>>()?)?,
        last_request: match columns.get::<Option<Vec<u8>>>()? {
            Some(last) => codec::decode_last_request(&last)?,
            None => None,
        },
    })
}

fn encode(codes: &[RecoveryCode]) -> Vec<u8> {
    let mut out = Vec::with_capacity(CODE_LEN * codes.len());
    for code in codes {
        out.extend(code.mac);
        out.extend(code.key_id.to_be_bytes());
        out.push(code.used_at.is_some().into());
        out.extend(code.used_at.map_or(0, UnixMs::get).to_be_bytes());
    }
    out
}

fn decode(bytes: &[u8]) -> Result<Vec<RecoveryCode>, Unreadable> {
    let (codes, []) = bytes.as_chunks::<CODE_LEN>() else {
        return Err(Unreadable);
    };
    codes.iter().map(decode_one).collect()
}

fn decode_one(bytes: &[u8; CODE_LEN]) -> Result<RecoveryCode, Unreadable> {
    let cut = || {
        let (mac, rest) = bytes.split_first_chunk()?;
        let (key_id, rest) = rest.split_first_chunk()?;
        let ([used], rest) = rest.split_first_chunk()?;
        let (at, _) = rest.split_first_chunk()?;
        let at = UnixMs::new(i64::from_be_bytes(*at));
        Some(RecoveryCode {
            mac: *mac,
            key_id: u32::from_be_bytes(*key_id),
            used_at: match used {
                0 => None,
                1 => Some(at),
                _ => return None,
            },
        })
    };
    cut().ok_or(Unreadable)
}
