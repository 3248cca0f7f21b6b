//! The register of audit chains: who wrote one, when it began, and where it ended.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior::Immediate};
use store::audit::{Chain, Closing, Head, Opening, Sign};
use verify::UnixMs;

use crate::{
    Options,
    fault::{Fault, Result},
    tables::{Columns, Unreadable, audit, owner},
};

/// A command beside the server that has not closed its chain for so long was killed.
pub(crate) const FORGOTTEN_MS: i64 = 10 * UnixMs::MINUTE;

/// The chain that [`open`] began.
pub(crate) struct Opened {
    pub(crate) head: Head,
    /// The owner's.
    pub(crate) epoch: i64,
}

/// Opens this writer's chain. The owner counts itself in, and closes, where they ended, the chains of those who cannot.
pub(crate) fn open(conn: &mut Connection, options: &Options<'_>, log: &Path) -> Result<Opened> {
    let tx = conn.transaction_with_behavior(Immediate)?;
    if log.metadata().map_or(0, |log| log.len()) == 0 {
        owner::begin_log(&tx)?;
    }
    let mut epoch = 0;
    if options.owner {
        epoch = owner::take(&tx)?;
        close_dead(&tx, options.opened_at, options.sign)?;
    }
    let head = begin(&tx, options)?;
    tx.commit()?;
    Ok(Opened { head, epoch })
}

/// The row of a new chain, after the newest one.
fn begin(tx: &Connection, options: &Options<'_>) -> Result<Head> {
    let newest = tx
        .query_row("SELECT chain FROM audit_chain ORDER BY chain DESC LIMIT 1", [], |row| {
            row.get::<_, i64>(0)
        })
        .optional()?;
    let chain = newest.unwrap_or(0) + 1;
    let previous = newest.map(|newest| opening_of(tx, newest)).transpose()?.flatten();
    let opening = Opening {
        writer: options.writer.clone(),
        at: options.opened_at,
        previous: previous.map_or([0; 32], |previous| previous.hash(chain - 1)),
    };
    // Beside the owner each commit notes its last row; the owner's chain is found from the end of the table.
    let last = (!options.owner).then_some(0);
    const SQL: &str = "INSERT INTO audit_chain (chain, writer, at, previous, opening_signature, owner, after, last) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    tx.execute(
        SQL,
        (
            chain,
            &opening.writer,
            opening.at.get(),
            opening.previous,
            (options.sign)(&opening.statement(chain)),
            options.owner,
            audit::newest(tx)?,
            last,
        ),
    )?;
    Ok(Head::opened(chain, &opening))
}

/// All chains, in the order of its numbers.
pub(crate) fn all(conn: &Connection) -> Result<Vec<Chain>> {
    let mut statement = conn.prepare_cached(
        "SELECT chain, writer, at, previous, opening_signature, position, hash, closing_signature \
         FROM audit_chain ORDER BY chain",
    )?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let chain: i64 = row.get(0)?;
        found.push(read(row).map_err(Unreadable::of("audit_chain", chain))?);
    }
    Ok(found)
}

/// The end of any chain as the rows say.
pub(crate) fn last_of(conn: &Connection, chain: i64) -> Result<Option<Head>> {
    let Some(opening) = opening_of(conn, chain)? else {
        return Ok(None);
    };
    Ok(Some(match end(conn, chain)? {
        Some((_, head)) => head,
        None => Head::opened(chain, &opening),
    }))
}

/// Puts the closing down, unless there is one.
pub(crate) fn close(tx: &Connection, closing: &Closing) -> Result<()> {
    let chain = closing.head.chain;
    if opening_of(tx, chain)?.is_none() {
        return Err(Fault::unavailable(format!("chain {chain} is not in the register")));
    }
    let last = end(tx, chain)?.map_or(0, |(sequence, _)| sequence);
    tx.execute(
        "UPDATE audit_chain SET position = ?, hash = ?, closing_signature = ?, last = ? \
         WHERE chain = ? AND closing_signature IS NULL",
        (
            closing.head.position.cast_signed(),
            closing.head.hash,
            &closing.signature,
            last,
            chain,
        ),
    )?;
    Ok(())
}

/// Beside the owner: notes where the chain ends, and that it may still be written.
pub(crate) fn note_last(tx: &Connection, chain: i64, sequence: i64) -> Result<()> {
    let mut statement =
        tx.prepare_cached("UPDATE audit_chain SET last = ? WHERE chain = ? AND closing_signature IS NULL")?;
    match statement.execute((sequence, chain))? {
        1 => Ok(()),
        // The server took this process for dead.
        _ => Err(store::StoreError::Closed.into()),
    }
}

fn close_dead(tx: &Connection, now: UnixMs, sign: Sign<'_>) -> Result<()> {
    let mut statement =
        tx.prepare("SELECT chain FROM audit_chain WHERE closing_signature IS NULL AND (owner = 1 OR at < ?)")?;
    let dead = statement.query_map([now.plus(-FORGOTTEN_MS).get()], |row| row.get(0))?;
    for chain in dead.collect::<rusqlite::Result<Vec<i64>>>()? {
        if let Some(head) = last_of(tx, chain)? {
            tracing::warn!(
                chain,
                position = head.position,
                "closing the audit chain of a writer that was killed"
            );
            close(
                tx,
                &Closing {
                    head,
                    signature: sign(&head.statement()),
                },
            )?;
        }
    }
    Ok(())
}

/// The last row of a chain with its sequence number.
pub(crate) fn end(conn: &Connection, chain: i64) -> Result<Option<(i64, Head)>> {
    let (after, last) = conn
        .query_row("SELECT after, last FROM audit_chain WHERE chain = ?", [chain], |row| {
            Ok((row.get(0)?, row.get::<_, Option<i64>>(1)?))
        })
        .map_err(|_| Fault::damaged("audit_chain", chain))?;
    let newest = match last {
        Some(last) => last,
        None => audit::newest(conn)?,
    };
    // Rows of others after the last own one are few: a chain is either noted, or its writer wrote nearly all.
    audit::last(conn, chain, newest, after)
}

pub(crate) fn opening_of(conn: &Connection, chain: i64) -> Result<Option<Opening>> {
    let mut statement = conn.prepare_cached("SELECT writer, at, previous FROM audit_chain WHERE chain = ?")?;
    let opening = statement.query_row([chain], |row| {
        Ok(Opening {
            writer: row.get(0)?,
            at: UnixMs::new(row.get(1)?),
            previous: row.get(2)?,
        })
    });
    opening.optional().map_err(|_| Fault::damaged("audit_chain", chain))
}

fn read(row: &Row<'_>) -> Result<Chain, Unreadable> {
    let mut columns = Columns::of(row);
    let chain = columns.get()?;
    let opening = Opening {
        writer: columns.get()?,
        at: columns.time()?,
        previous: columns.get()?,
    };
    let opening_signature = columns.get()?;
    let (position, hash, signature): (Option<i64>, Option<_>, Option<_>) =
        (columns.get()?, columns.get()?, columns.get()?);
    let closing = match (position, hash, signature) {
        (Some(position), Some(hash), Some(signature)) => Some(Closing {
            head: Head {
                chain,
                position: position.cast_unsigned(),
                hash,
            },
            signature,
        }),
        (None, None, None) => None,
        _ => return Err(Unreadable),
    };
    Ok(Chain {
        chain,
        opening,
        opening_signature,
        closing,
    })
}
