use rusqlite::{CachedStatement, Connection, OptionalExtension, Row};
use store::{Device, Id, Owner};
use verify::{DeviceState, UnixMs};

use super::{Columns, Unreadable, kind_name, secret};
use crate::{
    error::{Fault, Result},
    tail,
};

macro_rules! columns {
    () => {
        "id, kind, serial_number, label, algorithm, digits, period_s, bound_at"
    };
}

/// Reads the bound devices of one owner after the other: the statement is looked up once for all of them.
pub(crate) struct BoundDevices<'a>(CachedStatement<'a>);

impl<'a> BoundDevices<'a> {
    pub(crate) fn of(conn: &'a Connection) -> Result<Self> {
        const SQL: &str = concat!(
            "SELECT ",
            columns!(),
            ", key_id, bytes FROM device LEFT JOIN secret ON number = secret \
             WHERE account = ? AND user = ? ORDER BY id"
        );
        Ok(Self(conn.prepare_cached(SQL)?))
    }

    /// Oldest first.
    pub(crate) fn list(&mut self, owner: &Owner) -> Result<Vec<Device>> {
        let mut found = Vec::new();
        let mut rows = self.0.query([&owner.account, &owner.user])?;
        while let Some(row) = rows.next()? {
            found.push(read_bound(row, owner).map_err(Unreadable::of("device of", format_args!("{owner:?}")))?);
        }
        Ok(found)
    }
}

/// One device, tombstone or not.
pub(crate) fn one(conn: &Connection, owner: &Owner, id: Id) -> Result<Option<Device>> {
    const BOUND: &str = concat!(
        "SELECT ",
        columns!(),
        ", key_id, bytes FROM device LEFT JOIN secret ON number = secret \
         WHERE account = ? AND user = ? AND id = ?"
    );
    const TOMBSTONE: &str = concat!(
        "SELECT ",
        columns!(),
        ", unbound_at FROM device_tombstone WHERE account = ? AND user = ? AND id = ?"
    );
    let key = (&owner.account, &owner.user, id.as_bytes());
    let mut statement = conn.prepare_cached(BOUND)?;
    let mut rows = statement.query(key)?;
    if let Some(row) = rows.next()? {
        return Ok(Some(read_bound(row, owner).map_err(Unreadable::of("device", id))?));
    }
    let mut statement = conn.prepare_cached(TOMBSTONE)?;
    let mut rows = statement.query(key)?;
    match rows.next()? {
        Some(row) => Ok(Some(
            read_tombstone(row, owner).map_err(Unreadable::of("device_tombstone", id))?,
        )),
        None => Ok(None),
    }
}

/// Up to `limit` devices of all owners after this one.
pub(crate) fn page(conn: &Connection, after: Option<&(Owner, Id)>, limit: u32) -> Result<Vec<Device>> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        ", key_id, bytes, account, user FROM device LEFT JOIN secret ON number = secret \
         WHERE (account, user, id) > (?, ?, ?) ORDER BY account, user, id LIMIT ?"
    );
    let (account, user, id) = after.map_or(("", "", &[][..]), |(owner, id)| {
        (&*owner.account, &*owner.user, &id.as_bytes()[..])
    });
    let mut statement = conn.prepare_cached(SQL)?;
    let mut rows = statement.query((account, user, id, limit))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let owner = Owner::new(row.get::<_, String>("account")?, row.get::<_, String>("user")?);
        found.push(read_bound(row, &owner).map_err(Unreadable::of("device of", format_args!("{owner:?}")))?);
    }
    Ok(found)
}

/// Whether this owner has this device bound.
pub(crate) fn is_bound(conn: &Connection, owner: &Owner, id: Id) -> Result<bool> {
    let mut statement = conn.prepare_cached("SELECT 1 FROM device WHERE account = ? AND user = ? AND id = ?")?;
    Ok(statement.exists((&owner.account, &owner.user, id.as_bytes()))?)
}

