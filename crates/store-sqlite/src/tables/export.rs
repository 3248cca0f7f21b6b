use rusqlite::{Connection, OptionalExtension};
use store::{Export, ExportState, Fingerprint, Id, Person};

use super::{Columns, Unreadable};
use crate::error::Result;

pub(crate) fn one(conn: &Connection, id: Id) -> Result<Option<Export>> {
    let mut statement = conn.prepare_cached(
        "SELECT id, version, serial_numbers, recipient, recipient_key, recipient_key_id, requested_key, \
         requested_owner, requested_actor, requested_at, expires_at, state, approved_key, approved_owner, \
         approved_actor FROM export WHERE id = ?",
    )?;
    let mut rows = statement.query([id.as_bytes()])?;
    let row = rows.next()?;
    row.map(|row| read(Columns::of(row)).map_err(Unreadable::of("export", id)))
        .transpose()
}

pub(crate) fn version(conn: &Connection, id: Id) -> Result<Option<u64>> {
    let mut statement = conn.prepare_cached("SELECT version FROM export WHERE id = ?")?;
    let found = statement.query_row([id.as_bytes()], |row| row.get::<_, i64>(0));
    Ok(found.optional()?.map(i64::cast_unsigned))
}

pub(crate) fn put(tx: &Connection, next: &Export) -> Result<()> {
    let approver = next.state.approver();
    tx.prepare_cached("INSERT OR REPLACE INTO export VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?
        .execute(rusqlite::params![
            next.id.as_bytes(),
            next.version.cast_signed(),
            next.serial_numbers.join("\n"),
            next.recipient,
            next.recipient_key.mac,
            next.recipient_key.key_id,
            next.requested_by.api_key.as_bytes(),
            next.requested_by.key_owner,
            next.requested_by.actor,
            next.requested_at.get(),
            next.expires_at.get(),
            next.state.name(),
            approver.map(|person| person.api_key.as_bytes()),
            approver.map(|person| &person.key_owner),
            approver.map(|person| &person.actor),
        ])?;
    Ok(())
}

fn read(mut columns: Columns<'_, '_>) -> Result<Export, Unreadable> {
    Ok(Export {
        id: columns.id()?,
        version: columns.version()?,
        // Serial numbers have no control characters, and none is empty.
        serial_numbers: columns.get::<String>()?.split('\n').map(Into::into).collect(),
        recipient: columns.get()?,
        recipient_key: Fingerprint {
            mac: columns.get()?,
            key_id: columns.get()?,
        },
        requested_by: Person {
            api_key: columns.id()?,
            key_owner: columns.get()?,
            actor: columns.get()?,
        },
        requested_at: columns.time()?,
        expires_at: columns.time()?,
        state: read_state(&mut columns)?,
    })
}

fn read_state(columns: &mut Columns<'_, '_>) -> Result<ExportState, Unreadable> {
    let name: String = columns.get()?;
    let (key, owner, actor) = (columns.get::<Option<[u8; 16]>>()?, columns.get()?, columns.get()?);
    let person = match (key, owner, actor) {
        (Some(key), Some(key_owner), Some(actor)) => Some(Person {
            api_key: Id::from_bytes(key),
            key_owner,
            actor,
        }),
        _ => None,
    };
    match (name.as_str(), person) {
        ("requested", None) => Ok(ExportState::Requested),
        ("approved", Some(by)) => Ok(ExportState::Approved { by }),
        ("handed_out", Some(approved_by)) => Ok(ExportState::HandedOut { approved_by }),
        ("withdrawn", None) => Ok(ExportState::Withdrawn),
        _ => Err(Unreadable),
    }
}