/// A new device with its secret.
pub(crate) fn insert(tx: &Connection, device: &Device) -> Result<()> {
    // A device that comes into being as a tombstone has no use; without a secret it could not be judged.
    let Some(sealed) = &device.sealed else {
        return Err(Fault::unavailable("a device without a secret was to be bound"));
    };
    let number = secret::keep(tx, sealed)?;
    const SQL: &str = concat!(
        "INSERT INTO device (account, user, ",
        columns!(),
        ", secret) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    );
    tx.prepare_cached(SQL)?.execute((
        &device.owner.account,
        &device.owner.user,
        device.id.as_bytes(),
        kind_name(device.kind),
        &device.serial_number,
        &device.label,
        device.parameters.algorithm.name(),
        device.parameters.digits.get(),
        device.parameters.period.get_s(),
        device.bound_at.get(),
        number,
    ))?;
    Ok(())
}

/// Erases the secret and leaves the tombstone.
pub(crate) fn bury(tx: &Connection, owner: &Owner, id: Id, at: UnixMs) -> Result<()> {
    let key = (&owner.account, &owner.user, id.as_bytes());
    let number = tx
        .prepare_cached("SELECT secret FROM device WHERE account = ? AND user = ? AND id = ?")?
        .query_row(key, |row| row.get(0))?;
    secret::erase(tx, number)?;
    const SQL: &str = concat!(
        "INSERT INTO device_tombstone (account, user, ",
        columns!(),
        ", unbound_at) SELECT account, user, ",
        columns!(),
        ", ? FROM device WHERE account = ? AND user = ? AND id = ?"
    );
    tx.prepare_cached(SQL)?.execute((at.get(), key.0, key.1, key.2))?;
    tx.prepare_cached("DELETE FROM device WHERE account = ? AND user = ? AND id = ?")?
        .execute(key)?;
    Ok(())
}

/// Reads one folded state after the other.
pub(crate) struct FoldedStates<'a>(CachedStatement<'a>);

impl<'a> FoldedStates<'a> {
    pub(crate) fn of(conn: &'a Connection) -> Result<Self> {
        Ok(Self(
            conn.prepare_cached("SELECT state FROM device_state WHERE device = ?")?,
        ))
    }

    pub(crate) fn get(&mut self, id: &Id) -> Result<Option<DeviceState>> {
        let mut rows = self.0.query([id.as_bytes()])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let state = row
            .get_ref(0)?
            .as_blob()
            .map_err(|_| Fault::damaged("device_state", id))?;
        tail::decode(id, state).map(Some)
    }
}

/// What [`FoldedStates::get`] costs, for an owner who has no device.
pub(crate) fn no_state(conn: &Connection, id: &Id) -> Result<()> {
    let mut statement =
        conn.prepare_cached("SELECT state FROM device_state WHERE device >= ? ORDER BY device LIMIT 1")?;
    let state = statement
        .query_row([id.as_bytes()], |row| row.get::<_, Vec<u8>>(0))
        .optional()?;
    std::hint::black_box(state.map(|state| store::codec::decode_state(&state).is_ok()));
    Ok(())
}

pub(crate) fn insert_state(tx: &Connection, id: &Id, state: &[u8]) -> Result<()> {
    tx.prepare_cached("INSERT INTO device_state (device, state) VALUES (?, ?)")?
        .execute((id.as_bytes(), state))?;
    Ok(())
}

pub(crate) fn update_state(tx: &Connection, id: &Id, state: &[u8]) -> Result<()> {
    let mut statement = tx.prepare_cached("UPDATE device_state SET state = ?2 WHERE device = ?1")?;
    match statement.execute((id.as_bytes(), state))? {
        1 => Ok(()),
        _ => Err(Fault::damaged("device_state", id)),
    }
}

fn read_bound(row: &Row<'_>, owner: &Owner) -> Result<Device, Unreadable> {
    let mut columns = Columns::of(row);
    let device = read(&mut columns, owner)?;
    let sealed = secret::sealed(columns.get()?, columns.get()?);
    Ok(Device {
        sealed: Some(sealed),
        ..device
    })
}

fn read_tombstone(row: &Row<'_>, owner: &Owner) -> Result<Device, Unreadable> {
    let mut columns = Columns::of(row);
    let device = read(&mut columns, owner)?;
    Ok(Device {
        unbound_at: Some(columns.time()?),
        ..device
    })
}

fn read(columns: &mut Columns<'_, '_>, owner: &Owner) -> Result<Device, Unreadable> {
    Ok(Device {
        id: columns.id()?,
        owner: owner.clone(),
        kind: columns.kind()?,
        serial_number: columns.get()?,
        label: columns.get()?,
        parameters: columns.parameters()?,
        bound_at: columns.time()?,
        sealed: None,
        unbound_at: None,
    })
}
